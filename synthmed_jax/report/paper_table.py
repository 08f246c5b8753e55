"""The paper's Table 2 beside a run on one of its data sets: as printed there, never as a result."""

from __future__ import annotations

import dataclasses

from synthmed_jax import best_cells
from synthmed_jax.report.files import Contents
from synthmed_jax.report.formats import DASH, PLUS_MINUS, amount, n_is
from synthmed_jax.results.evaluation import CellScores
from synthmed_jax.results.section import Row, Table
from synthmed_jax.statistics.intervals import Interval

SOURCE = (
    "A. al N. Nafi et al., Diffusion-Based Approaches in Medical Image Generation and Analysis, "
    "December 2024, Tables 1 and 2"
)
NETWORKS = (
    "resnet18", "resnet50", "vgg16", "vgg19", "alexnet", "densenet121", "mobilenet_v2", "googlenet",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Printed:
    """What the paper prints of one of its data sets.

    Attributes:
      classes: their number (Table 1).
      images, sampled: real images of all classes, and those that its generator sees (Table 1).
      generated: synthetic images per class (Table 1).
      accuracies: test accuracy after training on synthetic images, %, by NETWORKS (Table 2).
    """

    classes: int
    images: int
    sampled: int
    generated: int
    accuracies: tuple[float, ...]


PRINTED = {
    "sarscov2_ct": Printed(
        2, 2481, 497, 1500, (76.33, 78.24, 77.67, 75.73, 72.18, 76.36, 75.98, 75.83)
    ),
    "brain_tumor_mri": Printed(
        4, 7023, 1405, 1700, (82.89, 85.15, 85.68, 86.46, 79.86, 85.09, 84.05, 83.82)
    ),
    "leukemia": Printed(
        4, 3256, 652, 1000, (86.94, 88.12, 83.01, 82.38, 82.22, 91.38, 85.21, 89.40)
    ),
}
_SPLITS = {
    "none": "is by image",
    "near_duplicates": "keeps images that are alike on one side",
}
_WEIGHTS = {"random": "random weights", "imagenet": "ImageNet's weights"}


@dataclasses.dataclass(frozen=True)
class Network:
    """One network's accuracy on real test images after training on synthetic ones alone.

    Attributes:
      backbone: one of NETWORKS.
      paper: as the paper prints it, share of 1.
      run: mean over this run's trainings, share of 1; None where it was not trained so.
      spread: standard deviation over them; None for a single one.
      interval: of `run`.
    """

    backbone: str
    paper: float
    run: float | None
    spread: float | None
    interval: Interval | None


@dataclasses.dataclass(frozen=True)
class Beside:
    """The paper's accuracies beside a run's.

    Attributes:
      source: of the paper's.
      differs: what differs between the two, and what the paper does not say; one sentence.
      networks: in the paper's order.
    """

    source: str
    differs: str
    networks: tuple[Network, ...]

    @property
    def table(self) -> Table:
        """The table to show, a row per network; accuracies in %."""
        level = next(each.interval.level for each in self.networks if each.interval is not None)
        return Table(
            ("the paper", "this run", f"{100 * level:.0f} % interval of this run's"),
            tuple(Row(each.backbone, _texts(each)) for each in self.networks),
            "Accuracy on real test images after training on synthetic images alone, %. The column "
            f"of the paper is as printed in {self.source}: nothing in it was measured by this run. "
            f"This run's is the mean over trainings (after {PLUS_MINUS}: standard deviation). "
            f"{DASH}: not trained by this run.",
        )


def beside(contents: Contents) -> Beside | None:
    """Sets the paper's Table 2 beside the run's networks of the synthetic arm.

    None where the data set is not one of the paper's, where only some of its classes were used,
    which is another task, and where no network of the paper was trained on synthetic images.
    """
    evaluation = contents.evaluation
    printed = None if evaluation is None else PRINTED.get(evaluation.dataset)
    if evaluation is None or printed is None or printed.classes != len(evaluation.class_names):
        return None
    cells = {
        name: best_cells.of_arm(
            [cell for cell in evaluation.cells if cell.backbone == name], best_cells.SYNTHETIC
        )
        for name in NETWORKS
    }
    trained = [cell for cell in cells.values() if cell is not None]
    if not trained:
        return None
    networks = (
        _network(name, accuracy, cells[name])
        for name, accuracy in zip(NETWORKS, printed.accuracies, strict=True)
    )
    differs = _differs(contents, printed, trained[0], evaluation.num_test)
    return Beside(SOURCE, differs, tuple(networks))


def _network(name: str, accuracy: float, cell: CellScores | None) -> Network:
    paper = round(accuracy / 100, 4)
    if cell is None:
        return Network(name, paper, None, None, None)
    spread = None if cell.std is None else cell.std.test_accuracy
    return Network(name, paper, cell.mean.test_accuracy, spread, cell.accuracy_interval)


def _texts(network: Network) -> tuple[str, str, str]:
    paper = f"{100 * network.paper:.2f}"
    if network.run is None or network.interval is None:
        return paper, DASH, DASH
    spread = "" if network.spread is None else f" {PLUS_MINUS} {100 * network.spread:.1f}"
    low, high = 100 * network.interval.low, 100 * network.interval.high
    return paper, f"{100 * network.run:.1f}{spread}", f"{low:.1f} to {high:.1f}"


def _differs(contents: Contents, printed: Printed, cell: CellScores, num_test: int) -> str:
    group_by = contents.setting("split.group_by", "none")
    weights = contents.setting("classifier.weights", "random")
    return (
        f"The two are not one experiment: here (protocol {contents.setting('protocol', 'own')}) "
        f"the split {_SPLITS.get(group_by, f'keeps groups ({group_by}) on one side')}, "
        f"{contents.totals.val} real images are held back for choices, networks start from "
        f"{_WEIGHTS.get(weights, 'weights of a file')}, learn from synthetic images "
        f"({amount(cell)}, {contents.setting('data.image_size', 0)} pixels per side, seen at "
        f"{contents.setting('classifier.image_size', 0)}) and are tested on {n_is(num_test)} real "
        f"ones of {contents.totals.total}; there the split is by image, none is held back, "
        f"networks are pre-trained, learn from {printed.generated} synthetic images per class and "
        f"are tested on {n_is(printed.images - printed.sampled)} of {printed.images}, while "
        "resolution, T, noise schedule, numbers of steps, learning rates, which images were tested "
        "and how far accuracies spread are not said."
    )
