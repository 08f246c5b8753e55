"""Training images per second: as many classifiers as devices, each on one, or spread over all.

    python -m benchmarks.side_by_side --backbone=resnet18

One call is an optimiser step of every training, by classifiers/side_by_side.py's way and by taking
the trainings one after the other, each over all devices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax

from benchmarks import duel, reference
from benchmarks.reference_classifier import NUM_CLASSES, make_batch, make_settings
from synthmed_jax import parallel
from synthmed_jax.classifiers.programs import Programs, make_network, make_programs
from synthmed_jax.classifiers.settings import make_rates


def make_steps(
    programs: Programs, options: reference.Options, places: Sequence[jax.Device | None]
) -> Callable[[], None]:
    """A step of each of some trainings, by the device that each is on; None: spread over all."""
    rates = make_rates(make_settings(options), 1000)
    batch = make_batch(options)
    states = [programs.init(jax.random.key(number), rates) for number, _ in enumerate(places)]

    def call() -> None:
        waiting = []
        for number, place in enumerate(places):
            with parallel.on(place):
                states[number], metrics = programs.step(states[number], batch)
            waiting.append(metrics)
        jax.block_until_ready(waiting)

    return call


def main() -> None:
    """Runs the race."""
    options = reference.parse(__doc__, pairs=5, batch_size=32, backbone="resnet18", image_size=32)
    own, devices = make_settings(options), parallel.devices()
    network = make_network(options.backbone, NUM_CLASSES, own)
    programs = make_programs(network, own)
    result = duel.run(
        f"side_by_side {options.backbone}",
        duel.here(
            {
                "side by side": make_steps(programs, options, devices),
                "spread": make_steps(programs, options, [None] * len(devices)),
            }
        ),
        ours="side by side",
        pairs=options.pairs,
        per_call=len(devices) * options.batch_size,
        unit="images/s",
    )
    duel.report(result | {"devices": len(devices)})


if __name__ == "__main__":
    main()
