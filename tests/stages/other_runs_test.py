import pytest

from synthmed_jax.evaluation.compare_settings import CompareSettings
from synthmed_jax.stages import other_runs


@pytest.fixture
def unit(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")

    def of(*names):
        folders = ",".join(str(tmp_path / name) for name in names)
        return other_runs.unit(CompareSettings(folders), lambda run: (run.config, run.run_info))

    return of


def test_a_name_is_of_the_runs_in_their_order(unit):
    assert unit("a", "b") == unit("a", "b")
    assert len({unit("a"), unit("a", "b"), unit("b", "a")}) == 3


def test_other_results_have_another_name(unit, tmp_path):
    before = unit("a", "b")
    (tmp_path / "b" / "config.json").write_text('{"seed": 1}')
    changed = unit("a", "b")
    (tmp_path / "b" / "config.json").unlink()
    gone = unit("a", "b")
    (tmp_path / "b" / "run.json").write_text("{}")
    assert len({before, changed, gone, unit("a", "b")}) == 4
