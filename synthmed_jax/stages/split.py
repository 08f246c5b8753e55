"""The stage that divides the real images into `fit`, `val` and what is held out.

First of all it prints what was found in the data set's folder: what is wrong there is seen now, not
hours later in the report.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from synthmed_jax import verdicts
from synthmed_jax.data import alike_text, held_out, inventory_text
from synthmed_jax.files import sha256
from synthmed_jax.results.inventory import Inventory
from synthmed_jax.results.section import FILE
from synthmed_jax.results.stored import unstructure
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run


def show(run: Run) -> Inventory:
    """Prints what was found in the data set's folder."""
    settings = run.settings
    inventory = held_out.take_inventory(run.inputs.data, settings.data, settings.split)
    print(inventory_text.to_text(inventory), flush=True)
    return inventory


def check_data(run: Run) -> None:
    """Prints what was found in the data set's folder, and draws contact sheets of the classes."""
    show(run)
    data = run.inputs.data
    sheets = held_out.draw_contact_sheets(data, run.workdir.check_data)
    for name, path in zip(data.class_names, sheets, strict=True):
        print(f"contact sheet of class {name}: {path.absolute()}", flush=True)


def _run(run: Run) -> None:
    inventory = show(run)
    leakage = held_out.write_split(run.workdir.split, run.inputs.data, run.settings.split)
    said = (inventory_text.leakage_sentence(leakage), *alike_text.sentences(leakage))
    said += few_sentences(held_out.count_fit(run.inputs.data, run.settings.split))
    print(*said, sep="\n", flush=True)
    folder = run.workdir.split.parent
    pairs = () if leakage.alike is None else alike_text.to_draw(leakage.alike)
    if pairs:
        held_out.draw_alike(run.inputs.data, pairs, folder / alike_text.PICTURE)
    leakage.write(run.workdir.leakage)
    inventory.write(run.workdir.inventory)
    held_out.list_files(run.inputs.data).write(run.workdir.data_files)
    inventory_text.to_section(inventory, leakage).write(folder / FILE)


def few_sentences(counts: Mapping[str, int]) -> tuple[str, ...]:
    """What few `fit` images will leave without a verdict, said before hours of work.

    Args:
      counts: class -> its number of `fit` images.
    """
    few = verdicts.too_few(counts)
    if not few:
        return ()
    listed = ", ".join(f"{name} {count}" for name, count in few.items())
    return (
        f"few images: whether it is safe to share can't be concluded with fewer than "
        f"{verdicts.FEW_IMAGES.value:.0f} fit images in a class ({listed}); a larger "
        "config.split.fraction makes more of the images fit",
    )


def _digests(run: Run) -> dict[str, str]:
    """The images' content, and what else the split depends on beside names and settings."""
    data = run.inputs.data
    digests = {"data_hash": data.data_hash}
    groups = held_out.group(data, run.settings.split)
    if groups is not None and groups.external:  # by what a table says, not by its path
        digests["patients"] = groups.digest
    if data.grey_scales:
        scales = json.dumps([unstructure(scale) for scale in data.grey_scales])
        digests["grey_scales"] = sha256(scales.encode())
    return digests


STAGE = Stage(
    "split",
    _run,
    fields=("data.", "split."),
    ignored=("data.dir", "data.cache_dir", "data.table"),
    digests=_digests,
)
