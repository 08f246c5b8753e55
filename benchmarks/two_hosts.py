"""Two processes on a core each against one process on one core: training, and drawing images.

    python -m benchmarks.two_hosts
    python -m benchmarks.two_hosts --config=configs/covid_ddpm.py:cpu --config.data.dir=/data

The processes are hosts of one run, connected over the loopback device. They and the single one take
turns. The rate of training is the median over records, and that of drawing comes from two commands
of which the second draws twice as many images, so that what a command takes to begin cancels out.
Needs Linux (`taskset`) and two cores that do nothing else.
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
# Images of a class after each command: one block, then two more, then four more.
DRAWN = (BLOCK, 3 * BLOCK, 7 * BLOCK)


def _run(options: Sequence[str], workdir: pathlib.Path, caches: pathlib.Path, hosts: int) -> None:
    """Runs main.py to its end, on as many hosts of one core each."""
    address = f"127.0.0.1:{_free_port()}"
    processes = []
    for index in range(hosts):
        connected = [
            f"--coordinator={address}",
            f"--num_processes={hosts}",
            f"--process_id={index}",
        ]
        each = [*options, *(connected if hosts > 1 else [])]
        processes.append(command.start(each, workdir, caches, core=index))
    ended = [process.wait() for process in processes]
    if any(ended):
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
    options: Sequence[str], steps: int, workdir: pathlib.Path, caches: pathlib.Path, hosts: int
) -> tuple[float, float]:
    """Images per second of training, and of drawing."""
    options = _settings(options, steps)
    _run([*options, "--stages=split,diffusion"], workdir, caches, hosts)
    records = read_metrics(workdir / "diffusion" / "metrics.jsonl")
    trained = [each["images_per_second"] for each in records if "images_per_second" in each]
    seconds = []
    for count in DRAWN:
        drawn = f"--config.generate.per_class={count}"
        _run([*options, drawn, "--stages=generate"], workdir, caches, hosts)
        seconds.append(read_json(workdir / "run.json")["stages"]["generate"]["seconds"])
    classes = len([path for path in (workdir / "synthetic").iterdir() if path.is_dir()])
    first, second, third = seconds  # of all commands until then
    images = classes * (DRAWN[2] - 2 * DRAWN[1] + DRAWN[0])
    # The first record waits for the program to be compiled.
    return statistics.median(trained[1:]), images / ((third - second) - (second - first))


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=160, help="of training")
    options, handed_on = command.parse(parser)
    found: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for hosts in found:  # compiles, and waits for the first images
            _run(
                [
                    *_settings(handed_on, options.steps),
                    f"--config.generate.per_class={BLOCK}",
                    "--stages=split,diffusion,generate",
                ],
                root / f"compile{hosts}",
                root / "caches",
                hosts,
            )
        for pair in range(options.pairs):
            for hosts in sorted(found, reverse=pair % 2 == 1):
                workdir = root / f"run{hosts}_{pair}"
                found[hosts].append(
                    rates(handed_on, options.steps, workdir, root / "caches", hosts)
                )
                print(
                    f"two_hosts {pair + 1}/{options.pairs}: {hosts}: {found[hosts][-1]}", flush=True
                )
    one, two = ([list(each) for each in zip(*found[hosts], strict=True)] for hosts in found)
    duel.report(
        {
            "name": "two_hosts",
            "training_ratio": duel.ratio(two[0], one[0]),
            "drawing_ratio": duel.ratio(two[1], one[1]),
            "training": {"one": one[0], "two": two[0]},
            "drawing": {"one": one[1], "two": two[1]},
            "unit": "images/s",
            "config": options.config,
        }
    )


if __name__ == "__main__":
    main()
