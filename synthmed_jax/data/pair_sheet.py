"""A picture of pairs of images that are alike, for a person to look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

_COLUMNS = 3
_SIDE = 112  # of an image on the sheet, pixels
_CAPTION = 28  # height of the text below a pair, pixels
_GAP = 8


def draw(pairs: Sequence[tuple[np.ndarray, np.ndarray]], captions: Sequence[str]) -> np.ndarray:
    """Draws pairs of u8[S,S,C] side by side, each above its caption; returns u8[H,W,3]."""
    rows = -(-len(pairs) // _COLUMNS)
    step = (2 * _SIDE + 2 * _GAP, _SIDE + _CAPTION + _GAP)
    sheet = Image.new("RGB", (_COLUMNS * step[0] + _GAP, rows * step[1] + _GAP), "white")
    pen = ImageDraw.Draw(sheet)
    for position, (both, caption) in enumerate(zip(pairs, captions, strict=True)):
        row, column = divmod(position, _COLUMNS)
        left, top = _GAP + column * step[0], _GAP + row * step[1]
        for place, pixels in enumerate(both):
            picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
            resized = picture.resize((_SIDE, _SIDE), Image.Resampling.NEAREST)
            sheet.paste(resized, (left + place * _SIDE, top))
        pen.text((left, top + _SIDE), caption, fill="black")
    return np.asarray(sheet)
