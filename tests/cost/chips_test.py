import pytest

from synthmed_jax.cost import chips
from synthmed_jax.errors import UserError


def test_a_target_is_a_chip_and_how_many():
    assert chips.parse("a100") == chips.Target(chips.CHIPS["a100"], 1)
    assert chips.parse("v5e:16") == chips.Target(chips.CHIPS["v5e"], 16)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a10", "did you mean 'a100'?"),
        ("h100:", "as in --target=h100:8"),
        ("h100:0", "after the colon"),
        ("h100:x", "after the colon"),
    ],
)
def test_a_target_that_is_none_is_refused(text, message):
    with pytest.raises(UserError, match=None) as error:
        chips.parse(text)
    assert message in str(error.value)


def test_bfloat16_is_never_slower_and_memory_is_never_all_of_it():
    for chip in chips.CHIPS.values():
        assert chip.peak["bfloat16"] >= chip.peak["float32"]
        assert 0 < chip.usable <= 1
