import io

import numpy as np
import pytest
from PIL import Image

from synthmed_jax.audit import difference_picture
from synthmed_jax.audit.difference_map import subtract, sum_up
from synthmed_jax.audit.fidelity import Seen


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_a_picture_that_shows_a_difference(channels):
    def seen(brighter):
        rng = np.random.default_rng(0)
        synthetic, real, other = (
            sum_up(rng.integers(0, 200, (20, 16, 16, channels), np.uint8) + added)
            for added in (np.uint8(brighter), np.uint8(0), np.uint8(0))
        )
        return Seen("fit", 20, synthetic, real, subtract(synthetic, real), subtract(other, real))

    png = difference_picture.draw(seen(50), "fit images")
    image = Image.open(io.BytesIO(png))
    assert image.width > image.height > 400
    assert png == difference_picture.draw(seen(50), "fit images")
    assert png != difference_picture.draw(seen(0), "fit images")
