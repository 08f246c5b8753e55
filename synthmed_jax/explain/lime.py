"""LIME (Ribeiro et al., 2016): which regions of an image speak for a class, by switching them off.

The package `lime` draws the perturbed images and fits the local linear model; this file gives it
regions that suit small medical images, a seed for all it draws, and batches of one size.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator

import numpy as np
from lime import lime_image
from skimage.segmentation import slic

PredictFn = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What LIME found for one image.

    segments: i32[S,S], region of each pixel, 0..R-1.
    label: the class explained.
    probabilities: f32[K] of the unperturbed image.
    weights: class -> [(region, weight)], all R regions of every class, largest magnitude first; a
      weight is how much the probability rises when the region is shown.
    r2: weighted R2 of the local linear model of `label`, at most 1; near 0 it explains nothing.
    """

    segments: np.ndarray
    label: int
    probabilities: np.ndarray
    weights: dict[int, list[tuple[int, float]]]
    r2: float


def explain(
    images: np.ndarray,
    predict_fn: PredictFn,
    *,
    num_samples: int,
    batch_size: int,
    seed: int,
    labels: np.ndarray | None = None,
    num_segments: int = 55,
) -> list[Explanation]:
    """Explains each image; one image's answer depends on that image, the seed and options alone.

    Args:
      images: u8[N,S,S,C] in 0..255 or f32[N,S,S,C] of any range; C is 1 or 3.
      predict_fn: [batch_size,S,S,C] of the images' own type -> probabilities f32[batch_size,K]; it
        never sees another batch size (the last batch is padded), so it compiles once.
      num_samples: perturbed images for each image, the unperturbed one among them.
      batch_size: images a call of predict_fn.
      seed: of the regions and of the perturbations.
      labels: i32[N], classes to explain; None: the predicted ones.
      num_segments: about how many regions an image is cut into.

    A hidden region takes the mean colour of the image. The package's default, the region's own
    mean, would leave an even tumour that fills its region as it was, and give it no weight.

    Raises ValueError for images of another shape or type.
    """
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(f"images must be [N,S,S,1] or [N,S,S,3], got {images.shape}")
    if images.dtype not in (np.uint8, np.float32):
        raise ValueError(f"images must be uint8 or float32, got {images.dtype}")
    predict = functools.partial(_predict_padded, predict_fn, batch_size)
    probabilities = predict(images)
    chosen = probabilities.argmax(axis=-1) if labels is None else labels
    return [
        _explain_one(image, int(label), row, predict, num_samples, batch_size, seed, num_segments)
        for image, label, row in zip(images, chosen, probabilities, strict=True)
    ]


def segment(image: np.ndarray, num_segments: int) -> np.ndarray:
    """Cuts an image (u8 or f32 [S,S,C]) into about num_segments regions: i32[S,S] from 0, no gaps.

    SLIC (Achanta et al., 2012), which draws no random numbers, on the plain grey levels or RGB.
    """
    low, high = (0, 255) if image.dtype == np.uint8 else (image.min(), image.max())
    scaled = (image.astype(np.float64) - low) / max(high - low, 1e-12)
    # Compactness 0.4 of a grey range of 1: regions follow the tissue, yet none swallows the brain.
    regions = slic(
        scaled / np.sqrt(image.shape[-1]),
        n_segments=num_segments,
        compactness=0.4,
        start_label=0,
        channel_axis=-1,
        convert2lab=False,
    )
    # Region numbers without gaps: lime counts them to size its masks.
    return np.unique(regions, return_inverse=True)[1].reshape(regions.shape).astype(np.int32)


def choose_images(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Picks images worth explaining: i64[at most 2K], indices in rising order.

    Of every class the most confidently right image, and the most confidently wrong one or, if none
    is wrong, the least certain (smallest margin between the first and second class).

    Args:
      probabilities: f32[N,K].
      labels: i32[N], the truth.
    """
    rows = np.arange(len(labels))
    predicted = probabilities.argmax(axis=-1)
    ordered = np.sort(probabilities, axis=-1)
    margin = ordered[:, -1] - ordered[:, -2]
    chosen: set[int] = set()
    for label in np.unique(labels):
        right = rows[(labels == label) & (predicted == label)]
        wrong = rows[(labels == label) & (predicted != label)]
        if len(right):
            chosen.add(int(right[margin[right].argmax()]))
        if len(wrong):
            chosen.add(int(wrong[margin[wrong].argmax()]))
        elif len(right):
            chosen.add(int(right[margin[right].argmin()]))
    return np.array(sorted(chosen), dtype=np.int64)


def _explain_one(
    image: np.ndarray,
    label: int,
    probabilities: np.ndarray,
    predict: PredictFn,
    num_samples: int,
    batch_size: int,
    seed: int,
    num_segments: int,
) -> Explanation:
    """`explain` for one image [S,S,C]."""
    segments = segment(image, num_segments)
    channels = image.shape[-1]

    def classify(perturbed: np.ndarray) -> np.ndarray:
        # lime works on three float channels; ours are as the network was trained.
        own = perturbed[..., :channels]
        if image.dtype == np.uint8:
            own = np.clip(np.rint(own), 0, 255)
        return predict(own.astype(image.dtype))

    # lime keeps the R2 of the last class that it fits.
    classes = [k for k in range(len(probabilities)) if k != label] + [label]
    with _without_progress_bar():
        found = lime_image.LimeImageExplainer(random_state=seed).explain_instance(
            np.broadcast_to(image, (*image.shape[:2], 3)).astype(np.float32),
            classify,
            labels=classes,
            top_labels=None,
            hide_color=image.mean(axis=(0, 1), dtype=np.float64),
            num_samples=num_samples,
            batch_size=batch_size,
            segmentation_fn=lambda _: segments,
            random_seed=seed,
        )
    weights = {
        k: [(int(region), float(weight)) for region, weight in found.local_exp[k]]
        for k in sorted(classes)
    }
    return Explanation(segments, label, probabilities, weights, float(found.score))


def _predict_padded(predict_fn: PredictFn, batch_size: int, images: np.ndarray) -> np.ndarray:
    """f32[N,K] for any N, from calls of exactly batch_size images."""
    answers = []
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        missing = batch_size - len(batch)
        padded = np.concatenate([batch, np.repeat(batch[-1:], missing, axis=0)])
        answers.append(np.asarray(predict_fn(padded), np.float32)[: len(batch)])
    return np.concatenate(answers)


@contextlib.contextmanager
def _without_progress_bar() -> Iterator[None]:
    """lime 0.2.0.1 prints a bar an image and has no switch for it."""
    bar = lime_image.tqdm
    lime_image.tqdm = functools.partial(bar, disable=True)
    try:
        yield
    finally:
        lime_image.tqdm = bar
