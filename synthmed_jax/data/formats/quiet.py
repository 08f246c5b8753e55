"""Pillow and pydicom as a reader needs them: without their warnings, without their own limits."""

import contextlib
import logging
import warnings
from collections.abc import Iterator

from PIL import Image, PngImagePlugin


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silences the libraries that read images, and lifts their limits, for a while.

    Their warnings tell of files that are read all the same, and pydicom's quote the values of
    patient fields. It changes settings that all threads share: several threads may use it at the
    same time only inside of another use of it, which ends last.
    """
    log = logging.getLogger("pydicom")
    before = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK, log.disabled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # `check_size` is asked instead, whose limit is a field of the config.
        Image.MAX_IMAGE_PIXELS = None
        # Viewers open a PNG whatever texts it carries (macros of ImageJ, notes of slicers); Pillow
        # refuses one of more than 1 MiB. All texts of a file together stay limited to this.
        PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY
        log.disabled = True
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK, log.disabled = before
