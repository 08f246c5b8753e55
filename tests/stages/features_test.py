import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.stages import features, split


def test_features_need_val_to_stop_on(make_run):
    run = make_run(split__val_fraction=0.0)
    split.STAGE.run(run)
    with pytest.raises(UserError, match=r"`val`, which is empty: set config.split.val_fraction"):
        features.STAGE.run(run)
