import logging
import warnings

import pytest
from PIL import Image, PngImagePlugin

from synthmed_jax.data.formats.quiet import quiet


def test_settings_are_back_after_an_error():
    before = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK
    with pytest.raises(KeyError), quiet():
        {}["no key"]
    assert before == (Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK)
    assert not logging.getLogger("pydicom").disabled
    with pytest.warns(UserWarning, match="heard"):
        warnings.warn("heard", stacklevel=1)


def test_nothing_is_heard(caplog):
    with quiet():
        warnings.warn("quoted patient", stacklevel=1)
        logging.getLogger("pydicom").warning("quoted patient")
    assert caplog.records == []
