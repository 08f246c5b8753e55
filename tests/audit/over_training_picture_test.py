import dataclasses
import io

from PIL import Image

from synthmed_jax.audit import over_training_picture
from tests.audit.over_training_text_test import FOUND


def test_it_is_a_picture_of_what_was_measured():
    png = over_training_picture.draw(FOUND)
    assert min(Image.open(io.BytesIO(png)).size) > 400
    assert png == over_training_picture.draw(FOUND)
    assert png != over_training_picture.draw(dataclasses.replace(FOUND, chosen=(1000,)))


def test_where_nothing_was_measured_it_says_so():
    points = tuple(
        dataclasses.replace(point, val_loss=None, flagged=None, area=None) for point in FOUND.points
    )
    found = dataclasses.replace(FOUND, points=points, false_alarms=None)
    assert over_training_picture.draw(found) != over_training_picture.draw(FOUND)
