"""Training images per second: as many classifiers as devices, each on one, or spread over all.

    python -m benchmarks.side_by_side --backbone=resnet18

One call is an optimiser step of every training, by classifiers/side_by_side.py's way and by taking
the trainings one after the other, each over all devices.
"""

from __future__ import annotations

from collections.abc import Callable

import jax

from benchmarks import duel, reference
from benchmarks.reference_classifier import NUM_CLASSES, make_batch, make_settings
from synthmed_jax import parallel
from synthmed_jax.classifiers.programs import Programs, make_network, make_programs
from synthmed_jax.classifiers.settings import make_rates


def make_beside(programs: Programs, options: reference.Options, rounds: int) -> Callable[[], None]:
    """Steps of `rounds` trainings, each on a device of its own."""
    rates = make_rates(make_settings(options), 1000)
    batch = make_batch(options)
    states = {
        device: programs.init(jax.random.key(number), rates)
        for number, device in enumerate(parallel.devices()[:rounds])
    }

    def call() -> None:
        waiting = []
        for device, state in states.items():
            with parallel.on(device):
                states[device], metrics = programs.step(state, batch)
            waiting.append(metrics)
        jax.block_until_ready(waiting)

    return call


def make_spread(programs: Programs, options: reference.Options, rounds: int) -> Callable[[], None]:
    """As many steps of a training that is spread over all devices."""
    rates = make_rates(make_settings(options), 1000)
    state, batch = programs.init(jax.random.key(0), rates), make_batch(options)

    def call() -> None:
        nonlocal state
        for _ in range(rounds):
            state, metrics = programs.step(state, batch)
        jax.block_until_ready(metrics)

    return call


def main() -> None:
    """Runs the race."""
    options = reference.parse(__doc__, pairs=5, batch_size=32, backbone="resnet18", image_size=32)
    own, devices = make_settings(options), parallel.device_count()
    network = make_network(options.backbone, NUM_CLASSES, own)
    programs = make_programs(network, own)
    result = duel.run(
        f"side_by_side {options.backbone}",
        {
            "side by side": make_beside(programs, options, devices),
            "spread": make_spread(programs, options, devices),
        },
        ours="side by side",
        pairs=options.pairs,
        per_call=devices * options.batch_size,
        unit="images/s",
    )
    duel.report(result | {"devices": devices})


if __name__ == "__main__":
    main()
