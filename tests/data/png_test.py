import io

import numpy as np
import pytest
from PIL import Image

from synthmed_jax.data.decode import decode_image
from synthmed_jax.data.png import encode_png


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_pixels_come_back_as_they_were(channels, mode):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, channels), np.uint8)
    content = encode_png(pixels)
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.mode, image.size) == ("PNG", mode, (7, 5))
    np.testing.assert_array_equal(decode_image(content, channels), pixels)
    assert encode_png(pixels.copy()) == content
    assert encode_png(pixels[::-1]) != content
