import dataclasses
import importlib
import pathlib

import numpy as np
import pytest
from PIL import Image

from synthmed_jax import settings
from synthmed_jax.data import held_out, inventory_text
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256
from synthmed_jax.results.data_files import DataFiles
from synthmed_jax.results.inventory import Inventory
from synthmed_jax.results.leakage import Leakage
from synthmed_jax.results.section import FILE, Section
from synthmed_jax.stages import base, split
from synthmed_jax.stages.run import Run
from synthmed_jax.stages.run import make_run as run_of


def test_the_stage_writes_what_was_planned(make_run):
    run = make_run()
    split.STAGE.run(run)
    parts = run.inputs.parts
    assert parts.fit.files == run.inputs.planned_split.parts.fit.files
    test = held_out.read_test(run.workdir.split, run.inputs.data)
    assert len(test) == run.inputs.planned_split.num_test == 4 * 32


def test_classes_with_too_few_images_for_a_verdict_are_named_at_once(make_run, capsys):
    run = make_run()
    split.STAGE.run(run)
    fit = run.inputs.parts.fit.counts
    said = capsys.readouterr().out
    assert "few images: " in said
    assert f"fewer than 50 fit images in a class (glioma {fit['glioma']}, meningioma " in said


def test_classes_with_enough_images_are_not_spoken_of():
    (said,) = split.few_sentences({"a": 50, "b": 49})
    assert "(b 49)" in said
    assert split.few_sentences({"a": 50}) == ()


def test_a_table_of_patients_counts_by_what_it_says(make_run, tmp_path):
    run = make_run()
    table = tmp_path / "patients.csv"
    digests = {base.fingerprint(run, split.STAGE).digest}
    for shared in (2, 4):
        rows = [
            f"{name},{i // shared}" for i, name in enumerate(run.inputs.data._whole.images.files)
        ]
        table.write_text("\n".join(["file,patient", *rows]))
        grouped = make_run(split__group_by=str(table))
        digests.add(base.fingerprint(grouped, split.STAGE).digest)
        assert "patients" in split.STAGE.digests(grouped)
    assert len(digests) == 3
    pattern = make_run(split__group_by="/0*([0-9]+)[0-9][.]")
    assert "patients" not in split.STAGE.digests(pattern)


def test_a_moved_folder_or_cache_is_the_same_split(make_run, tmp_path):
    one, other = make_run(), make_run(data__cache_dir=str(tmp_path / "other"))
    assert base.fingerprint(one, split.STAGE).digest == base.fingerprint(other, split.STAGE).digest


@pytest.fixture
def folder_run(make_run, tmp_path):
    """Writes images to a folder and makes the run of them; keyword arguments are fields."""

    def make(files: dict[str, list[np.ndarray]], **changes) -> Run:
        for file, pages in files.items():
            path = tmp_path / "data" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            first, *rest = map(Image.fromarray, pages)
            options = {"save_all": True, "append_images": rest} if rest else {}
            first.save(path, **options)
        own = {"data__name": "folder", "data__dir": str(tmp_path / "data"), "data__channels": 1}
        return make_run(**own | changes)

    return make


@pytest.fixture(scope="module")
def cache_of_real_data(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def noise(seed: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, (16, 16), dtype)


def files_of(dtype: type = np.uint8, pages: int = 1, ending: str = "png") -> dict:
    """Twelve files in each of two classes."""
    return {
        f"{name}/{i:02d}.{ending}": [
            noise(1000 * i + 100 * page + n, dtype) for page in range(pages)
        ]
        for n, name in enumerate("ab")
        for i in range(12)
    }


def test_what_was_found_is_printed_and_left_in_files(folder_run, capsys):
    files = files_of()
    files |= {f"a/copy{i}.png": files["a/00.png"] for i in range(4)}
    run = folder_run(files)
    split.STAGE.run(run)
    table, *_, last = capsys.readouterr().out.split("\n", 3)
    assert table.startswith("class  images")
    folder = run.workdir.split.parent
    assert {path.name for path in folder.iterdir()} == {
        *("split.json", "inventory.json", "leakage.json", "files.json", "section.json")
    }
    leakage = Leakage.read(run.workdir.leakage)
    assert {name: each.copies for name, each in leakage.classes.items()} == {"a": 4, "b": 0}
    assert inventory_text.leakage_sentence(leakage) in last
    test = held_out.read_test(run.workdir.split, run.inputs.data)
    assert leakage.num_held_out == len(test)
    same = {"a/00.png", *(f"a/copy{i}.png" for i in range(4))}
    known = {*run.inputs.parts.fit.files, *run.inputs.parts.val.files}
    assert leakage.held_out_in_fit_or_val == (len(same & set(test.files)) if same & known else 0)
    inventory = Inventory.read(run.workdir.inventory)
    assert [(each.name, each.images, each.copies) for each in inventory.classes] == [
        ("a", 16, 4),
        ("b", 12, 0),
    ]
    section = Section.read(folder / FILE)
    assert section == inventory_text.to_section(inventory, leakage)


def test_the_same_data_leave_the_same_files(folder_run):
    run = folder_run(files_of())
    split.STAGE.run(run)
    first = {path.name: path.read_bytes() for path in run.workdir.split.parent.iterdir()}
    split.STAGE.run(folder_run({}))
    assert {p.name: p.read_bytes() for p in run.workdir.split.parent.iterdir()} == first


@pytest.mark.parametrize(
    ("files", "changes", "expected"),
    [
        # Finished workdirs of such images go on to be valid.
        (files_of(), {}, {"data_hash"}),
        (files_of(), {"split__group_by": "(.)[.]png"}, {"data_hash"}),
        (files_of(np.uint16), {}, {"data_hash", "grey_scales"}),
        (
            files_of(pages=2, ending="tif"),
            {"data__slices": "all"},
            {"data_hash", "patients"},
        ),
        (files_of(pages=2, ending="tif"), {"data__slices": "first"}, {"data_hash"}),
    ],
)
def test_what_a_split_depends_on(folder_run, files, changes, expected):
    run = folder_run(files, **changes)
    assert set(split.STAGE.digests(run)) == expected
    assert split.STAGE.digests(run)["data_hash"] == run.inputs.data.data_hash


def test_another_grey_scale_is_another_input(folder_run):
    run = folder_run(files_of(np.uint16))
    before = split.STAGE.digests(run)
    scale = dataclasses.replace(run.inputs.data.grey_scales[0], high=1.0)
    whole = dataclasses.replace(run.inputs.data._whole, grey_scales=(scale,))
    other = folder_run({})
    vars(other.inputs)["data"] = held_out.DataSet(whole)  # before it is loaded
    after = split.STAGE.digests(other)
    assert after["data_hash"] == before["data_hash"]
    assert after["grey_scales"] != before["grey_scales"]


def test_the_images_of_a_stack_stay_in_one_part(folder_run):
    run = folder_run(files_of(pages=3, ending="tif"), data__slices="all")
    split.STAGE.run(run)
    test = held_out.read_test(run.workdir.split, run.inputs.data)
    parts = run.inputs.parts
    sources = [{file.split("#")[0] for file in p.files} for p in (parts.fit, parts.val, test)]
    assert sum(map(len, sources)) == len(set.union(*sources)) == 24
    assert len(parts.fit_groups) == len(parts.fit)


def test_checked_data_are_drawn_and_nothing_is_split(folder_run, capsys):
    run = folder_run(files_of())
    split.check_data(run)
    said = capsys.readouterr().out
    assert said.startswith("class  images")
    paths = [run.workdir.check_data / f"class{number}.png" for number in (1, 2)]
    assert said.endswith(
        "".join(
            f"contact sheet of class {name}: {path}\n"
            for name, path in zip("ab", paths, strict=True)
        )
    )
    with Image.open(paths[0]) as sheet:
        assert sheet.size[0] > 800
    assert (run.workdir.check_data / "class2.txt").read_text().startswith("class\tb\n1\tb/00.png")
    assert [path.name for path in run.workdir.root.iterdir()] == ["check_data"]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "scale", "copies", "val", "held_out_images"),
    [
        # Of the last two: how many equal a fit image (or, held out, a val image), and all of them.
        ("brain_ddpm", "cpu", 426, (3, 141), (187, 5613)),
        ("brain_ddpm", "paper", 426, (3, 141), (187, 5614)),  # split.counts names two classes
        ("all_ddpm", "paper", 40, (0, 65), (14, 2604)),
        ("covid_ddpm", "paper", 2, (0, 50), (1, 1984)),
    ],
)
def test_copies_in_the_real_sets(
    tmp_path, real_data, cache_of_real_data, name, scale, copies, val, held_out_images
):
    config = importlib.import_module(f"configs.{name}").get_config(scale)
    config.data.dir, config.data.cache_dir = str(real_data), str(cache_of_real_data)
    config.data.image_size, config.split.group_by = 16, "none"
    run = run_of(settings.from_config(config), tmp_path / "run")
    leakage = held_out.write_split(run.workdir.split, run.inputs.data, run.settings.split)
    assert leakage.copies == copies
    assert (leakage.val_in_fit, leakage.num_val) == val
    assert (leakage.held_out_in_fit_or_val, leakage.num_held_out) == held_out_images
    assert set(split.STAGE.digests(run)) == {"data_hash"}


MILD = (
    "unchanged", "moved by 1 pixel", "moved by 2 pixels", "JPEG, quality 50", "blur, 0.7 pixels",
    "contrast times 1.3", "brighter by 20", "noise, deviation 10",
)  # fmt: skip


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "redundant", "in_fit", "near", "largest", "shares"),
    [
        ("brain_ddpm", 426, 171, 1095, 28, {"blur, 1 pixel": 0.7, "turned by 2 degrees": 0.8}),
        ("all_ddpm", 40, 11, 40, 3, {"blur, 1 pixel": 1, "turned by 2 degrees": 1}),
        ("covid_ddpm", 2, 1, 317, 16, {"blur, 1 pixel": 1, "turned by 2 degrees": 1}),
    ],
)
def test_twins_and_near_duplicates_in_the_real_sets(
    tmp_path, real_data, cache_of_real_data, name, redundant, in_fit, near, largest, shares
):
    config = importlib.import_module(f"configs.{name}").get_config("cpu")
    config.data.dir, config.data.cache_dir = str(real_data), str(cache_of_real_data)
    config.data.image_size, config.split.group_by = 64, "none"
    run = run_of(settings.from_config(config), tmp_path / "run")
    split.STAGE.run(run)
    alike = Leakage.read(run.workdir.leakage).alike
    assert alike.redundant_twins == redundant
    assert sum(each.held_out_in_fit for each in alike.twins.values()) == in_fit
    assert alike.near_held_out == pytest.approx(near, abs=5)  # sums differ a little by machine
    assert alike.largest == pytest.approx(largest, abs=3)
    assert alike.num_conflicts == 0
    for how, share in alike.power.items():
        if how in MILD or how in shares:
            assert share >= shares.get(how, 0.95), how
    new = held_out.has_no_duplicate(run.workdir.split, run.inputs.data, run.settings.split)
    assert len(new) - new.sum() == alike.near_held_out
    config.split.group_by = "near_duplicates"
    grouped = run_of(settings.from_config(config), tmp_path / "grouped")
    leakage = held_out.write_split(
        grouped.workdir.split, grouped.inputs.data, grouped.settings.split
    )
    assert (
        leakage.alike.near_held_out == leakage.alike.near_val == leakage.held_out_in_fit_or_val == 0
    )
    parts, by_image = grouped.inputs.parts, run.inputs.parts
    for label in range(len(parts.fit.class_names)):  # Table 1's counts are met
        for part, other in ((parts.fit, by_image.fit), (parts.val, by_image.val)):
            assert (part.labels == label).sum() == (other.labels == label).sum()


def test_what_changed_in_the_data_is_said(folder_run):
    files = files_of()
    run = folder_run(files)
    broken = pathlib.Path(run.settings.data.dir, "b", "broken.png")
    broken.write_bytes(b"no image")
    run = folder_run({})
    split.STAGE.run(run)
    base.mark(run, split.STAGE, "finished")
    base.check_marker(folder_run({}), split.STAGE)
    assert DataFiles.read(run.workdir.data_files).classes["b"]["b/broken.png"] == sha256(
        b"no image"
    )
    broken.write_bytes(b"no image either")
    broken.with_name("03.png").rename(broken.with_name("x.png"))
    broken.with_name("04.png").unlink()
    changed = folder_run({"a/05.png": [noise(5)], "a/new.png": [noise(6)]})
    with pytest.raises(UserError) as refusal:
        base.check_marker(changed, split.STAGE)
    assert (
        "(1 file added (a/new.png); 1 file removed (b/04.png); 1 file renamed (b/03.png to b/x.png)"
        "; 2 files changed (a/05.png, b/broken.png)): restore that, or go on in a new folder"
    ) in str(refusal.value)
    run.workdir.data_files.unlink()  # as in workdirs of earlier versions
    before, now = run.inputs.data.data_hash, changed.inputs.data.data_hash
    with pytest.raises(UserError, match=f"data_hash = '{before}', now it is '{now}'"):
        base.check_marker(changed, split.STAGE)
    run.workdir.data_files.write_text("")
    with pytest.raises(UserError, match=f"data_hash = '{before}', now it is '{now}'"):
        base.check_marker(changed, split.STAGE)


def test_phantoms_have_files_too(make_run):
    run = make_run()
    listed = held_out.list_files(run.inputs.data).classes
    assert {name: len(files) for name, files in listed.items()} == dict.fromkeys(
        run.inputs.class_names, len(run.inputs.data) // len(run.inputs.class_names)
    )
