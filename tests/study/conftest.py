import pytest

from benchmarks.study import runs
from synthmed_jax.data import held_out
from synthmed_jax.evaluation import records
from synthmed_jax.workdir import Workdir
from tests.finished_runs import write_run

ARMS = ("synthetic", "real_augmented", "mixed_1to1")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Records of three runs of one design."""
    folder = tmp_path_factory.mktemp("study")
    for seed in (11, 12, 13):
        root = write_run(folder / f"s{seed}", seed, arms=ARMS)
        groups = held_out.read_test_groups(Workdir(root).split)
        record = records.read_record(root, groups)
        record.write(folder / "results" / "phantom" / "drawn" / f"{seed}.json")
    return folder / "results"


@pytest.fixture(scope="module")
def design(results):
    (design,) = runs.read_designs(results)
    return design
