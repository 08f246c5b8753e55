"""What the long stages would take on chips that are not here: time, memory, and what to lower.

Their programs are traced for the chips (rehearsal.py) and counted (cost/); nothing is compiled or
run. How many steps, images and trainings there are is what `--dry_run` says of any machine.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence

from synthmed_jax import rehearsal
from synthmed_jax.cost import roofline, work
from synthmed_jax.cost.chips import BANDWIDTH_SHARE, COMPUTE_SHARE, LINK_SHARE, Target
from synthmed_jax.cost.roofline import Times
from synthmed_jax.cost.work import Work
from synthmed_jax.durations import in_words
from synthmed_jax.errors import UserError
from synthmed_jax.rehearsal import Program
from synthmed_jax.settings import Settings
from synthmed_jax.stages import base, classify, diffusion, explain, generate, timing
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Compiled, Run

HEAVY = (diffusion.STAGE, generate.STAGE, classify.STAGE, explain.STAGE)
GIB = 2**30
# Of a program's time, what may be starting kernels before a line says so.
_MANY_LAUNCHES = 0.3


@dataclasses.dataclass(frozen=True)
class Cost:
    """What one call of a program costs on a chip.

    Attributes:
      name: of what is called.
      stage: for which it is called.
      work: of one device.
      times: of the call.
    """

    name: str
    stage: str
    work: Work
    times: Times

    @property
    def memory(self) -> float:
        """Bytes that a device needs."""
        return roofline.memory(self.work)


class _Costs:
    """The clock of a rehearsal that keeps what each call costs.

    Attributes:
      stage: for which calls are made now.
      target: on which they are made.
      found: what has been called, each program once.
    """

    def __init__(self, target: Target, stage: str = "") -> None:
        self.target, self.stage = target, stage
        self._counted: dict[int, Work] = {}
        self.found: list[Cost] = []

    def seconds(self, name: str, programs: Sequence[Program]) -> float:
        """Of one call. Programs that have a device each run at the same time."""
        seconds = 0.0
        for program in programs:
            if id(program) not in self._counted:
                self._counted[id(program)] = work.of(program.trace())
                self.found.append(self._cost(name, program))
            cost = self._cost(name, program)
            seconds += cost.times.total * program.devices / self.target.devices
        return seconds

    def _cost(self, name: str, program: Program) -> Cost:
        done = self._counted[id(program)]
        return Cost(name, self.stage, done, roofline.times(done, self.target, program.devices))


def say_expected(run: Run, stages: Sequence[Stage], target: Target) -> None:
    """Prints what the long ones among `stages` would take on a target, and what does not fit there.

    Stages that are finished in the workdir are left out, as by `--dry_run` itself.

    Raises:
      UserError: a batch can't be split over so many devices.
    """
    chip, costs = target.chip, _Costs(target)
    _say_assumptions(target)
    run = _with_settings(run, run.settings)
    seconds: dict[str, float] = {}
    for stage in HEAVY:
        done = all(base.is_finished(run, each) for each in (*base.upstream(run, stage), stage))
        if stage not in stages or done:
            continue
        costs.target = _used_by(stage.name, target)
        with rehearsal.on(chip.platform, costs.target.devices, costs.seconds):
            if stage is diffusion.STAGE:  # it draws images too, as `generate` does
                costs.stage = generate.STAGE.name
                timing.seconds_per_evaluation(run)
            costs.stage = stage.name
            seconds[stage.name] = _seconds(stage, run)
    _say_costs(costs.found)
    listed = [f"{name} {in_words(value)}{_where(name, target)}" for name, value in seconds.items()]
    print(
        f"expected on {_name(target)}: {', '.join(listed) or 'nothing long'}; in all "
        f"{in_words(sum(seconds.values()))}. Compiling (minutes), reading images and what runs on "
        "the host (audit, evaluation, pictures) come on top",
        flush=True,
    )
    for cost in costs.found:
        if cost.memory > target.usable:
            _advise(run, cost, target)
        elif cost.times.launch > _MANY_LAUNCHES * cost.times.total:
            print(
                f"note: {cost.times.launch / cost.times.total:.0%} of the time of {cost.name} is "
                "starting kernels: it depends on the host more than on the chip. On an H100 such "
                "programs took 0.9 to 1.4 times as long as is foreseen here where several runs "
                "shared the card, and one run alone may take up to 5 times (docs/measurements.md)",
                flush=True,
            )


def _seconds(stage: Stage, run: Run) -> float:
    return stage.expect(run) if stage.expect else 0.0


def _name(target: Target) -> str:
    return f"{target.devices} x {target.chip.name}"


def _say_assumptions(target: Target) -> None:
    chip = target.chip
    peaks = ", ".join(f"{peak / 1e12:.0f} in {dtype}" for dtype, peak in chip.peak.items())
    links = (
        f", {LINK_SHARE:.0%} of {target.link / 1e9:.0f} GB/s between devices"
        if target.devices > 1
        else ""
    )
    print(
        f"target: {_name(target)} ({chip.source}). Assumed: {COMPUTE_SHARE:.0%} of its peak "
        f"(TFLOP/s: {peaks}), {BANDWIDTH_SHARE:.0%} of {chip.bandwidth / 1e9:.0f} GB/s of memory"
        f"{links}, {chip.launch * 1e6:.0f} us for the smallest kernel. JAX takes "
        f"{target.usable / GIB:.1f} of {chip.memory / GIB:.1f} GiB. Convolutions and "
        "matrix products are counted exactly, bytes, kernels and memory by a model of what XLA "
        "fuses (docs/scale.md); nothing was compiled or run",
        flush=True,
    )


def _used_by(stage: str, target: Target) -> Target:
    """The devices that a stage is spread over: all, or those of the host that leads."""
    helped = next(each.help for each in HEAVY if each.name == stage) is not None
    return target if helped else target.first_host


def _where(stage: str, target: Target) -> str:
    used = _used_by(stage, target)
    return "" if used == target else f" (on the {used.devices} devices of the first host)"


def _say_costs(costs: Sequence[Cost]) -> None:
    for cost in costs:
        done, times = cost.work, cost.times
        waits = {
            "arithmetic": times.compute,
            "memory traffic": times.bandwidth,
            "starting kernels": times.launch,
            f"summing {done.summed / 1e6:.0f} MB over devices": times.between,
        }
        parts = ", ".join(f"{1e3 * t:.1f} {name}" for name, t in waits.items() if t)
        print(
            f"  {cost.name}: {1e3 * times.total:.1f} ms ({parts}); a device: "
            f"{done.flops / 1e12:.3f} TFLOP, {done.bytes / 1e9:.2f} GB moved, {done.launches} "
            f"kernels, {cost.memory / GIB:.2f} GiB",
            flush=True,
        )


def _with_settings(run: Run, settings: Settings) -> Run:
    """The same run under other settings, with nothing compiled or timed."""
    return dataclasses.replace(run, settings=settings, compiled=Compiled(settings, run.inputs))


def _advise(run: Run, cost: Cost, target: Target) -> None:
    """Prints what does not fit, and what each change would come to."""
    print(
        f"warning: {cost.name} needs {cost.memory / GIB:.1f} GiB of each device, of which JAX "
        f"takes {target.usable / GIB:.1f}. Instead:",
        flush=True,
    )
    for option in _options(run.settings, cost):
        for flag, settings in option:
            changed = _measured(_with_settings(run, settings), cost, target)
            if isinstance(changed, str):
                print(f"  {flag}: {changed}", flush=True)
                break
            fits = changed.memory <= target.usable
            print(
                f"  {flag}: {changed.memory / GIB:.1f} GiB{', fits' if fits else ''}; "
                f"{1e3 * changed.times.total:.1f} ms",
                flush=True,
            )
            if fits:
                break


def _measured(run: Run, cost: Cost, target: Target) -> Cost | str:
    """What the same call costs under other settings, or why it can't be made."""
    used = _used_by(cost.stage, target)
    costs = _Costs(used, cost.stage)
    with rehearsal.on(used.chip.platform, used.devices, costs.seconds):
        try:
            _CALLS[cost.stage](run)
        except UserError as error:
            return str(error)
    # Its name ends in the number of images, which may be another one.
    called = cost.name.rpartition(",")[0]
    calls = (found for found in costs.found if found.name.rpartition(",")[0] == called)
    return next(calls, "nothing of the kind is called then")


_CALLS: dict[str, Callable[[Run], float]] = {
    diffusion.STAGE.name: timing.seconds_per_diffusion_step,
    generate.STAGE.name: timing.seconds_per_evaluation,
    classify.STAGE.name: functools.partial(_seconds, classify.STAGE),
    explain.STAGE.name: functools.partial(_seconds, explain.STAGE),
}


def _options(settings: Settings, cost: Cost) -> Iterator[list[tuple[str, Settings]]]:
    """What may be lowered, the mildest first: flags with the settings that they make."""
    replace, generator, classifier = dataclasses.replace, settings.diffusion, settings.classifier

    def with_train(**changes: int) -> Settings:
        train = replace(generator.train, **changes)
        return replace(settings, diffusion=replace(generator, train=train))

    if cost.stage in (diffusion.STAGE.name, generate.STAGE.name):
        if generator.unet.dtype != "bfloat16":
            unet = replace(generator.unet, dtype="bfloat16")
            changed = replace(settings, diffusion=replace(generator, unet=unet))
            yield [("--config.diffusion.unet.dtype=bfloat16", changed)]
    elif classifier.dtype != "bfloat16":
        changed = replace(settings, classifier=replace(classifier, dtype="bfloat16"))
        yield [("--config.classifier.dtype=bfloat16", changed)]
    if cost.stage == diffusion.STAGE.name:
        train, flag = generator.train, "--config.diffusion.train"
        parts = [train.accumulate * 2**i for i in range(1, 8)]
        yield [
            (f"{flag}.accumulate={part}", with_train(accumulate=part))
            for part in parts
            if train.batch_size % part == 0
        ]
        yield [
            (f"{flag}.batch_size={size} (another training)", with_train(batch_size=size))
            for size in _halves(train.batch_size)
        ]
    elif cost.stage == generate.STAGE.name:
        yield [
            (
                f"--config.generate.block={size}",
                replace(settings, generate=replace(settings.generate, block=size)),
            )
            for size in _halves(settings.generate.block)
        ]
    else:
        yield [
            (
                f"--config.classifier.batch_size={size} (another training)",
                replace(settings, classifier=replace(classifier, batch_size=size)),
            )
            for size in _halves(classifier.batch_size)
        ]


def _halves(size: int) -> list[int]:
    return [size // 2**i for i in range(1, 8) if size % 2**i == 0]
