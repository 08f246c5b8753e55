"""Explained images per second of our LIME, against the package lime on the same network.

    python -m benchmarks.lime --image_size=64

Both use one jitted ResNet-18, one segmentation (SLIC), and 1000 perturbed images in batches of the
same size. Two more are measured: the network alone on as many images, which shows what our LIME
adds to it; and lime with its defaults (quickshift and batches of 10), as users call it.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np
from lime import lime_image

from benchmarks import duel, reference
from benchmarks.reference_classifier import make_settings
from synthmed_jax.classifiers.programs import make_network, make_programs
from synthmed_jax.classifiers.settings import make_rates
from synthmed_jax.data.sets import phantom_drawing
from synthmed_jax.explain import lime
from synthmed_jax.explain.lime_package import without_progress_bar
from synthmed_jax.explain.predictor import Predictor

NUM_CLASSES, DEFAULT_BATCH = 4, 10


def make_predictor(options: reference.Options) -> Predictor:
    """A ResNet-18 with random weights."""
    own = make_settings(options)
    programs = make_programs(make_network("resnet18", NUM_CLASSES, own), own)
    state = programs.init(jax.random.key(0), make_rates(own, steps_per_epoch=1000))
    return Predictor(programs.logits, state.variables, options.batch_size)


def make_engine(
    options: reference.Options, predictor: Predictor, image: np.ndarray, engine: str
) -> Callable[[], None]:
    """One explanation by one of our engines."""
    settings = lime.LimeSettings(
        engine, options.samples, 0.0, "bernoulli", "none", "slic", 55, seed=0
    )
    return lambda: void(lime.explain(predictor, image, settings))


def make_default(
    options: reference.Options, predictor: Predictor, image: np.ndarray
) -> Callable[[], None]:
    """One explanation by lime with its defaults."""
    colour = np.broadcast_to(image[0], (*image.shape[1:3], 3))
    # Batches of its size, and no larger: its users have them.
    small = Predictor(predictor.logits, predictor.variables, DEFAULT_BATCH)

    def call() -> None:
        explainer = lime_image.LimeImageExplainer(random_state=0)
        with without_progress_bar():
            explainer.explain_instance(
                colour,
                lambda images: small.probabilities(images[..., :1].astype(np.uint8)),
                num_samples=options.samples,
            )

    return call


def void(_: object) -> None:
    """Drops a result."""


def main() -> None:
    """Runs the race."""
    options = reference.parse(
        __doc__, pairs=7, batch_size=64, backbone="resnet18", image_size=64, samples=1000
    )
    predictor = make_predictor(options)
    image = phantom_drawing.draw(0, 0, 0, options.image_size)[0][None, ..., None]
    many = np.repeat(image, options.samples, axis=0)
    result = duel.run(
        f"lime {options.image_size} px, {options.samples} samples",
        duel.here(
            {
                "ours": make_engine(options, predictor, image, "jax"),
                "lime": make_engine(options, predictor, image, "lime"),
                "_network": lambda: void(predictor.probabilities(many)),
                "_lime as it comes": make_default(options, predictor, image),
            }
        ),
        ours="ours",
        pairs=options.pairs,
        per_call=1,
        unit="explanations/s",
    )
    rates = result["rates"]
    ours = rates["ours"]
    more = {
        "overhead_beyond_the_network": duel.ratio(rates["_network"], ours) - 1,
        "ratio_to_lime_as_it_comes": duel.ratio(ours, rates["_lime as it comes"]),
        "devices": jax.local_device_count(),
    }
    duel.report(result | more)


if __name__ == "__main__":
    main()
