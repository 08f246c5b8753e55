import pytest

from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.evaluation import records, replicates
from synthmed_jax.results.evaluation import Evaluation
from synthmed_jax.results.marker import Marker
from tests.finished_runs import read_run, write_run


def test_what_is_read_of_a_workdir(tmp_path):
    root = write_run(tmp_path / "s3", 3, arms=("synthetic", "real_augmented", "mixed_1to1"))
    replicates.check_finished(root)
    found = read_run(root)
    assert (found.seed, found.fraction) == (3, 0.2)
    assert [each.name for each in found.declared] == ["D1", "D2"]
    first, stored = found.declared[0], found.evaluation.declared[0]
    assert (first.threshold, first.unit) == (-0.02, "group")
    assert (first.estimate, first.low, first.high) == (
        stored.difference.estimate,
        stored.difference.low,
        stored.difference.high,
    )
    assert found.hits.of_cells[first.first].shape == (found.evaluation.num_test,)


def test_old_workdirs_were_of_seed_0(tmp_path):
    root = write_run(tmp_path / "old")
    for stage in records.CHAIN:
        path = root / "stages" / f"{stage}.json"
        marker = Marker.read(path)
        marker.fields.pop("seed", None)
        marker.write(path)
    assert read_run(root).seed == 0
    replicates.check_comparable([read_run(root), read_run(write_run(tmp_path / "new", 1))])


@pytest.mark.parametrize("stage", records.CHAIN)
def test_what_is_not_finished_is_refused_by_its_stage(tmp_path, stage):
    root = write_run(tmp_path / "s1", 1, unfinished=stage)
    with pytest.raises(UserError, match=rf"stage '{stage}' of .*s1 is started, not finished.*s1\)"):
        replicates.check_finished(root)
    (root / "stages" / f"{stage}.json").unlink()
    with pytest.raises(UserError, match=f"stage '{stage}' of .* has not begun"):
        replicates.check_finished(root)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"pool\.workdirs: there is no folder .*nowhere"):
        replicates.check_finished(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"seed": 0}, r"a and .*b both have config\.seed=0 .*leave one of them out"),
        (
            {"changed": {"diffusion.num_steps": 100}},
            r"b has config\.diffusion\.num_steps=100, and .*a 50: .*config\.seed alone",
        ),
        ({"changed": {"split.seed": 7}}, r"b has config\.split\.seed=7, and .*a 0"),
        ({"data_hash": "def"}, r"b has another value of split: data_hash \(def\) than .*a \(abc\)"),
        ({"arms": ("synthetic", "real", "mixed")}, r"b has another value of arms and networks"),
    ],
)
def test_runs_that_do_not_belong_together_are_refused(tmp_path, other, message):
    one = read_run(write_run(tmp_path / "a"))
    two = read_run(write_run(tmp_path / "b", **{"seed": 1} | other))
    with pytest.raises(UserError, match=message):
        replicates.check_comparable([one, two])


def test_other_shares_of_real_images_belong_together(tmp_path):
    runs = [read_run(write_run(tmp_path / str(f), fraction=f)) for f in (0.1, 0.2)]
    replicates.check_comparable(runs)
    assert [each.fraction for each in runs] == [0.1, 0.2]


def test_a_run_that_compares_no_arms_is_refused(tmp_path):
    alone = read_run(write_run(tmp_path / "s0", arms=("synthetic",)))
    assert alone.declared == ()
    with pytest.raises(UserError, match=r"s0/.*metrics\.json compares no arms: .*the arm 'real'"):
        replicates.check_declared([read_run(write_run(tmp_path / "s1", 1)), alone])


def test_predictions_of_another_evaluation_are_noticed(tmp_path):
    root = write_run(tmp_path / "s0")
    other = write_run(tmp_path / "s1", 1)
    predictions = root / "evaluate" / "predictions.csv"
    predictions.write_bytes((other / "evaluate" / "predictions.csv").read_bytes())
    with pytest.raises(Damaged, match="is not of the evaluation beside it"):
        read_run(root)
    assert Evaluation.read(root / "evaluate" / "metrics.json").seed == 0
