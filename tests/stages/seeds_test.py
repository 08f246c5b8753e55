"""What the master seed moves in the stages, and that nothing is moved without one."""

import jax
import numpy as np
import pytest

from synthmed_jax.diffusion.step import init_state
from synthmed_jax.stages import STAGES, base, classify, diffusion, explain, generate, split, tune
from synthmed_jax.stages.base import Fingerprint

VAL = ("glioma/00001.png", "meningioma/00002.png", "notumor/00007.png", "pituitary/00019.png")


def weights(run):
    """The first weights of the generator."""
    state = init_state(run.settings.diffusion.train, run.compiled.model)
    return np.concatenate([np.ravel(x) for x in jax.tree.leaves(state.params)])


def test_two_master_seeds_are_two_splits_two_generators_and_two_cells(make_run):
    one, other = make_run(seed=1), make_run(seed=2)
    parts = [run.inputs.planned_split.parts for run in (one, other)]
    assert parts[0].fit.files != parts[1].fit.files
    assert parts[0].fit.class_names == parts[1].fit.class_names
    assert one.inputs.data.data_hash == other.inputs.data.data_hash
    assert not np.allclose(weights(one), weights(other))
    assert not set(classify.units(one)) & set(classify.units(other))


def test_seed_0_is_what_was_there_before(make_run):
    """The seeds are those of the blocks, and digests are those of workdirs without the field."""
    run = make_run()
    assert run.settings.split.seed == run.settings.classifier.seed == 0
    # As a run split these images before there was a master seed.
    assert run.inputs.planned_split.parts.val.files == VAL
    for stage in (split, diffusion, generate, classify, tune, explain):
        now = base.fingerprint(run, stage.STAGE)
        before = {name: value for name, value in now.fields.items() if name != "seed"}
        assert now.digest == Fingerprint(before, now.inputs).digest


@pytest.mark.parametrize("name", ["split", "diffusion", "generate", "sweep", "tune", "classify"])
def test_a_stage_that_draws_refuses_another_master_seed(make_run, name):
    (stage,) = (each for each in STAGES if each.name == name)
    run, other = make_run(), make_run(seed=4)
    assert base.fingerprint(run, stage).fields["seed"] == 0
    base.mark(run, stage, "finished")
    found = base.difference(base.read_marker(run, stage), base.fingerprint(other, stage))
    assert found == "with config field seed = 0, now it is 4"
