"""Several trainings at once, each on a device of its own.

A training that is spread over devices waits for the others at every normalisation layer, and each
of them updates all weights. Trainings that have a device each wait for nothing: two ResNet-18 side
by side on two cores take in 1.8 times the images of one that is spread over both
(docs/measurements.md).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from synthmed_jax import allocator, parallel, stopping
from synthmed_jax.classifiers.train import Training, step_by_step, train_alone
from synthmed_jax.errors import Diverged


def train_all(trainings: Iterable[Training]) -> None:
    """Makes trainings that write what they find, as many at once as there are devices.

    The last of them may be too few for the devices; then each in turn is spread over all devices.
    The weights are those of `train_alone`, to rounding.

    Args:
      trainings: each with a `folder`; taken when their turn comes.

    Raises:
      UserError, Diverged: as `train_alone`; where one diverges, the trainings beside it come to
        their end before.
    """
    waiting = iter(trainings)
    while wave := list(itertools.islice(waiting, parallel.device_count())):
        if at_once(len(wave)):
            _train_at_once(wave)
        else:
            for training in wave:
                train_alone(training)
        allocator.give_back()  # the next ones may be of another network


def at_once(number: int) -> int:
    """How many of so many trainings have a device each; 0: each in turn is spread over all devices.

    The devices of a CPU share its cores, and one training gains nothing from a second device.
    """
    devices = parallel.device_count()
    few_will_do = parallel.is_cpu() and 2 * number >= devices
    return min(number, devices) if number >= devices or few_will_do else 0


def _train_at_once(wave: list[Training]) -> None:
    """Takes one step of each training after the other: the devices work at the same time."""
    running = {
        device: step_by_step(training)
        for device, training in zip(parallel.devices(), wave, strict=False)
    }
    diverged: list[Diverged] = []
    with stopping.deferred():
        while running:
            for device, steps in list(running.items()):
                try:
                    with parallel.on(device):
                        next(steps)
                except StopIteration:
                    del running[device]
                except Diverged as error:
                    diverged.append(error)
                    del running[device]
        stopping.check()
    if diverged:
        raise diverged[0]
