"""Damage to the caches of prepared and decoded images, and of compiled programs."""

import shutil

import pytest

from tests.reliability import comparing, counts, damaging
from tests.reliability.damaging import EQUAL, MENDED
from tests.reliability.world import Moment

pytestmark = pytest.mark.reliability


@pytest.fixture(scope="session", params=["with decoded images", "without decoded images"])
def moment(world, request):
    """Before the evaluation, which reads all images."""
    copy = world.copy(world.before["evaluate"])
    if request.param.startswith("without"):
        shutil.rmtree(copy.cache / "arrays")
    return copy


@pytest.mark.parametrize("way", damaging.WAYS)
def test_damaged_images_are_never_used(world, moment, request, way):
    wrong = []
    for paths in damaging.files(moment).values():
        for path in (p for p in paths if p.is_relative_to("cache")):
            verdict, said = damaging.damage(
                world, moment, path, way, "evaluate", world.contents["evaluate"]
            )
            counts.add(request, "damage, caches of images", verdict)
            if verdict not in (MENDED, EQUAL):
                wrong.append(said)
    assert not wrong, f"{len(wrong)} cases\n" + "\n".join(wrong)


@pytest.mark.parametrize("way", damaging.WAYS)
def test_a_damaged_program_is_compiled_and_kept_anew(world, request, way):
    """JAX finds the damage, compiles, and would leave the entry as it is for ever."""
    case = world.copy(world.before["diffusion"])
    case = Moment(case.workdir, world.before["diffusion"].cache)
    case = world.copy(case)
    assert world.run(case, "diffusion", own_programs=True).status == 0
    programs = sorted((case.cache / "xla").glob("*-cache"))
    assert programs
    for path in programs:
        damaging.WAYS[way](path)
    shutil.rmtree(case.workdir)
    shutil.copytree(world.before["diffusion"].workdir, case.workdir)
    outcome = world.run(case, "diffusion", own_programs=True)
    others = comparing.difference(comparing.contents(case.workdir), world.contents["diffusion"])
    assert outcome.status == 0
    assert "Traceback" not in outcome.said
    assert not others
    shutil.rmtree(case.workdir)
    shutil.copytree(world.before["diffusion"].workdir, case.workdir)
    again = world.run(case, "diffusion", own_programs=True)
    assert "Error reading persistent compilation cache" not in again.said
    counts.add(request, "damage, caches of programs", MENDED)
