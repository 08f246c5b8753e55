"""The stage that makes the synthetic set a product: metadata.csv and a dataset card beside it."""

from __future__ import annotations

import collections
import pathlib

from synthmed_jax.audit import release_text
from synthmed_jax.data import manifest, metadata_csv
from synthmed_jax.files import sha256_of_all, write_text
from synthmed_jax.report import dataset_card
from synthmed_jax.report.dataset_card import SyntheticFacts
from synthmed_jax.report.files import Contents, read_contents
from synthmed_jax.results.section import Section, section_files
from synthmed_jax.stages import audit, base, classify, evaluate, generate
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run

_CARD, _NEWER = "README.md", "README.new.md"


def _run(run: Run) -> None:
    folder = run.workdir.synthetic
    rows = manifest.read_manifest(folder)
    metadata_csv.write_metadata(folder, rows)
    counts = collections.Counter(row.class_name for row in rows if row.used)
    facts = SyntheticFacts(
        counts={name: counts[name] for name in run.inputs.class_names},
        unused=len(rows) - counts.total(),
        checkpoints=tuple(dict.fromkeys(row.checkpoint for row in rows if row.used)),
    )
    card = dataset_card.render(_contents(run), facts, _audited(run))
    _write_card(folder, card)


def _contents(run: Run) -> Contents:
    """What the workdir holds, less what is of other settings or not finished."""
    former = [
        name
        for stage, names in ((audit.STAGE, ("audit",)), (evaluate.STAGE, ("evaluate", "explain")))
        if not base.is_of_this_set(run, stage)
        for name in names
    ]
    return read_contents(run.workdir.root, classify.cells(run)).without(former)


def _audited(run: Run) -> list[Section]:
    if not base.is_of_this_set(run, audit.STAGE):
        return []
    files = section_files(run.workdir.root)
    return [
        Section.read(path)
        for path in files
        # The verdict on a release is told from its data.
        if path.is_relative_to(run.workdir.audit) and path.name != release_text.FILE
    ]


def _write_card(folder: pathlib.Path, text: str) -> None:
    """Writes README.md, or README.new.md beside one that somebody has edited."""
    path, newer = folder / _CARD, folder / _NEWER
    base.remove(newer)
    if not path.exists() or dataset_card.is_as_written(path.read_bytes()):
        write_text(path, text)
    else:
        write_text(newer, text)
        print(f"card: {path} was edited and stays; newer facts are in {_NEWER}", flush=True)


def _finished(run: Run) -> tuple[Stage, ...]:
    """Of the stages that the card tells of, those that are finished with these settings."""
    return tuple(stage for stage in (audit.STAGE, evaluate.STAGE) if base.holds(run, stage))


def _shown(run: Run) -> tuple[str, ...]:
    """The card is made anew when a file that it tells of has changed."""
    workdir = run.workdir
    told = [workdir.synthetic / part for part in manifest.parts(workdir.synthetic)]
    told += [workdir.evaluation, workdir.external, workdir.fidelity, workdir.audit_memorisation]
    told += [p for p in section_files(workdir.root) if p.is_relative_to(workdir.audit)]
    return (sha256_of_all(told),)


STAGE = Stage(
    "card",
    _run,
    inputs=(generate.STAGE,),
    inputs_if=_finished,
    units=_shown,
    folder="synthetic",
    # Not the card: it is there to be edited.
    recorded=(metadata_csv.FILE,),
    needed=lambda run: [run.workdir.synthetic / _CARD],
    inherited=False,
)
