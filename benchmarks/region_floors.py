"""What ring, corners and background of the three real sets tell of their classes.

    python -m benchmarks.region_floors --data_dir=<folder of the three sets>

Forests learn from the real `fit` images of the cpu presets' split (seed 0, 32 pixels) and are
tested on its test images, once with near-duplicates kept on one side and once split by image.
"""

from __future__ import annotations

import argparse
import pathlib
import tempfile
import time

from configs import base
from synthmed_jax import settings
from synthmed_jax.data import held_out, regions
from synthmed_jax.evaluation.floors import measure_floors
from synthmed_jax.results.floors import MAJORITY

SETS = {"leukemia": 3, "sarscov2_ct": 1, "brain_tumor_mri": 1}  # data.name -> channels


def show(name: str, group_by: str, data_dir: pathlib.Path, folder: pathlib.Path) -> None:
    """Prints accuracy, balanced accuracy and gain over the majority of each region's floor."""
    config = base.get_config("cpu")
    config.data.update(
        name=name, channels=SETS[name], dir=str(data_dir), cache_dir=str(folder / "cache")
    )
    config.split.group_by = group_by
    run = settings.from_config(config)
    data, path = held_out.open_data_set(run.data), folder / f"{name}_{group_by}.json"
    held_out.write_split(path, data, run.split)
    fit, test = held_out.read_parts(path, data).fit, held_out.read_test(path, data)
    start = time.perf_counter()
    found = measure_floors({"real": fit}, test, {}, held_out.read_test_groups(path), seed=0)
    print(
        f"{name}, {group_by}: fit {len(fit)}, test {len(test)}, background "
        f"{regions.REGIONS['background'](test.images).mean():.3f} of the area, all floors in "
        f"{time.perf_counter() - start:.0f} s"
    )
    for floor in found.floors:
        above = floor.above_majority
        scores = f"{floor.accuracy:.3f}, balanced {floor.balanced_accuracy:.3f}"
        if floor.features == MAJORITY:
            print(f"  {MAJORITY}: {scores}")
        elif above is not None:
            print(
                f"  {floor.features}: {scores}, above the majority by {above.estimate:.3f} "
                f"({above.low:.3f} to {above.high:.3f}; level {above.level:.3f}, "
                f"{above.num_groups} {found.unit}s)"
            )


def main() -> None:
    """Measures all sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data_dir", type=pathlib.Path, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in SETS:
            for group_by in ("near_duplicates", "none"):
                show(name, group_by, options.data_dir, pathlib.Path(folder))


if __name__ == "__main__":
    main()
