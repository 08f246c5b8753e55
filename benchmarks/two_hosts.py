"""Two hosts of a core each against one host on one core: training, and drawing images.

    python -m benchmarks.two_hosts
    python -m benchmarks.two_hosts --config=configs/covid_ddpm.py:cpu --config.data.dir=/data

The hosts are processes that are connected over the loopback device. They take turns with the single
one, and with two runs that are started together and know nothing of each other: what those make
together is what two cores of this machine can give. The rate of training is the median over
records, and that of drawing comes from commands that draw more and more images, so that what a
command takes to begin cancels out. Needs Linux (`taskset`) and two cores that do nothing else.
"""

from __future__ import annotations

import argparse
import pathlib
import socket
import statistics
import tempfile
from collections.abc import Sequence

from benchmarks import command, duel
from synthmed_jax.files import read_json
from synthmed_jax.metrics_log import read_metrics

LOG_EVERY = 20
BLOCK = 20
# Images of a class after each command: one block, then one more, then three more.
DRAWN = (BLOCK, 2 * BLOCK, 5 * BLOCK)
# Runs at once, and the hosts of each.
WAYS = {"one": (1, 1), "two": (1, 2), "apart": (2, 1)}


def _run(options: Sequence[str], workdirs: Sequence[pathlib.Path], hosts: int) -> None:
    """Runs main.py to its end in each workdir at once, each on as many hosts of one core."""
    caches, processes = workdirs[0].parent / "caches", []
    for run, workdir in enumerate(workdirs):
        port = _free_port()
        for index in range(hosts):
            connected = [
                f"--coordinator=127.0.0.1:{port}",
                f"--num_processes={hosts}",
                f"--process_id={index}",
            ]
            each = [*options, *(connected if hosts > 1 else [])]
            core = run * hosts + index
            processes.append((workdir, command.start(each, workdir, caches, core=core)))
    for workdir, process in processes:
        if process.wait():
            command.fail(workdir)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def _settings(options: Sequence[str], steps: int) -> list[str]:
    return [
        *options,
        "--config.cpu_devices=1",
        *(f"--config.diffusion.train.steps={steps}", "--config.diffusion.train.warmup_steps=5"),
        f"--config.diffusion.train.log_every={LOG_EVERY}",
        f"--config.diffusion.train.val_every={steps}",
        f"--config.generate.block={BLOCK}",
    ]


def rates(
    options: Sequence[str], steps: int, workdirs: Sequence[pathlib.Path], hosts: int
) -> tuple[float, float]:
    """Images per second of training, and of drawing; of all runs together."""
    options = _settings(options, steps)
    _run([*options, "--stages=split,diffusion"], workdirs, hosts)
    seconds = []
    for count in DRAWN:
        _run(
            [*options, f"--config.generate.per_class={count}", "--stages=generate"], workdirs, hosts
        )
        seconds.append([_seconds_of_generate(workdir) for workdir in workdirs])
    trained = drawn = 0.0
    for workdir, (first, second, third) in zip(workdirs, zip(*seconds, strict=True), strict=True):
        records = read_metrics(workdir / "diffusion" / "metrics.jsonl")
        of_steps = [each["images_per_second"] for each in records if "images_per_second" in each]
        trained += statistics.median(of_steps[1:])  # the first one waits for compiling
        classes = len([path for path in (workdir / "synthetic").iterdir() if path.is_dir()])
        # Each command's seconds are of all commands until then.
        images = classes * (DRAWN[2] - 2 * DRAWN[1] + DRAWN[0])
        drawn += images / ((third - second) - (second - first))
    return trained, drawn


def _seconds_of_generate(workdir: pathlib.Path) -> float:
    return float(read_json(workdir / "run.json")["stages"]["generate"]["seconds"])


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of the three ways")
    parser.add_argument("--steps", type=int, default=160, help="of training")
    options, handed_on = command.parse(parser)
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for hosts in (1, 2):  # compiles
            drawn = f"--config.generate.per_class={BLOCK}"
            compiled = [
                *_settings(handed_on, LOG_EVERY),
                drawn,
                "--stages=split,diffusion,generate",
            ]
            _run(compiled, [root / f"compile{hosts}"], hosts)
        for turn in range(options.rounds):
            for way in sorted(WAYS, reverse=turn % 2 == 1):
                runs, hosts = WAYS[way]
                workdirs = [root / f"{way}{turn}_{run}" for run in range(runs)]
                found[way].append(rates(handed_on, options.steps, workdirs, hosts))
                print(f"two_hosts {turn + 1}/{options.rounds}, {way}: {found[way][-1]}", flush=True)
    of_way = {
        way: [list(each) for each in zip(*pairs, strict=True)] for way, pairs in found.items()
    }
    duel.report(
        {
            "name": "two_hosts",
            **{
                f"{what}_{way}_over_one": duel.ratio(of_way[way][i], of_way["one"][i])
                for i, what in enumerate(("training", "drawing"))
                for way in ("two", "apart")
            },
            "training": {way: each[0] for way, each in of_way.items()},
            "drawing": {way: each[1] for way, each in of_way.items()},
            "unit": "images/s",
            "config": options.config,
        }
    )


if __name__ == "__main__":
    main()
