"""Class names in charts: drawn by fonts that have their characters, or as numbers with a key.

Matplotlib's own font has no Chinese, Japanese or Korean and few Indian letters: it draws boxes, so
that names of equal length can't be told apart.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence

import matplotlib
from matplotlib import font_manager

# Beginnings of the names of fonts of wide coverage that systems come with, in the order in which
# they are tried.
WIDE_FONTS = (
    "Noto Sans CJK", "Source Han Sans", "WenQuanYi", "Microsoft YaHei", "SimHei", "SimSun",
    "PingFang", "Hiragino Sans", "Heiti", "STHeiti", "Yu Gothic", "MS Gothic", "IPAexGothic",
    "IPAGothic", "TakaoGothic", "Malgun Gothic", "Apple SD Gothic", "NanumGothic",
    "Noto Sans", "Nirmala UI", "Kohinoor", "Lohit", "Leelawadee UI", "Thonburi", "Ebrima",
    "Geeza Pro", "Segoe UI", "Arial Unicode MS", "Droid Sans Fallback", "Unifont",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class ChartNames:
    """How the classes of a data set are called in its charts.

    Attributes:
      shown: name of a class -> what stands for it in a chart, in the order of the labels.
      key: what the numbers mean, a sentence for the text beside the chart; "" where charts show
        the names themselves.
      families: fonts beside the usual ones that the names are drawn with.
    """

    shown: Mapping[str, str]
    key: str = ""
    families: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """What stands for the classes, in their order."""
        return tuple(self.shown.values())

    @property
    def key_after_text(self) -> str:
        """The key, and a space before it, where there is one."""
        return f" {self.key}" if self.key else ""

    @contextlib.contextmanager
    def fonts(self) -> Iterator[None]:
        """Within it charts are drawn, and turned into PNG, with the fonts that the names need."""
        usual = matplotlib.rcParams["font.family"]
        with matplotlib.rc_context({"font.family": [*usual, *self.families]}):
            yield


def chart_names(class_names: Sequence[str]) -> ChartNames:
    """Decides how classes are called in charts on this machine.

    Args:
      class_names: all of a data set, in the order of the labels: numbers count from 1.
    """
    lacking = {ord(character) for name in class_names for character in name}
    lacking -= _characters(font_manager.findfont(font_manager.FontProperties()))
    families = []
    for family in _wide_families() if lacking else ():
        properties = font_manager.FontProperties(family=[family])
        found = lacking & _characters(font_manager.findfont(properties))
        if found:
            families.append(family)
            lacking -= found
    if not lacking:
        return ChartNames({name: name for name in class_names}, families=tuple(families))
    shown = {name: f"class {number}" for number, name in enumerate(class_names, 1)}
    listed = ", ".join(f"{label} = {name}" for name, label in shown.items())
    key = f"The fonts of charts lack letters of the names, and numbers stand for them: {listed}."
    return ChartNames(shown, key)


def _wide_families() -> list[str]:
    installed = sorted({font.name for font in font_manager.fontManager.ttflist})
    return [name for start in WIDE_FONTS for name in installed if name.startswith(start)]


@functools.cache
def _characters(path: str) -> frozenset[int]:
    """Returns the code points that a font file has a picture of."""
    return frozenset(font_manager.get_font(path).get_charmap())
