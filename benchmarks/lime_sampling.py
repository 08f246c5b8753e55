"""How many evaluations LIME needs for repeatable answers, by how its masks are drawn.

    python -m benchmarks.lime_sampling --workdir=/runs/mine

The best network of a finished run is explained on real `val` images, with several seeds and budgets
(numbers of evaluations). What counts is the budget at which the mean rank correlation between seeds
reaches 0.9, interpolated linearly in the logarithm of the budget. It is found for each way to draw
masks, with and without a control variate.
"""

from __future__ import annotations

import json
import pathlib

import numpy as np
from ml_collections import ConfigDict

from benchmarks import duel, reference
from synthmed_jax import protocol, settings
from synthmed_jax.explain import scores
from synthmed_jax.explain.lime import CONTROLS
from synthmed_jax.explain.masks import SAMPLINGS, draw_masks
from synthmed_jax.explain.predictor import Predictor, View, make_view
from synthmed_jax.explain.segmentation import segment
from synthmed_jax.stages import explain
from synthmed_jax.stages.run import make_run

WANTED = 0.9
BUDGETS = tuple(int(v) for v in 2 ** np.arange(5, 12.5, 0.5))  # 32 to 4,096


def correlations(
    predictor: Predictor, view: View, label: int, sampling: str, seeds: int
) -> dict[str, list[float]]:
    """Returns, per control, one image's mean rank correlation between seeds at each of BUDGETS.

    The budgets of one seed share their evaluations: a smaller budget is the start of a larger one.
    """
    drawn = []
    for seed in range(seeds):
        masks, group = draw_masks(seed, BUDGETS[-1], view.num_regions, sampling)
        drawn.append((masks, predictor.masked(view, masks), group, seed))
    return {
        name: [
            scores.stability(
                [fit(m[:n], a[:n], g[:n], s, n).weights[:, label] for m, a, g, s in drawn]
            ).rank_correlation
            for n in BUDGETS
        ]
        for name, fit in CONTROLS.items()
    }


def needed(curve: np.ndarray) -> float | None:
    """Returns the evaluations at which a curve over BUDGETS first reaches WANTED; None: never."""
    reached = np.flatnonzero(curve >= WANTED)
    if not len(reached):
        return None
    i = int(reached[0])
    if i == 0:
        return float(BUDGETS[0])
    share = (WANTED - curve[i - 1]) / (curve[i] - curve[i - 1])
    return float(BUDGETS[i - 1] * (BUDGETS[i] / BUDGETS[i - 1]) ** share)


def main() -> None:
    """Measures every way to draw masks on the same images."""
    options = reference.parse(__doc__, workdir="", images=12, seeds=6)
    workdir = pathlib.Path(options.workdir)
    config = ConfigDict(json.loads((workdir / "config.json").read_text()))
    run = make_run(settings.from_config(protocol.apply(config)), workdir)
    val = run.inputs.at_network_size(run.inputs.parts.val)
    rng, lime = np.random.default_rng(0), run.settings.explain.lime
    images = val.images[rng.permutation(len(val))[: options.images]]
    network = explain.load_network(run, explain.explained_network(run))
    predictor = Predictor(*network, run.settings.explain.batch_size)
    labels = predictor.probabilities(images).argmax(axis=-1)
    views = [make_view(image, segment(image, lime.segmentation, lime.regions)) for image in images]
    evaluations: dict[str, float | None] = {}
    for sampling in SAMPLINGS:
        curves = [
            correlations(predictor, view, int(label), sampling, options.seeds)
            for view, label in zip(views, labels, strict=True)
        ]
        for control in CONTROLS:
            mean = np.mean([curve[control] for curve in curves], axis=0)
            evaluations[f"{sampling}, {control}"] = needed(mean)
            curve = ", ".join(f"{n}: {c:.3f}" for n, c in zip(BUDGETS, mean, strict=True))
            print(f"{sampling}, {control}: {curve}", flush=True)
    theirs = evaluations["bernoulli, none"]
    ours = evaluations[f"{lime.sampling}, {lime.control}"]
    duel.report(
        {
            "name": f"lime_sampling, {config.data.name}, rank correlation {WANTED}",
            "ratio": theirs / ours if theirs and ours else None,
            "pairs": len(images),
            "ours": ours,
            "peer": theirs,
            "unit": "evaluations",
            "evaluations": evaluations,
            "seeds": options.seeds,
        }
    )


if __name__ == "__main__":
    main()
