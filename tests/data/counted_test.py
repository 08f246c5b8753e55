import pytest

from synthmed_jax.data.counted import counted


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 images"), (1, "1 image"), (2, "2 images"), (20, "20 images")]
)
def test_one_is_no_plural(number, text):
    assert counted(number, "image") == text
