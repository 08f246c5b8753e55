import io

import numpy as np
from PIL import Image

from synthmed_jax.audit import membership_picture


def test_it_is_a_picture_of_each_attack():
    rng = np.random.default_rng(0)
    scores = {"loss": (rng.normal(1, 1, 60), rng.normal(0, 1, 60))}
    png = membership_picture.draw(scores)
    image = Image.open(io.BytesIO(png))
    assert min(image.size) > 400
    assert png == membership_picture.draw(scores)
    both = scores | {"nearness": (rng.normal(0, 1, 60), rng.normal(0, 1, 60))}
    assert png != membership_picture.draw(both)
