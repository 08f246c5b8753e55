"""The dataset card of a synthetic set: README.md beside its class folders, for who gets the images.

It says nothing of the machine, of paths or of single real images. What the run does not know is
marked as to be filled in; what was not measured is said to be missing.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence

from synthmed_jax.files import sha256
from synthmed_jax.report import checklists, provenance, wording
from synthmed_jax.report.conclusions import conclude
from synthmed_jax.report.files import Contents
from synthmed_jax.report.html import escape_markdown
from synthmed_jax.results.release import Release
from synthmed_jax.results.section import Section
from synthmed_jax.verdicts import Caveat

FILL_IN = "*to fill in*"
_SEAL = b"<!-- as synthmed_jax wrote it; sha256 of all above: "
# Rows of provenance.protocol that say how the images came about, without a user's paths.
_MADE = (
    *("master seed", "images", "generator", "its training", "sampler"),
    *("more of each class where an arm takes more", "synthetic images of single classes"),
)
_PACKAGES = ("jax", "jaxlib", "flax", "numpy")
# Upper ends of the size classes of Hugging Face.
_SIZES = ((1000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


@dataclasses.dataclass(frozen=True)
class SyntheticFacts:
    """What the manifest says of the set.

    Attributes:
      counts: class -> number of images, in the order of the labels.
      unused: images in the folder that are no part of the set.
      checkpoints: sha256 of the generators' weights.
    """

    counts: Mapping[str, int]
    unused: int
    checkpoints: tuple[str, ...]


def render(contents: Contents, facts: SyntheticFacts, audit: Sequence[Section]) -> str:
    """Returns the card in Markdown, with Hugging Face's header.

    Args:
      contents: of the workdir, less what is not finished.
      facts: of the set.
      audit: the sections of the report that the audit has left; none: it has not run.
    """
    total, name = sum(facts.counts.values()), str(contents.setting("data.name", ""))
    if name == "folder":  # of the user's own images, whose name is not known
        name = ", ".join(facts.counts)
    conclusions = conclude(contents)
    lines = [
        *_header(total, name),
        f"# Synthetic images: {escape_markdown(name)}",
        "",
        f"{total} labelled images, drawn by a diffusion model that learned from "
        f"{contents.totals.fit} real ones. They are made, not acquired; what they may still reveal "
        "of the real images is said below.",
        "",
        *([f"**{wording.TRIAL}**", ""] if Caveat.TRIAL in conclusions.caveats else []),
        *_table(
            ("class", "synthetic images", "real images that the generator learned from"),
            [(each, n, contents.counts[each].fit) for each, n in facts.counts.items()],
        ),
        *_unused(facts.unused),
        *_TO_FILL_IN,
        *_LOADING,
        "## How the images were made",
        "",
        *_table(("what", "how"), _provenance(contents, facts)),
        "## What they are for",
        "",
        *_INTENDED,
        *(
            [wording.not_run("evaluate", "no measure of what they are worth for training")]
            if conclusions.arms is None
            else [escape_markdown(wording.arms(conclusions.arms))]
        ),
        "",
        *(
            []
            if conclusions.adding is None
            else [escape_markdown(wording.adding(conclusions.adding)), ""]
        ),
        "## Is it safe to share them?",
        "",
        *_audited(audit, conclusions.release),
        escape_markdown(wording.copying(conclusions.copying, contents.fidelity)),
        "",
        "A search that finds nothing is no proof that nothing is there: decide with those who "
        "answer for the real images.",
        "",
        "## Reporting checklists",
        "",
        "Subjects of CLAIM (2024) and TRIPOD+AI (2024) that this run can answer, and those that "
        "only its authors can.",
        "",
        *_table(
            ("subject", "checklist", "answer"),
            [
                (item.subject, item.checklists, item.answer or FILL_IN)
                for item in checklists.items(contents)
            ],
        ),
    ]
    return _sealed("\n".join(lines).rstrip() + "\n\n")


def is_as_written(card: bytes) -> bool:
    """Whether a card is as `render` returned it, so that nobody's edits are in it."""
    return card == _sealed(card.rpartition(_SEAL)[0].decode(errors="replace")).encode()


def _sealed(text: str) -> str:
    return f"{text}{_SEAL.decode()}{sha256(text.encode())} -->\n"


def _header(total: int, name: str) -> list[str]:
    size = next((text for limit, text in _SIZES if total < limit), "n>1M")
    return [
        "---",
        "license: other",
        "license_name: to-fill-in",
        f"pretty_name: {json.dumps(f'Synthetic images: {name}')}",
        "task_categories:",
        "- image-classification",
        "tags:",
        "- medical",
        "- synthetic",
        "size_categories:",
        f"- {size}",
        "---",
        "",
    ]


_TO_FILL_IN = (
    "## To fill in before the images are shared",
    "",
    "The program keeps this file once you have edited it, and writes newer facts to "
    "`README.new.md` beside it.",
    "",
    "- [ ] Licence of the real images, and whether it allows images that were made from them to be "
    f"shared: {FILL_IN}",
    f"- [ ] Licence of this set (also in line 2 of this file): {FILL_IN}",
    "- [ ] Where the real images are from, how they were acquired and labelled, how they were "
    f"de-identified: {FILL_IN}",
    f"- [ ] Ethics approval or waiver: {FILL_IN}",
    f"- [ ] Who answers for this set: {FILL_IN}",
    "",
)
_LOADING = (
    "## Loading",
    "",
    "```python",
    "import pandas as pd",
    "",
    'table = pd.read_csv("metadata.csv")  # file_name, label, index, seed, ...',
    "```",
    "",
    "```python",
    "from torchvision.datasets import ImageFolder",
    "",
    'images = ImageFolder(".")  # labels from the class folders, in alphabetical order',
    "```",
    "",
    "```python",
    "from datasets import load_dataset",
    "",
    'images = load_dataset("imagefolder", data_dir=".", split="train")  # image, label, index, ...',
    "```",
    "",
    "As array_record files for TFDS, without TensorFlow (from the run's workdir):",
    "",
    "```python",
    "import synthmed_jax",
    "import tensorflow_datasets as tfds",
    "",
    'folder = synthmed_jax.load("<workdir>").write_array_record("<new folder>")',
    'images = tfds.builder_from_directory(folder).as_data_source("all")',
    "```",
    "",
)
_INTENDED = (
    "For research on classifiers of these classes and on synthetic images, at this size of image. "
    "Not for diagnosis, and not for estimates of how frequent a finding is: the numbers of images "
    "per class were chosen. A classifier that learned from these images must not be tested on the "
    "real images that the generator learned from.",
    "",
)


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """A table's lines, and an empty one; a cell that is FILL_IN keeps its marks."""
    cells = [[str(c) if c == FILL_IN else str(escape_markdown(c)) for c in row] for row in rows]
    return [
        f"| {' | '.join(columns)} |",
        f"|{'---|' * len(columns)}",
        *(f"| {' | '.join(row)} |" for row in cells),
        "",
    ]


def _unused(count: int) -> list[str]:
    if not count:
        return []
    return [
        f"{count} more images lie in the class folders: they are of an earlier, larger request and "
        "no part of this set. Remove those that `metadata.csv` does not name before you share the "
        "folder.",
        "",
    ]


def _provenance(contents: Contents, facts: SyntheticFacts) -> list[tuple[str, str]]:
    rows = [(name, text) for name, text in provenance.protocol(contents) if name in _MADE]
    rows.append(("weights of the generator (sha256)", ", ".join(facts.checkpoints)))
    rows.append(("content of the real data set (hash)", contents.split.data_hash))
    info = contents.info
    if info is not None:
        versions = [f"{name} {info.versions[name]}" for name in _PACKAGES if name in info.versions]
        rows.append(("program", f"synthmed_jax, commit {info.commit}; {', '.join(versions)}"))
    return rows


def _audited(audit: Sequence[Section], judged: Sequence[Release]) -> list[str]:
    lines = []
    if judged:
        lines += [escape_markdown(wording.release(judged)), ""]
    for each in judged:
        lines += [
            f"{wording.RELEASED[each.released]}. What would change the verdict: "
            f"{escape_markdown(' '.join(each.would_change))} Not covered: "
            f"{escape_markdown('; '.join(each.not_covered))}.",
            "",
        ]
    for section in audit:
        title = escape_markdown(section.title)
        lines += [f"**{title}**: {escape_markdown(section.paragraphs[0])}", ""]
    if not audit:
        lines += ["**Missing:** the stage audit has not run on these images.", ""]
    if not judged:
        lines += [
            "**Missing:** single images were not audited for copies of training images, and no "
            "attack on membership was tried.",
            "",
        ]
    return lines
