import dataclasses

import pytest

from synthmed_jax.diffusion.unet_settings import (
    UNetSettings,
    attention_hint,
    check_attention,
    level_sides,
    missing_sides,
    smallest_side,
)
from synthmed_jax.errors import UserError

UNET = UNetSettings(
    channels=8, multipliers=(1, 2), blocks=1, attention=(), patch=1, dropout=0.0
)  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [("channels", 6), ("channels", 0), ("multipliers", ()), ("multipliers", (0,)), ("blocks", 0),
     ("attention", (0,)), ("embedding", "shift"), ("patch", 0), ("dropout", 1.0),
     ("dropout", float("nan")), ("dtype", "float16")],
)  # fmt: skip
def test_bad_shapes_of_the_network_are_refused(field, value):
    with pytest.raises(UserError, match=field):
        dataclasses.replace(UNET, **{field: value})


def test_every_level_after_the_first_doubles_the_smallest_side():
    assert smallest_side(UNET) == 2
    assert smallest_side(dataclasses.replace(UNET, patch=4, multipliers=(1, 2, 2))) == 16


PAPER = dataclasses.replace(UNET, multipliers=(1, 1, 2, 3, 4), attention=(16,))


@pytest.mark.parametrize(
    ("image_size", "sides", "advised"),
    [
        (64, (64, 32, 16, 8, 4), None),
        (96, (96, 48, 24, 12, 6), 12),
        (112, (112, 56, 28, 14, 7), 14),
        (128, (128, 64, 32, 16, 8), None),
        (160, (160, 80, 40, 20, 10), 20),
        (192, (192, 96, 48, 24, 12), 12),
        (224, (224, 112, 56, 28, 14), 14),
        (256, (256, 128, 64, 32, 16), None),
    ],
)
def test_attention_at_a_side_that_no_level_has_is_refused_with_the_nearest(
    image_size, sides, advised
):
    assert level_sides(PAPER, image_size) == sides
    if advised is None:
        check_attention(PAPER, image_size)
        assert (missing_sides(PAPER, image_size), attention_hint(PAPER, image_size)) == ([], "")
        return
    flag = f"--config.diffusion.unet.attention={advised}"
    assert attention_hint(PAPER, image_size) == f" (with {flag})"
    with pytest.raises(UserError) as raised:
        check_attention(PAPER, image_size)
    assert f"the sides are {', '.join(map(str, sides))}: set {flag}, or" in str(raised.value)
    check_attention(dataclasses.replace(PAPER, attention=(advised,)), image_size)


def test_several_sides_keep_those_that_are_right():
    unet = dataclasses.replace(UNET, multipliers=(1, 1, 1), attention=(7, 16), patch=2)
    assert level_sides(unet, 64) == (32, 16, 8)
    assert missing_sides(unet, 64) == [7]
    with pytest.raises(UserError, match=r"no level has the side 7 .*attention=8,16, or"):
        check_attention(unet, 64)
