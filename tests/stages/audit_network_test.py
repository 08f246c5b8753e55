import pytest

from synthmed_jax.audit import pretrained
from synthmed_jax.errors import UserError
from synthmed_jax.stages import audit, audit_network, base


def test_a_network_that_is_named_later_costs_the_audit_alone(make_run, tmp_path):
    plain = make_run()
    base.mark(plain, audit.STAGE, "finished")
    assert base.is_finished(plain, audit.STAGE)
    assert audit_network.load(plain) is None
    path = tmp_path / "net.pth"
    path.write_bytes(b"one")
    later = make_run(audit__weights=str(path))
    base.check_marker(later, audit.STAGE)
    assert base.fingerprint(later, audit.STAGE) == base.fingerprint(plain, audit.STAGE)
    assert not base.is_finished(later, audit.STAGE)
    base.mark(later, audit.STAGE, "finished")
    assert base.is_finished(later, audit.STAGE)
    # Where the file lies is no matter; what is in it, and what network it is of, are.
    moved = path.rename(tmp_path / "moved.pth")
    assert base.is_finished(make_run(audit__weights=str(moved)), audit.STAGE)
    other = make_run(audit__weights=str(moved), audit__backbone="vgg16")
    assert not base.is_finished(other, audit.STAGE)
    moved.write_bytes(b"two")
    assert not base.is_finished(make_run(audit__weights=str(moved)), audit.STAGE)
    assert audit_network.units(make_run(audit__weights="imagenet")) == ("resnet18/imagenet",)


def test_what_the_run_has_learned_itself_is_refused(make_run):
    run = make_run()
    learned = run.workdir.root / "classify" / "resnet18" / "net.pth"
    with pytest.raises(UserError, match=r"config\.audit\.weights=.* learned elsewhere"):
        audit.STAGE.check(make_run(audit__weights=str(learned)))
    audit.STAGE.check(run)


def test_weights_that_can_not_be_read_are_refused_before_any_work(make_run, tmp_path):
    with pytest.raises(UserError, match=r"config\.audit\.weights=.*no such file"):
        audit.STAGE.check(make_run(audit__weights=str(tmp_path / "nowhere.pth")))


def test_the_network_is_for_the_classes_of_the_data_set(make_run, monkeypatch):
    asked = []
    monkeypatch.setattr(pretrained, "load", lambda *arguments: asked.append(arguments))
    run = make_run(audit__weights="imagenet")
    audit.STAGE.check(run)
    assert asked == [(run.settings.audit, len(run.inputs.class_names), run.settings.data.cache)]
