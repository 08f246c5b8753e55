import io

import numpy as np
import pytest
from PIL import Image

from synthmed_jax.report import charts, figures


def test_smoothing_keeps_a_line_straight_to_its_ends():
    line = 3.0 - 0.1 * np.arange(20)
    np.testing.assert_allclose(charts.smooth(line, 7), line)


def test_smoothing_takes_means():
    np.testing.assert_allclose(charts.smooth([0, 0, 3, 0, 0], 3), [0, 1, 1, 1, 0])


@pytest.mark.parametrize("num_classes", [2, 15])
def test_confusion_matrices_of_few_and_many_classes(num_classes):
    names = [f"a rather long class name {i}" for i in range(num_classes)]
    png = charts.confusion_matrices({"synthetic": np.eye(num_classes, dtype=int)}, names)
    assert Image.open(io.BytesIO(png)).format == "PNG"


def test_curves_of_a_run_just_begun():
    assert charts.diffusion_curves({"": [{"step": 1, "loss": 1.0}]}).startswith(b"\x89PNG")


def test_the_same_figure_gives_the_same_bytes():
    records = [{"step": step, "loss": 1 / step} for step in range(1, 50)]
    both = {"left": records, "right": records}
    assert charts.diffusion_curves(both) == charts.diffusion_curves(both)


def test_long_names_are_cut_in_the_middle():
    assert figures.shorten("short") == "short"
    assert figures.shorten("carcinoma_in_situ", 9) == "carc\N{HORIZONTAL ELLIPSIS}situ"
