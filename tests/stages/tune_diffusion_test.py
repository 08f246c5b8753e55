import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.stages import split
from synthmed_jax.stages.tune_diffusion import DIFFUSION

WITHOUT_GUIDANCE = {"diffusion__train__label_dropout": 0.0, "generate__guidance": 1.0}


def test_one_generator_of_all_classes_is_searched(make_run):
    run = make_run(diffusion__num_steps=40, **WITHOUT_GUIDANCE)
    split.STAGE.run(run)
    (target,) = DIFFUSION.targets(run)
    assert (target.folder,) == DIFFUSION.folders(run) == ("diffusion",)
    assert target.arm == ""
    assert target.space["generate.steps"] == (15, 25, 40)
    # Guidance needs a model that also knows images of no class.
    assert target.fixed == {"diffusion.train.label_dropout": 0.1}


def test_a_generator_for_each_class_is_refused(make_run):
    run = make_run(diffusion__conditioning="per_class", **WITHOUT_GUIDANCE)
    split.STAGE.run(run)
    with pytest.raises(UserError, match=r"set config\.diffusion\.conditioning=class"):
        next(DIFFUSION.targets(run))
