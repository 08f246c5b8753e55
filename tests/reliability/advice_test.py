"""The advice of each refusal is followed to the letter, and leads to the reference's results."""

import csv
import io
import re
import shutil

import pytest
from PIL import Image

from synthmed_jax.files import sha256_of
from tests.reliability import comparing, counts
from tests.reliability.world import END, STAGES, Moment

pytestmark = pytest.mark.reliability

LAST = STAGES[-1]


@pytest.fixture
def finished(world):
    """A copy of the finished run."""
    case = world.copy(world.before[END])
    yield case
    world.discard(case)


@pytest.fixture
def from_the_start(world):
    """Computes what some settings give when all is computed with them."""

    def compute(changes):
        case = world.copy(Moment(world.root / "nothing", world.before[END].cache))
        outcome = world.run(case, changes=changes)
        assert outcome.status == 0, outcome.said
        found = comparing.contents(case.workdir)
        world.discard(case)
        return found

    return compute


def check(request, case, wanted):
    others = comparing.difference(comparing.contents(case.workdir), wanted)
    counts.add(request, "advice followed", "different" if others else "to the reference's results")
    assert not others


@pytest.mark.parametrize(
    ("first", "changes"),
    [
        ("diffusion", {"diffusion__train__learning_rate": 2e-3}),
        ("generate", {"generate__sampler": "ddim"}),
        ("classify", {"classifier__learning_rate": 1e-3}),
    ],
)
def test_results_of_other_settings_are_deleted_as_told(
    world, finished, request, from_the_start, first, changes
):
    """Without their markers, results themselves say what they were made with."""
    for stage in STAGES[STAGES.index(first) :]:
        (finished.workdir / "stages" / f"{stage}.json").unlink()
    for _ in range(9):
        outcome = world.run(finished, changes=changes)
        assert "Traceback" not in outcome.said
        if outcome.status == 0:
            break
        told = re.search(r"or delete (\S+), and it is made anew", outcome.said)
        shutil.rmtree(told[1])
    check(request, finished, from_the_start(changes))


@pytest.mark.parametrize(
    ("stage", "field"),
    [
        ("diffusion", "diffusion__train__learning_rate"),
        ("classify", "classifier__learning_rate"),
    ],
)
def test_after_a_divergence_a_lower_rate_goes_on(world, request, stage, field):
    case = world.copy(world.before[stage])
    outcome = world.run(case, stage, changes={field: 1e30})
    assert outcome.status == 2, outcome.said
    told = rf"lower config\.{field.replace('__', '.')}, and give the same command again"
    assert re.search(told, outcome.said), outcome.said
    outcome = world.run(case, stage)
    assert outcome.status == 0, outcome.said
    check(request, case, world.contents[stage])
    world.discard(case)


def test_a_stage_that_needs_another_one_gets_it(world, request):
    case = world.copy(world.before["classify"])
    shutil.rmtree(case.workdir / "synthetic")
    (case.workdir / "stages" / "generate.json").unlink()
    outcome = world.run(case, "classify")
    assert outcome.status == 2
    told = re.search(r"'classify' needs '(\w+)', which is not finished: run it too", outcome.said)
    outcome = world.run(case, told[1], "classify")
    assert outcome.status == 0, outcome.said
    check(request, case, world.contents["classify"])
    world.discard(case)


def test_images_of_different_sizes_are_drawn_anew_as_told(world, request):
    """Somebody has put an image of their own there, and into the manifest."""
    case = world.copy(world.before["classify"])
    manifest = case.workdir / "synthetic" / "manifest.csv"
    rows = list(csv.reader(io.StringIO(manifest.read_text())))
    image = case.workdir / "synthetic" / rows[1][0]
    Image.open(image).resize((9, 9)).save(image)
    rows[1][rows[0].index("sha256")] = sha256_of(image)
    manifest.write_text("".join(",".join(row) + "\n" for row in rows))
    (case.workdir / "stages" / "generate.json").unlink()
    outcome = world.run(case, "generate", "classify")
    assert outcome.status == 2, outcome.said
    told = re.search(r"delete (\S+) and (\S+), and the set is drawn anew", outcome.said)
    for path in told.groups():
        case.workdir.joinpath(path).unlink()
    outcome = world.run(case, "generate", "classify")
    assert outcome.status == 0, outcome.said
    check(request, case, world.contents["classify"])
    world.discard(case)
