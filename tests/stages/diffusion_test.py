"""Self-attention at a side that no level has: refused, but in a generator that was begun so."""

import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.stages import base, diffusion, tune

NOTED = "no level has the side 16, and this generator was begun without self-attention there"


def test_attention_that_would_be_left_out_is_refused_at_a_new_generator_alone(make_run, capsys):
    run = make_run(diffusion__unet__attention=(16,))  # at 16 pixels in patches of 2, sides 8 and 4
    with pytest.raises(UserError, match=r"sides are 8, 4: set --config.*attention=8, or"):
        diffusion.STAGE.check(run)
    run.workdir.marker("diffusion").parent.mkdir(parents=True)
    base.Marker("started", {}, {}, ()).write(run.workdir.marker("diffusion"))
    diffusion.STAGE.check(run)
    assert NOTED in capsys.readouterr().out


def test_a_search_for_a_generator_is_one(make_run):
    changes = {"diffusion__unet__attention": (16,)}
    tune.STAGE.check(make_run(**changes, tune__target="classifier"))
    with pytest.raises(UserError, match="no level has the side 16"):
        tune.STAGE.check(make_run(**changes, tune__target="diffusion"))


def test_attention_that_there_is_passes_without_a_word(make_run, capsys):
    diffusion.STAGE.check(make_run(diffusion__unet__attention=(8,)))
    assert capsys.readouterr().out == ""
