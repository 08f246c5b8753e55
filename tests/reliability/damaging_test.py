"""Damage to every file that a run leaves or goes on from: mended, or of no effect; never used."""

import re

import pytest

from tests.reliability import counts, damaging
from tests.reliability.damaging import EQUAL, FOLLOWED, MENDED, SILENT, UNREAD
from tests.reliability.killing import Kill, kill
from tests.reliability.world import END, STAGES

pytestmark = pytest.mark.reliability

# Stage that is killed -> how far it has come then, as a share of its changes of files.
KILLED = {
    "diffusion": 0.6, "generate": 0.6, "classify": 0.4, "evaluate": 0.1, "explain": 0.8,
    "report": 0.7,
}  # fmt: skip
# Moment -> kinds of files that are damaged in every way; of the other kinds one file is damaged in
# one way. Of the finished run each file is damaged once at least.
IN_FULL = {
    END: r"run/(?!diffusion/(best|checkpoints)/|classify/.*/checkpoint/)",
    "diffusion": r"run/(diffusion/(checkpoints|[^/]*$)|stages/diffusion)",
    "generate": r"run/(synthetic|diffusion/best/)",
    "classify": r"run/(classify|stages/classify)",
    "evaluate": r"run/(evaluate|classify/.*/checkpoint/)",
    "explain": r"run/explain",
    "report": r"run/report/[^.]*$",
}
# Moment -> what its run does not read, and leaves as it is: weights, which the stages that read
# them look at first; the audit, of which the report alone shows a section; and markers of stages
# that were not asked for, which are removed; and the card of the synthetic set, which a user edits.
UNREAD_THERE = {
    END: r"run/(diffusion/best/|classify/.*/checkpoint/|synthetic/README)",
    "diffusion": r"(?!)",
    "generate": r"run/stages/split",
    "classify": r"run/(diffusion/best/|classify/.*/checkpoint/|stages/|audit/)",
    "evaluate": r"run/(stages/|audit/)",
    "explain": r"run/(audit/|diffusion/best/|classify/.*/checkpoint/|stages/)",
    "report": (
        r"run/(audit/fidelity|diffusion/best/|classify/.*/checkpoint/|stages/"
        r"|synthetic/(README|metadata))"
    ),
}
# The times of stages are written down once: without the notes, the report can't tell them.
NOTES = ("report", "run/run.json")
LOST = "the report lacks the times that were lost"
PARTS = 16  # of the files of a moment, for the processes of a session


@pytest.fixture(scope="session")
def moments(world):
    """The finished run, and one that was killed in each stage."""
    found = {END: world.before[END]}
    for stage, share in KILLED.items():
        found[stage] = world.copy(world.before[stage])
        assert kill(world, found[stage], stage, Kill(share)), stage
    return found


def cases(moment, name):
    """Yields (file, way), in an order that is the same in all processes."""
    ways = list(damaging.WAYS)
    kinds = [each for each in damaging.files(moment).items() if each[0].startswith("run/")]
    for number, (kind, paths) in enumerate(sorted(kinds)):
        if re.match(IN_FULL[name], kind):
            yield from damaging.cases(paths if name == END else paths[: len(ways)])
        else:
            chosen = paths if name == END else paths[:1]
            yield from ((path, ways[(number + i) % len(ways)]) for i, path in enumerate(chosen))


@pytest.mark.parametrize("name", IN_FULL)
@pytest.mark.parametrize("part", range(PARTS))
def test_a_damaged_file_is_never_used(world, moments, request, name, part):
    stage, after = ("", STAGES[-1]) if name == END else (name, name)
    wrong = []
    for path, way in list(cases(moments[name], name))[part::PARTS]:
        verdict, said = damaging.damage(
            world, moments[name], path, way, stage, world.contents[after]
        )
        may_stay = re.match(UNREAD_THERE[name], path.as_posix())
        if verdict == SILENT and (name, path.as_posix()) == NOTES:
            verdict = LOST
        elif verdict not in (MENDED, EQUAL, FOLLOWED) and not (verdict == UNREAD and may_stay):
            wrong.append(said)
        counts.add(request, f"damage, {'finished' if name == END else 'killed'} run", verdict)
    assert not wrong, f"{len(wrong)} cases\n" + "\n".join(wrong)
