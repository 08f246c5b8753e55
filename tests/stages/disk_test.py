"""What a run will write, from shapes and numbers alone."""

import numpy as np
import pytest

from synthmed_jax.diffusion import generate as drawing
from synthmed_jax.files import write_bytes, write_json
from synthmed_jax.stages import STAGES, base, classify, diffusion, disk, generate, tune

# Parameters of torchvision's networks for 1000 classes, features before their last layer, and
# running means and variances.
NETWORKS = {
    "resnet18": (11_689_512, 512, 9_600),
    "resnet50": (25_557_032, 2048, 53_120),
    "vgg16": (138_357_544, 4096, 0),
    "vgg19": (143_667_240, 4096, 0),
    "alexnet": (61_100_840, 4096, 0),
    "densenet121": (7_978_856, 1024, 83_648),
    "mobilenet_v2": (3_504_872, 1280, 34_112),
    "googlenet": (6_624_904, 1024, 14_560),
}
PARAMS = 714_768  # bytes of the smoke preset's generator
STATE = 4 * PARAMS + 12  # weights, one average, Adam's two moments; three counters


@pytest.mark.parametrize("name", NETWORKS)
def test_a_fold_takes_four_bytes_for_each_number_of_its_network(make_run, name):
    of_1000, features, statistics = NETWORKS[name]
    params = of_1000 - 996 * (features + 1)  # four classes
    run = make_run(classifier__backbone=name, classifier__image_size=64)
    room = disk.expected(run, [classify.STAGE])["classify"]
    # Two arms of two trainings.
    assert room.stays == 4 * 4 * (params + statistics)
    # Weights, Adam's two moments and its counter, and the best weights; old and new.
    assert room.passing == 2 * 4 * (4 * params + 2 * statistics + 1)


def test_networks_add_up_and_folds_that_are_there_do_not_count(make_run):
    of = {
        names: disk.expected(make_run(classifier__backbones=names), [classify.STAGE])["classify"]
        for names in (("resnet18",), ("mobilenet_v2",), ("resnet18", "mobilenet_v2"))
    }
    one, other, both = of.values()
    assert both.stays == one.stays + other.stays
    assert both.passing == max(one.passing, other.passing)
    run = make_run()
    cell, _ = classify.cells(run)
    write_json(cell.folder(run.workdir.classify, "training1") / "result.json", {})
    assert disk.expected(run, [classify.STAGE])["classify"].stays == one.stays * 3 // 4


@pytest.mark.parametrize(("conditioning", "models"), [("class", 1), ("per_class", 4)])
def test_a_generator_takes_two_checkpoints_and_its_best_weights(make_run, conditioning, models):
    changes = {"diffusion__conditioning": conditioning, "generate__guidance": 1.0}
    run = make_run(**changes, diffusion__train__label_dropout=0.0)
    room = disk.expected(run, [diffusion.STAGE])["diffusion"]
    assert room.stays == pytest.approx(models * (2 * STATE + PARAMS), rel=0.01)
    assert room.passing == pytest.approx(STATE, rel=0.01)


def test_what_a_generator_has_written_is_taken_off(make_run):
    run = make_run()
    whole = disk.expected(run, [diffusion.STAGE])["diffusion"].stays
    assert whole == 2 * STATE + PARAMS
    write_bytes(run.workdir.diffusion / "checkpoints" / "10", bytes(2**20))
    left = disk.expected(run, [diffusion.STAGE])["diffusion"].stays
    assert whole - left == pytest.approx(2**20, abs=3 * 4096)
    write_json(run.workdir.diffusion / "best.json", {})
    assert disk.expected(run, [diffusion.STAGE])["diffusion"] == disk.Room(0)


def test_images_take_a_block_of_the_disk_each_if_they_lack(make_run):
    run = make_run(generate__counts="notumor=20")
    one = 4096 + 350  # of 16 x 16 pixels, and what tables say of it
    assert disk.expected(run, [generate.STAGE])["generate"].stays == (3 * 8 + 20) * one
    drawing.generate(
        lambda label, index: np.zeros((len(index), 16, 16, 1), np.uint8),
        run.settings.generate,
        4,
        run.inputs.class_names,
        (8, 8, 8, 1),
        ("",) * 4,
        run.workdir.synthetic,
    )
    assert disk.expected(run, [generate.STAGE])["generate"].stays == 19 * one


def test_larger_images_take_their_size_as_files(make_run):
    run = make_run(data__image_size=128, generate__per_class=10)
    stays = disk.expected(run, [generate.STAGE])["generate"].stays
    assert 40 * 4096 < stays < 40 * 128 * 128 * 1.5


def test_a_search_of_generators_takes_room_for_a_time(make_run):
    run = make_run(tune__target="diffusion")
    assert disk.expected(run, [tune.STAGE]) == {"tune": disk.Room(0, 3 * STATE + PARAMS)}
    assert disk.expected(make_run(), [tune.STAGE]) == {"tune": disk.Room(0)}


def test_what_is_finished_takes_nothing_more(make_run):
    run = make_run()
    assert "diffusion" in disk.expected(run, STAGES)
    for stage in (each for each in STAGES if each.name in ("split", "diffusion")):
        base.mark(run, stage, "finished")
    assert "diffusion" not in disk.expected(run, STAGES)


def test_less_room_than_is_needed_is_a_warning(make_run, monkeypatch, capsys):
    run = make_run()
    disk.say_expected(run, [diffusion.STAGE])
    said = capsys.readouterr().out
    assert said.startswith("expected on this disk: diffusion 6.1 MiB; in all 6.1 MiB, and up to ")
    assert "warning" not in said
    assert not run.workdir.root.exists()
    monkeypatch.setattr(disk, "_free", lambda folder: 8 * disk.MIB)
    disk.say_expected(run, [diffusion.STAGE])
    warning = capsys.readouterr().out.splitlines()[-1]
    # Two checkpoints and the best weights, and a third checkpoint for a time.
    assert warning.startswith(f"warning: {run.workdir.root} may need 8.9 MiB and has 8.0 MiB: ")
    monkeypatch.setattr(disk, "_free", lambda folder: 9 * disk.MIB)
    disk.say_expected(run, [diffusion.STAGE])
    assert "warning" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 KiB"),
        (1500, "1 KiB"),
        (1024**2, "1.0 MiB"),
        (215 * 1024**2, "215 MiB"),
        (3.5 * 1024**3, "3.5 GiB"),
        (16 * 1024**3, "16 GiB"),
    ],
)
def test_sizes_in_words(size, text):
    assert disk.in_words(size) == text
