"""What the stage wants, checks and calls finished."""

import pytest

from synthmed_jax.data import manifest
from synthmed_jax.data.manifest import ManifestRow
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256, write_bytes
from synthmed_jax.stages import base, generate, ledger
from tests.data.written_set import write_manifest


@pytest.mark.parametrize(
    ("counts", "unit"),
    [
        ("", "8 a class"),
        ("glioma=8", "8 a class"),
        ("pituitary=3,glioma=12", "12+8+8+3 a class"),
    ],
)
def test_the_unit_is_the_number_of_images_per_class(make_run, counts, unit):
    assert generate.STAGE.units(make_run(generate__counts=counts)) == (unit,)


def test_counts_change_no_fingerprint_and_are_other_work(make_run):
    plain, other = make_run(), make_run(generate__counts="glioma=12")
    one, two = (base.fingerprint(run, generate.STAGE) for run in (plain, other))
    assert one == two
    base.mark(plain, generate.STAGE, "finished")
    assert base.is_finished(plain, generate.STAGE)
    assert not base.is_finished(other, generate.STAGE)
    # The manifest says which images are used: going back is work, too, if only of a moment.
    base.mark(other, generate.STAGE, "finished")
    assert not base.is_finished(plain, generate.STAGE)


@pytest.mark.parametrize(
    ("counts", "fault"),
    [
        ("gliom=3", r"config\.generate\.counts names class 'gliom'; classes are glioma, menin"),
        ("glioma=0", "needs a whole number of at least 1"),
        (f"glioma={'9' * 160}", "too long for the name of a folder"),
    ],
)
def test_counts_that_can_not_be_are_refused_before_any_work(make_run, counts, fault):
    with pytest.raises(UserError, match=fault):
        generate.STAGE.check(make_run(generate__counts=counts))


def test_an_image_that_is_not_the_manifests_is_damage(make_run):
    run = make_run()
    folder = run.workdir.synthetic
    rows = []
    for i in range(3):
        path = manifest.path_of("glioma", i)
        write_bytes(folder / path, b"%d" % i)
        rows.append(
            ManifestRow(path, "glioma", i, 0, "ddpm", 1, 1.0, "", sha256(b"%d" % i), used=i < 2)
        )
    write_manifest(folder, rows)
    base.mark(run, generate.STAGE, "finished")
    for i, damages in ((2, 0), (1, 1), (0, 1)):  # the last image is not used
        (folder / rows[i].path).write_bytes(b"")
        found = [error.path for error in ledger.damage(run, generate.STAGE)]
        assert found == [folder / rows[i].path][:damages]


def test_a_manifest_of_a_further_folder_that_is_gone_is_damage(make_run, monkeypatch):
    monkeypatch.setattr(manifest, "IMAGES_PER_FOLDER", 2)
    run = make_run(generate__per_class=5)
    folder, rows = run.workdir.synthetic, []
    for name in run.inputs.class_names:
        for i in range(5):
            path, content = manifest.path_of(name, i), b"%d" % i
            write_bytes(folder / path, content)
            rows.append(ManifestRow(path, name, i, 0, "ddpm", 1, 1.0, "", sha256(content)))
    write_manifest(folder, rows)
    base.mark(run, generate.STAGE, "finished")
    assert not list(ledger.damage(run, generate.STAGE))
    gone = folder / "glioma/0002/manifest.csv"
    gone.unlink()
    assert [error.path for error in ledger.damage(run, generate.STAGE)] == [gone]
