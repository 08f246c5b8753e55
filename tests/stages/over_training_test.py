"""What the audit says of weights that a training has kept."""

import shutil

import pytest

from synthmed_jax import settings
from synthmed_jax.errors import Damaged
from synthmed_jax.results.over_training import FILE, OverTraining
from synthmed_jax.results.section import Section
from synthmed_jax.stages import diffusion, membership, over_training
from synthmed_jax.stages.run import make_run as run_of


@pytest.fixture
def kept(finished_phantoms, phantom_config, tmp_path, monkeypatch):
    """A run whose generator kept the weights of steps 10 and 20."""
    monkeypatch.setattr(over_training, "IMAGES", 5)
    shutil.copytree(finished_phantoms, tmp_path / "run")
    config = settings.from_config(phantom_config(diffusion__train__keep_every=10))
    return run_of(config, tmp_path / "run")


def test_each_step_is_drawn_from_and_attacked(kept):
    over_training.measure(kept, membership.read_sets(kept))
    found = OverTraining.read(kept.workdir.audit / FILE)
    assert [point.step for point in found.points] == [10, 20]
    losses = {point.step: point.val_loss for point in found.points}
    (chosen,) = found.chosen
    assert losses[chosen] == min(losses.values())
    # 28 fit images of 16 pixels are too few for a search of copies, and enough for an attack.
    assert found.why_no_search
    assert all(point.flagged is None for point in found.points)
    assert all(0 < point.area.low <= point.area.value for point in found.points)
    section = Section.read(kept.workdir.audit / "section_over_training.json")
    assert (kept.workdir.audit / section.pictures[0].file).stat().st_size > 5000


def test_without_the_wish_nothing_is_written(kept, phantom_config):
    run = run_of(settings.from_config(phantom_config()), kept.workdir.root)
    over_training.measure(run, membership.read_sets(run))
    assert not (run.workdir.audit / FILE).exists()


def test_of_damaged_weights_that_step_goes_and_nothing_else(kept):
    folder = kept.workdir.diffusion / "kept" / "10"
    shutil.rmtree(folder / "state")
    with pytest.raises(Damaged, match="kept/10") as error:
        over_training.measure(kept, membership.read_sets(kept))
    diffusion.STAGE.forget(kept, error.value.path)
    assert (kept.workdir.diffusion / "best.json").exists()
    over_training.measure(kept, membership.read_sets(kept))
    found = OverTraining.read(kept.workdir.audit / FILE)
    assert [point.step for point in found.points] == [20]
