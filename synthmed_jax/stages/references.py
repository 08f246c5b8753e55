"""Generators of other seeds, by which the audit calibrates its attack on membership by loss.

Under another seed the split is another one, so that most images that this run's generator has
learned are new to theirs. Which image each of them has learned, its own split.json says.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Sequence

import numpy as np

from synthmed_jax import field_history
from synthmed_jax.diffusion import train
from synthmed_jax.diffusion.conditioning import Portion
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256
from synthmed_jax.parallel import Tree
from synthmed_jax.results.marker import Marker
from synthmed_jax.results.split import SplitFile
from synthmed_jax.stages import base, diffusion, split
from synthmed_jax.stages.run import Run
from synthmed_jax.workdir import Workdir


@dataclasses.dataclass(frozen=True)
class Reference:
    """The generators of another workdir.

    Attributes:
      generators: each with the labels that it knows, and its weights.
      fit: files of the images that they have learned.
    """

    generators: list[tuple[Portion, Tree]]
    fit: frozenset[str]

    def has_learned(self, files: Sequence[str]) -> np.ndarray:
        """Returns bool[N]."""
        return np.array([file in self.fit for file in files], bool)


def check(run: Run) -> None:
    """Refuses workdirs that can't serve, before any work.

    Raises:
      UserError: naming the workdir and why.
    """
    seeds: dict[int, pathlib.Path] = {}
    for root in run.settings.audit.reference_folders:
        found = SplitFile.read_if_there(Workdir(root).split)
        if found is None:
            why = "it has no split"
        elif found.seed in seeds:
            why = f"its split has the seed of {seeds[found.seed]}'s"
        else:
            why = _why_not(run, root, found)
            seeds[found.seed] = root
        if why:
            raise UserError(
                f"config.audit.references names {root}, and {why}: name finished workdirs of the "
                "same command with another --config.seed, each once, or leave it out"
            )


def read(run: Run) -> list[Reference]:
    """Reads the generators of the workdirs; errors as of `check` and of `train.load_best`."""
    check(run)
    settings, model = run.settings.diffusion.train, run.compiled.model
    return [
        Reference(
            [
                (each, train.load_best(settings, model, Workdir(root).diffusion / each.folder)[0])
                for each in run.inputs.portions
            ],
            frozenset(entry.file for entry in SplitFile.read(Workdir(root).split).fit),
        )
        for root in run.settings.audit.reference_folders
    ]


def digests(run: Run) -> dict[str, str]:
    """Name -> digest of each workdir's generators, of which the audit's output depends."""
    return {
        f"reference {number}": sha256(
            b"".join(path.read_bytes() for path in sorted(folder.rglob("best.json")))
        )
        for number, root in enumerate(run.settings.audit.reference_folders)
        for folder in [Workdir(root).diffusion]
    }


def _why_not(run: Run, root: pathlib.Path, found: SplitFile) -> str:
    """Why a workdir can't serve; "" where it can."""
    marker = Marker.read_if_there(Workdir(root).marker(diffusion.STAGE.name))
    if marker is None or marker.status != "finished":
        return "its stage 'diffusion' is not finished"
    if (found.data_hash, found.class_names) != (run.inputs.data.data_hash, run.inputs.class_names):
        return "it is of other images"
    if found.seed == run.settings.split.seed:
        return "its split has the same seed, so that its generator has learned the same images"
    other = _differs(run, diffusion.STAGE, marker, "diffusion.")
    if other:
        return f"its generator has {other}"
    of_split = Marker.read_if_there(Workdir(root).marker(split.STAGE.name))
    if of_split is None:
        return "its stage 'split' is not finished"
    other = _differs(run, split.STAGE, of_split, "data.")
    return f"its images were read with {other}" if other else ""


def _differs(run: Run, stage: base.Stage, there: Marker, block: str) -> str:
    """Says which of a block's fields another run's stage had otherwise; "" where none, seeds aside.

    Fields are compared as JSON has them: a tuple is a list there.
    """
    wanted = json.loads(json.dumps(base.fingerprint(run, stage).fields))
    fields = field_history.with_new_names(there.fields)
    for name, value in wanted.items():
        if name.startswith(block) and not name.endswith("seed"):
            other = fields.get(name, field_history.ADDED.get(name))
            if other != value:
                return f"config.{name} = {other!r}, and this run {value!r}"
    return ""
