"""How long work will take here: a few real calls of each compiled program, timed beforehand."""

from __future__ import annotations

import pathlib
import statistics
import time
from collections.abc import Callable

import jax
import numpy as np

from synthmed_jax import allocator, checkpoint, hosts, parallel, rehearsal
from synthmed_jax.classifiers.programs import Programs
from synthmed_jax.classifiers.settings import TrainingSettings, batch_of, make_rates, steps_of
from synthmed_jax.diffusion.settings import check_batch
from synthmed_jax.diffusion.step import init_state
from synthmed_jax.parallel import Tree
from synthmed_jax.stages.run import Run

TIMED_CALLS = 3
LONG = 0.5  # seconds


def seconds_per_call(name: str, call: Callable[[], Tree]) -> float:
    """Median seconds of TIMED_CALLS calls after one that compiles, of fewer if they are long.

    In a rehearsal, what its clock says of one call.

    Args:
      name: what is called, for a reader.
    """
    rehearsed = rehearsal.current()
    if rehearsed is not None:
        return rehearsed.seconds(name, call)
    jax.block_until_ready(call())
    seconds: list[float] = []
    # A training must not wait for the clock: a long call says enough alone.
    while len(seconds) < TIMED_CALLS and sum(seconds) < LONG:
        started = time.monotonic()
        jax.block_until_ready(call())
        seconds.append(time.monotonic() - started)
    return statistics.median(seconds)


def seconds_per_diffusion_step(run: Run) -> float:
    """One training step of the diffusion model, which all hosts of the run take together."""
    timings = run.compiled.timings
    if "diffusion step" in timings:
        return timings["diffusion step"]
    take = _diffusion_step(run)

    def step() -> Tree:
        hosts.tell("step")
        return take()

    name = f"generator's training step, {run.settings.diffusion.train.batch_size} images"
    timings["diffusion step"] = seconds_per_call(name, step)
    return timings["diffusion step"]


def help_to_time(run: Run) -> None:
    """Takes the steps that the leader of several hosts times."""
    step = _diffusion_step(run)
    while hosts.told() is not None:
        step()


def _diffusion_step(run: Run) -> Callable[[], Tree]:
    """Takes training steps of blank images, one a call, and returns their metrics."""
    model, train = run.compiled.model, run.settings.diffusion.train
    check_batch(train)
    state = rehearsal.made(lambda: init_state(train, model))
    here = parallel.rows_of_this_host(train.batch_size)
    rows = here.stop - here.start
    batch: dict[str, np.ndarray] = {
        "image": np.zeros((rows, *model.image_shape), np.uint8),
        "label": np.zeros(rows, np.int32),
    }
    if model.unet.warp_numbers:
        batch["warp"] = np.zeros((rows, model.unet.warp_numbers), np.float32)

    def step() -> Tree:
        nonlocal state
        state, metrics = run.compiled.diffusion_step(state, batch)
        return metrics

    return step


def seconds_per_evaluation(run: Run) -> float:
    """One evaluation of the diffusion network for one image, inside the sampler."""
    timings = run.compiled.timings
    if "evaluation" not in timings:
        draw = run.compiled.draw
        label = index = np.zeros(draw.block, np.int32)
        train, model = run.settings.diffusion.train, run.compiled.model
        params = rehearsal.made(lambda: init_state(train, model)).params
        walk = draw.start(label, index)
        seconds = seconds_per_call(
            f"{draw.chunk_rows} of the sampler's steps, {draw.block} images",
            lambda: draw.advance(params, label, index, walk, 0),
        )
        timings["evaluation"] = seconds / draw.chunk_rows / draw.block
    return timings["evaluation"]


class ClassifierTimer:
    """Times the programs of one classifier."""

    def __init__(self, run: Run, name: str, programs: Programs, training: TrainingSettings):
        """name: of the network, under which the run remembers its times."""
        self._timings, self._name = run.compiled.timings, name
        self._programs, self._training = programs, training
        self._channels = run.settings.data.channels

    def seconds_per_training(self, num_train: int, num_predicted: int, at_once: int = 0) -> float:
        """A training to its last epoch, each of which ends with so many predictions.

        Args:
          at_once: trainings that go on at once, each on a device of its own: what each of them adds
            to the time of all; 0: a training is spread over all devices.
        """
        training = self._training
        batch_size = batch_of(training, num_train)
        epoch = steps_of(training, num_train) * self._seconds_per_step(batch_size, at_once)
        epoch += num_predicted * self.seconds_per_prediction()
        allocator.give_back()
        return training.max_epochs * epoch

    def seconds_per_prediction(self) -> float:
        """One image, in a full batch."""
        name = f"{self._name} predicts"
        if name not in self._timings:
            batch_size = self._training.batch_size
            state = self._fresh_state()
            variables, images = parallel.everywhere(state.variables), self._blank(batch_size)
            seconds = seconds_per_call(
                f"{self._name}'s answers, {batch_size} images",
                lambda: self._programs.predict(variables, images),
            )
            self._timings[name] = seconds / batch_size
        return self._timings[name]

    def _seconds_per_step(self, batch_size: int, at_once: int) -> float:
        name = f"{self._name} {batch_size}" + (f", {at_once} at once" if at_once else "")
        if name not in self._timings:
            labels = np.zeros(batch_size, np.int32)
            batch = {"image": self._blank(batch_size), "label": labels}
            places = parallel.devices()[:at_once] or [None]
            states = [self._fresh_state() for _ in places]

            def step() -> Tree:
                of_all = []
                for i, place in enumerate(places):
                    with parallel.on(place):
                        states[i], metrics = self._programs.step(states[i], batch)
                    of_all.append(metrics)
                return of_all

            called = f"{self._name}'s training step, {batch_size} images"
            self._timings[name] = seconds_per_call(called, step) / len(places)
        return self._timings[name]

    def _fresh_state(self) -> Tree:
        rates = make_rates(self._training, 1)
        return rehearsal.made(lambda: self._programs.init(jax.random.key(0), rates))

    def _blank(self, count: int) -> np.ndarray:
        """u8[count,S,S,C], images for the classifier."""
        size = self._training.image_size
        return np.zeros((count, size, size, self._channels), np.uint8)


def share_left(folder: pathlib.Path, training: TrainingSettings) -> float:
    """What is left of the classifier's training in a folder, from 0 to 1."""
    if (folder / "result.json").exists():
        return 0.0
    epochs = checkpoint.latest_step(folder / "resume") or 0
    return 1 - epochs / training.max_epochs
