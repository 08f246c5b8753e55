"""docs/cluster/: the scripts and the manifest name every task of their grid once, in order.

Schedulers are replaced by programs that say how they were called. `make check` reads the scripts
with shellcheck.
"""

import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess

import pytest
import yaml

from synthmed_jax import shard
from synthmed_jax.stages import STAGES

ROOT = pathlib.Path(__file__).parents[1]
CLUSTER = ROOT / "docs" / "cluster"
STEPS = ("prepare", "classify", "finish")
JOBS = yaml.safe_load((CLUSTER / "jobset.yaml").read_text())["spec"]["replicatedJobs"]


def grid(*arguments, **environment):
    return subprocess.run(
        ["bash", CLUSTER / "grid.sh", *map(str, arguments)],
        env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def count(step: str) -> int:
    return int(grid("count", step).stdout)


def arrays(name: str) -> list[str]:
    text = (CLUSTER / "grid.sh").read_text()
    return shlex.split(re.search(rf"^{name}=\((.*)\)$", text, re.MULTILINE)[1])


def options_of(step: str, task: int) -> dict[str, str]:
    run = grid(step, task, PROGRAM="printf %s\\n", RUNS="/w d", DATA="/d d")
    assert run.returncode == 0, run.stderr
    return dict(line[2:].split("=", 1) for line in run.stdout.splitlines())


@pytest.fixture(scope="module")
def tasks():
    """Step -> the options of the program in each of its tasks."""
    return {step: [options_of(step, task) for task in range(count(step))] for step in STEPS}


def test_each_workdir_is_of_one_config_and_one_seed(tasks):
    for step in STEPS:
        found = {(t["config"], t["config.seed"], t["workdir"]) for t in tasks[step]}
        assert len(found) == len({workdir for *_, workdir in found})
        pairs = {(config, seed) for config, seed, _ in found}
        assert pairs == set(itertools.product(arrays("CONFIGS"), arrays("SEEDS")))
    for config in arrays("CONFIGS"):
        assert (ROOT / config.partition(":")[0]).is_file()


def test_each_part_of_each_workdir_is_one_task(tasks):
    parts = count("classify") // count("prepare")
    found = [(t["workdir"], shard.parse(t["shard"], {})) for t in tasks["classify"]]
    workdirs = {t["workdir"] for t in tasks["prepare"]}
    wanted = itertools.product(workdirs, (shard.Shard(i + 1, parts) for i in range(parts)))
    assert sorted(found, key=str) == sorted(wanted, key=str)
    assert {t["stages"] for t in tasks["classify"]} == {shard.STAGE}


def test_what_comes_before_and_after_is_one_task_of_each_workdir(tasks):
    (before,) = {t["stages"] for t in tasks["prepare"]}
    assert before == "split,diffusion,generate"
    assert set(before.split(",")) < {stage.name for stage in STAGES}
    assert not any("shard" in t for step in ("prepare", "finish") for t in tasks[step])
    assert not any("stages" in t for t in tasks["finish"])
    assert {t["config.data.dir"] for step in STEPS for t in tasks[step]} == {"/d d"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("prepare",),
        ("train", 0),
        ("prepare", 8),
        ("classify", "08"),
        ("count", "x"),
        ("finish", -1),
    ],
)
def test_a_task_that_is_not_there_is_refused(arguments):
    run = grid(*arguments, PROGRAM="echo")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("grid.sh: ")


@pytest.fixture
def slurm(tmp_path):
    """Runs slurm.sh beside an `sbatch` and an `srun` that note their arguments."""
    noted = tmp_path / "noted"
    note = f'printf \'%s\\n\' "$(basename "$0") $*" >> {shlex.quote(str(noted))}'
    for name, answer in (("sbatch", f'echo "$((40 + $(wc -l < {noted})));cluster"'), ("srun", "")):
        (tmp_path / name).write_text(f"#!/bin/bash\n{note}\n{answer}\n")
        (tmp_path / name).chmod(0o755)

    def run(*arguments, **environment):
        path = f"{tmp_path}:{os.environ['PATH']}"
        subprocess.run(
            ["bash", "docs/cluster/slurm.sh", *arguments], cwd=ROOT, check=True,
            capture_output=True, env=os.environ | {"PATH": path} | environment,
        )  # fmt: skip
        return noted.read_text().splitlines()

    return run


def test_slurm_gets_an_array_for_each_step_after_the_one_before(slurm):
    script = "docs/cluster/slurm.sh"
    assert slurm() == [
        f"sbatch --parsable --array=0-7 {script} prepare",
        f"sbatch --parsable --array=0-31 --dependency=afterok:41 {script} classify",
        f"sbatch --parsable --array=0-7 --dependency=afterok:42 {script} finish",
    ]


def test_a_task_of_slurm_s_is_one_of_the_grid(slurm):
    noted = slurm("classify", SLURM_ARRAY_TASK_ID="5", SLURM_CPUS_PER_TASK="4")
    assert noted == ["srun --cpus-per-task=4 bash docs/cluster/grid.sh classify 5"]


@pytest.mark.parametrize("document", ["BUILD.md", "docs/cluster.md", "docs/hosts.md"])
def test_a_step_of_slurm_s_is_told_how_many_cores_it_has(document):
    """Since Slurm 22.05, `srun` does not take them from the job."""
    text = (ROOT / document).read_text()
    steps = re.findall(r"\bsrun (?=-|\.venv)(\S*)", text)
    assert steps
    assert all(first.startswith("--cpus-per-task=") for first in steps)
    assert len(re.findall(r"--cpus-per-task", text)) >= 2 * len(steps)


def test_the_jobs_of_kubernetes_are_the_steps_in_order():
    assert tuple(job["name"] for job in JOBS) == STEPS
    after = [job.get("dependsOn") for job in JOBS]
    assert after == [None, *([{"name": step, "status": "Complete"}] for step in STEPS[:-1])]


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job["name"])
def test_a_job_of_kubernetes_has_a_pod_for_each_task(job):
    spec = job["template"]["spec"]
    assert spec["completionMode"] == "Indexed"
    assert spec["completions"] == count(job["name"])
    pod = spec["template"]["spec"]
    assert pod["restartPolicy"] == "Never"  # as backoffLimitPerIndex asks for
    assert pod["terminationGracePeriodSeconds"] > 30
    (container,) = pod["containers"]
    assert container["command"][-1] == (
        f'exec bash /grid/grid.sh {job["name"]} "$JOB_COMPLETION_INDEX"'
    )
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(mounted) == {volume["name"] for volume in pod["volumes"]}
    image = (ROOT / "Dockerfile").read_text()
    volumes = json.loads(re.search(r"^VOLUME (.*)$", image, re.MULTILINE)[1])
    assert {f"/{name}" for name in mounted} == set(mounted.values()) == {*volumes, "/grid"}
    assert container["workingDir"] == re.search(r"^WORKDIR (.*)$", image, re.MULTILINE)[1]
