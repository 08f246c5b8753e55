import jax
import pytest

from synthmed_jax.classifiers import placement


@pytest.mark.parametrize(
    ("backend", "size", "stay"),
    [
        ("gpu", placement.RESIDENT_BYTES, True),
        ("tpu", placement.RESIDENT_BYTES, True),
        ("gpu", placement.RESIDENT_BYTES + 1, False),
        ("cpu", 1, False),
    ],
)
def test_images_stay_on_accelerators_where_they_fit(monkeypatch, backend, size, stay):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    assert placement.stay_on_devices(size) == stay
