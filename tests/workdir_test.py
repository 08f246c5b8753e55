import pytest

from synthmed_jax import workdir
from synthmed_jax.errors import UserError
from synthmed_jax.workdir import Fingerprint

PRINT = Fingerprint({"a.b": 1, "a.c": [1, 2]}, {"split": "abc"})


def test_a_second_run_is_kept_out_until_the_first_ends(tmp_path):
    with (
        workdir.lock(tmp_path / "run"),
        pytest.raises(UserError, match="another run is at work in"),
        workdir.lock(tmp_path / "run"),
    ):
        pass
    with workdir.lock(tmp_path / "run"):
        pass


@pytest.mark.parametrize("adds", [True, False])
def test_a_marker_finishes_a_stage(tmp_path, adds):
    assert not workdir.is_finished(tmp_path, "x", [], adds=adds)
    workdir.mark(tmp_path, "x", "started", PRINT, ["one"], adds=adds)
    assert not workdir.is_finished(tmp_path, "x", ["one"], adds=adds)
    workdir.mark(tmp_path, "x", "finished", PRINT, ["one"], adds=adds)
    assert workdir.is_finished(tmp_path, "x", ["one"], adds=adds)
    assert not workdir.is_finished(tmp_path, "x", ["one", "two"], adds=adds)
    workdir.mark(tmp_path, "x", "started", PRINT, ["one"], adds=adds)
    assert not workdir.is_finished(tmp_path, "x", ["one"], adds=adds)


def test_cells_gather_only_where_a_stage_adds_to_its_output(tmp_path):
    for stage, adds in {"gathers": True, "replaces": False}.items():
        for cell in ("one", "two"):
            workdir.mark(tmp_path, stage, "started", PRINT, [cell], adds=adds)
            workdir.mark(tmp_path, stage, "finished", PRINT, [cell], adds=adds)
        assert workdir.is_finished(tmp_path, stage, ["two"], adds=adds)
        assert workdir.is_finished(tmp_path, stage, ["one"], adds=adds) == adds
        assert workdir.is_finished(tmp_path, stage, ["one", "two"], adds=adds) == adds


@pytest.mark.parametrize("status", ["started", "finished"])
def test_a_changed_field_is_refused_by_name(tmp_path, status):
    workdir.check(tmp_path, "x", PRINT)
    workdir.mark(tmp_path, "x", status, PRINT, ["one"], adds=True)
    workdir.check(tmp_path, "x", Fingerprint({"a.b": 1, "a.c": (1, 2)}, {"split": "abc"}))
    with pytest.raises(UserError, match=r"'x'.*a\.c = \[1, 2\], now it is \[1, 3\]"):
        workdir.check(tmp_path, "x", Fingerprint({"a.b": 1, "a.c": [1, 3]}, PRINT.inputs))
    with pytest.raises(UserError, match=r"input split = 'abc', now it is 'abd'"):
        workdir.check(tmp_path, "x", Fingerprint(PRINT.fields, {"split": "abd"}))


def test_a_young_field_at_its_first_value_says_nothing_new(tmp_path):
    old = Fingerprint({"diffusion.train.steps": 1}, {})
    young = {"diffusion.unet.middle_attention": True, "diffusion.unet.embedding": "scale_shift"}
    now = Fingerprint(dict(old.fields) | young, {})
    assert now.digest == old.digest
    workdir.mark(tmp_path, "x", "finished", old, ["one"], adds=True)
    workdir.check(tmp_path, "x", now)
    changed = Fingerprint(dict(now.fields) | {"diffusion.unet.middle_attention": False}, {})
    assert changed.digest != old.digest
    with pytest.raises(UserError, match=r"middle_attention = True, now it is False"):
        workdir.check(tmp_path, "x", changed)


def test_digests_follow_fields_and_inputs():
    assert PRINT.digest == Fingerprint({"a.c": [1, 2], "a.b": 1}, {"split": "abc"}).digest
    assert PRINT.digest != Fingerprint({"a.b": 2, "a.c": [1, 2]}, {"split": "abc"}).digest
    assert PRINT.digest != Fingerprint(PRINT.fields, {"split": "abd"}).digest
