import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.evaluation.settings import EvaluateSettings


@pytest.mark.parametrize("margin", [0.0, -0.02, 1.0, 2.0, float("nan")])
def test_a_margin_is_a_share_above_zero(margin):
    with pytest.raises(UserError, match=r"config\.evaluate\.margin"):
        EvaluateSettings(margin)
    assert EvaluateSettings(0.02).margin == 0.02


def test_names_of_classes_need_a_tree():
    with pytest.raises(UserError, match=r"'a=b' names folders of config\.evaluate\.external_dir"):
        EvaluateSettings(0.02, external_classes="a=b")
    assert EvaluateSettings(0.02, "folder", "a=b").external_dir == "folder"
