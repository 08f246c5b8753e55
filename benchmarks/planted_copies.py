"""Whether the search for copies keeps its promises on the three real sets, seed by seed.

    python -m benchmarks.planted_copies --data_dir=<folder of the three sets> --folder=/runs/planted

No generator has a part in it. Honest images are held-out ones without a near-duplicate in `fit`:
all of them are no copies, and the share that is flagged is the rate of false alarms. Then changed
`fit` images take the place of one in a hundred of them. The images are split anew for each seed, at
the cpu presets' fraction and by image. What a seed has given lies in the folder, and the same
command goes on where it was; --seeds, --sets and --side choose a part.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import pathlib
import time
from collections.abc import Sequence

import numpy as np

from synthmed_jax import settings
from synthmed_jax.audit import copy_excess, copy_search
from synthmed_jax.audit.aligned_search import Nearest
from synthmed_jax.audit.copy_search import Calibrated
from synthmed_jax.audit.copy_threshold import exact_rate
from synthmed_jax.audit.planted_copies import plant
from synthmed_jax.data import held_out, near_duplicates
from synthmed_jax.results.memorisation import UNION
from synthmed_jax.results.stored import Stored

SETS = {"leukemia": "all_ddpm", "brain_tumor_mri": "brain_ddpm", "sarscov2_ct": "covid_ddpm"}
EXACT, CHANGED = "exact copies", "changed copies"
IMAGES, SHARE = 3200, 0.01  # images among which copies are planted, where the set holds so many
LEVEL = 0.01
FALSE_ALARMS = (0.005, 0.02)
DETECTION = 0.95


@dataclasses.dataclass(frozen=True)
class Outcome(Stored):
    """What one seed gave on one set.

    Attributes:
      num_fit, num_honest: images that the search learned from, and that are no copies.
      num_planted: copies that take the place of honest images in a mixture.
      false_alarms: share of the honest images that is flagged.
      power: change -> share of planted copies that is flagged.
      p: EXACT, CHANGED (each changed in one of all ways), or "" for no copies -> p of the mixture.
      seconds: that it took.
    """

    num_fit: int
    num_honest: int
    num_planted: int
    false_alarms: float
    power: dict[str, float]
    p: dict[str, float]
    seconds: float


def measure(name: str, side: int, seed: int, data_dir: str, folder: pathlib.Path) -> Outcome:
    """Splits a set, prepares the search, and looks at honest images and at planted copies."""
    start = time.perf_counter()
    config = importlib.import_module(f"configs.{SETS[name]}").get_config("cpu")
    config.data.update(dir=data_dir, cache_dir=str(folder / "cache"), image_size=side)
    config.split.update(group_by="none", seed=seed)
    run = settings.from_config(config)
    data, split = held_out.open_data_set(run.data), folder / f"{name}_{side}_{seed}.split.json"
    held_out.write_split(split, data, run.split)
    fit = held_out.read_parts(split, data).fit
    test = held_out.read_test(split, data).images
    threshold = near_duplicates.find(fit.images, np.arange(len(fit))).threshold
    new = test[~near_duplicates.are_near(test, fit.images, threshold)]
    rng = np.random.default_rng(seed)
    honest = new[rng.permutation(len(new))[:IMAGES]]
    search = copy_search.prepare(fit, run.diffusion.flips, seed)
    if isinstance(search, str):
        raise SystemExit(f"{name}: {search}")
    planted = round(SHARE * len(honest))
    copied = fit.images[rng.choice(len(fit), planted, replace=False)]
    ways = [*plant(copied, seed).values()]
    changed = np.stack([ways[i % len(ways)][i] for i in range(planted)])
    found = search.look(honest)
    rest = {space: _rows(each, planted) for space, each in found.items()}
    mixtures = {"": found} | {
        how: {space: _joined(each, rest[space]) for space, each in search.look(copies).items()}
        for how, copies in ((EXACT, copied), (CHANGED, changed))
    }
    power = copy_search.measure_power(search, fit.images, seed)[UNION]
    return Outcome(
        num_fit=len(fit),
        num_honest=len(honest),
        num_planted=planted,
        false_alarms=float(search.flag(found, UNION).mean()),
        power={how: rate.share for how, rate in power.items()},
        p={how: _p(search, mixed) for how, mixed in mixtures.items()},
        seconds=round(time.perf_counter() - start, 1),
    )


def _rows(found: Nearest, start: int) -> Nearest:
    return Nearest(found.index[start:], found.alike[start:])


def _joined(first: Nearest, second: Nearest) -> Nearest:
    return Nearest(
        np.concatenate([first.index, second.index]), np.concatenate([first.alike, second.alike])
    )


def _p(search: Calibrated, nearest: dict[str, Nearest]) -> float:
    """Of copies, as in audit/memorisation.json."""
    flags = search.flag(nearest, UNION)
    flagged = exact_rate(int(flags.sum()), len(flags))
    return copy_excess.copies_p(flagged, search.count_strictly(nearest), len(nearest))


def show(name: str, outcomes: Sequence[Outcome]) -> None:
    """Prints a table of what the seeds of a set gave."""
    first = outcomes[0]
    low, high = FALSE_ALARMS
    alarms = np.array([each.false_alarms for each in outcomes])
    print(
        f"\n{name}: {len(outcomes)} seeds, fit {first.num_fit}, honest {first.num_honest}, "
        f"{first.num_planted} planted, {np.mean([each.seconds for each in outcomes]):.0f} s each"
    )
    print("| measure | mean | least | most | within the bar |\n| --- | --- | --- | --- | --- |")
    within = int(((alarms >= low) & (alarms <= high)).sum())
    _line("false alarms", alarms, f"{within} of {len(alarms)} ({low:.1%} to {high:.1%})")
    for how in first.power:
        shares = np.array([each.power[how] for each in outcomes])
        _line(how, shares, f"{int((shares >= DETECTION).sum())} of {len(shares)} ({DETECTION:.0%})")
    print(f"| mixture | flagged with p < {LEVEL} | largest p |\n| --- | --- | --- |")
    for how in first.p:
        p = np.array([each.p[how] for each in outcomes])
        print(f"| {how or 'no copies'} | {int((p < LEVEL).sum())} of {len(p)} | {p.max():.2g} |")


def _line(name: str, values: np.ndarray, bar: str) -> None:
    print(f"| {name} | {values.mean():.1%} | {values.min():.1%} | {values.max():.1%} | {bar} |")


def main() -> None:
    """Measures what is not measured yet, and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data_dir", required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--sets", nargs="+", choices=[*SETS], default=[*SETS])
    parser.add_argument("--side", type=int, default=64, help="pixels")
    parser.add_argument("--seeds", type=int, default=10, help="how many, from 0")
    options = parser.parse_args()
    for name in options.sets:
        outcomes = []
        for seed in range(options.seeds):
            path = options.folder / f"{name}_{options.side}_{seed}.json"
            if not path.exists():
                measure(name, options.side, seed, options.data_dir, options.folder).write(path)
            outcomes.append(Outcome.read(path))
            print(f"{name}, seed {seed}: p {outcomes[-1].p}", flush=True)
        show(name, outcomes)


if __name__ == "__main__":
    main()
