import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.evaluation.settings import EvaluateSettings


@pytest.mark.parametrize("margin", [0.0, -0.02, 1.0, 2.0, float("nan")])
def test_a_margin_is_a_share_above_zero(margin):
    with pytest.raises(UserError, match=r"config\.evaluate\.margin"):
        EvaluateSettings(margin)
    assert EvaluateSettings(0.02).margin == 0.02
