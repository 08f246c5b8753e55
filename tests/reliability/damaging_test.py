"""Damage to every file that a run leaves or goes on from: mended, or of no effect; never used."""

import collections
import dataclasses

import pytest

from tests.reliability import counts, damaging
from tests.reliability.damaging import EQUAL, MENDED, SILENT, UNREAD
from tests.reliability.killing import Kill, kill
from tests.reliability.world import END, STAGES

pytestmark = pytest.mark.reliability

# Weights that a run does not read stay as they are: the stages that read them look at them first.
NOT_READ = {
    END: ("run/diffusion/best/", "run/classify/"),
    "classify": ("run/diffusion/best/",),
    "evaluate": (),
}
# Stage -> how far it has come when its files are damaged, as a share of its changes of files.
UNFINISHED = {
    "diffusion": 0.6, "generate": 0.6, "classify": 0.4, "evaluate": 0.7, "explain": 0.8,
    "report": 0.7,
}  # fmt: skip
# Kind -> moments at which all of its files are damaged, one after the other.
MOMENTS = (END, *UNFINISHED)


@pytest.fixture(scope="session")
def moments(world):
    """The finished run, and a killed one of each stage."""
    found = {END: world.before[END]}
    for stage, share in UNFINISHED.items():
        found[stage] = world.copy(world.before[stage])
        assert kill(world, found[stage], stage, Kill(share))
    return found
