"""The libraries that read images, as a reader needs them: without warnings, without own limits."""

import contextlib
import logging
import warnings
from collections.abc import Iterator

from PIL import Image, PngImagePlugin

_LOGS = ("pydicom", "pylibjpeg", "nibabel", "tifffile", "PIL")


@contextlib.contextmanager
def quiet(max_pixels: int | None = None) -> Iterator[None]:
    """Silences the libraries that read images, and sets their limits, for a while.

    Their warnings tell of files that are read all the same, and pydicom's quote the values of
    patient fields; what they log of a failure, the reader says in a sentence of its own. It changes
    settings that all threads share: several threads may use it at the same time only inside of
    another use of it with the same `max_pixels`, which ends last.

    Args:
      max_pixels: Pillow refuses images of more than twice as many wherever it meets them: as a
        later frame, or within a file that names another size at its beginning. `check_size` is
        asked as well, where the size is known. None: its limit stays as it is.
    """
    logs = [logging.getLogger(name) for name in _LOGS]
    before = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK
    heard = [log.propagate for log in logs]
    nobody = logging.NullHandler()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if max_pixels is not None:
            Image.MAX_IMAGE_PIXELS = max_pixels
        # Viewers open a PNG whatever texts it carries (macros of ImageJ, notes of slicers); Pillow
        # refuses one of more than 1 MiB. All texts of a file together stay limited to this.
        PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY
        # So nothing gets out of the logs below these either, such as pydicom.pixels. A level would
        # not do: pydicom sets its own when it is imported, which may be in here.
        for log in logs:
            log.propagate = False
            log.addHandler(nobody)
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = before
            for log, propagate in zip(logs, heard, strict=True):
                log.propagate = propagate
                log.removeHandler(nobody)
