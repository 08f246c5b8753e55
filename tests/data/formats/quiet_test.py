import logging
import warnings

import pytest
from PIL import Image, PngImagePlugin

from synthmed_jax.data.formats.quiet import quiet


def test_settings_are_back_after_an_error(caplog):
    before = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK
    with pytest.raises(KeyError), quiet():
        {}["no key"]
    assert before == (Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK)
    with pytest.warns(UserWarning, match="heard"):
        warnings.warn("heard", stacklevel=1)
    logging.getLogger("pydicom").warning("logged")
    assert "logged" in caplog.text


def test_nothing_is_heard(caplog, capfd):
    with quiet():
        warnings.warn("quoted patient", stacklevel=1)
        logging.getLogger("pydicom").warning("quoted patient")
        logging.getLogger("pydicom.pixels.decoders.base").exception("a traceback")
        logging.getLogger("tifffile").error("a broken page")
        logging.getLogger("pydicom").setLevel(logging.WARNING)  # as pydicom does at its import
        logging.getLogger("pydicom").error("quoted patient")
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_pillows_limit_is_the_one_that_is_given():
    before = Image.MAX_IMAGE_PIXELS
    with quiet(123):
        assert Image.MAX_IMAGE_PIXELS == 123
        with quiet():
            assert Image.MAX_IMAGE_PIXELS == 123
    assert before == Image.MAX_IMAGE_PIXELS
