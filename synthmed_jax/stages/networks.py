"""The trained classifiers of a run, ready to answer: which there are, and what they answer."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from synthmed_jax.data import decode
from synthmed_jax.explain.lime import Explanation, explain
from synthmed_jax.explain.predictor import Predictor
from synthmed_jax.parallel import Tree
from synthmed_jax.results.evaluation import BestNetwork, Evaluation
from synthmed_jax.stages import evaluate
from synthmed_jax.stages.explain import load_network
from synthmed_jax.stages.run import Run
from synthmed_jax.statistics import calibration

BY_NAME = "named by the user"


@dataclasses.dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """One trained classifier; its weights are read on first use.

    Attributes:
      run: that it is of.
      network: which one, and by what rule it was chosen.
    """

    run: Run
    network: BestNetwork

    @property
    def name(self) -> str:
        """Its folder below classify/."""
        training = self.run.settings.classifier.trainings[self.network.fold]
        return f"{self.network.path}/{training}"

    @functools.cached_property
    def _variables(self) -> Tree:
        return load_network(self.run, self.network)[1]

    @functools.cached_property
    def temperature(self) -> float | None:
        """That fits its probabilities to `val` best, as `evaluate` does.

        None where `val` sets no limit to how sure answers may be (it is empty, or all are right),
        or to how unsure (they say nothing of its images).
        """
        val = self.run.inputs.parts.val
        answers = self._uncalibrated(val.images)
        if not calibration.determines_temperature(answers, val.labels):
            return None
        return calibration.fit_temperature(answers, val.labels)

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Returns the probabilities f64[N,K], at the temperature where there is one.

        Args:
          images: u8[N,S,S,C], of the size of the run's images.
        """
        answers = self._uncalibrated(images)
        if self.temperature is None:
            return answers.astype(np.float64)
        return calibration.at_temperature(answers, self.temperature)

    def explain(self, images: np.ndarray) -> list[Explanation]:
        """Explains the answers to images u8[N,S,S,C] by LIME, as config.explain says.

        What is explained is the probability before the temperature.
        """
        lime = self.run.settings.explain.lime
        return explain(self._predictor, self._resized(images), lime)

    def _uncalibrated(self, images: np.ndarray) -> np.ndarray:
        if not len(images):
            return np.zeros((0, len(self.run.inputs.class_names)), np.float32)
        programs = self.run.compiled.programs_of(self.network.backbone)
        return programs.predict(self._variables, self._resized(images))

    @functools.cached_property
    def _predictor(self) -> Predictor:
        programs = self.run.compiled.programs_of(self.network.backbone)
        return Predictor(programs.logits, self._variables, self.run.settings.explain.batch_size)

    def _resized(self, images: np.ndarray) -> np.ndarray:
        return decode.stretch_images(images, self.run.settings.classifier.image_size)


def best_network(run: Run, arm: str) -> TrainedNetwork:
    """The best network of an arm by validation; errors as of `evaluate.best_network`."""
    return TrainedNetwork(run, evaluate.best_network(run, arm))


def all_networks(run: Run) -> dict[str, TrainedNetwork]:
    """Every network that `evaluate` has tested, by its folder below classify/."""
    networks = [
        TrainedNetwork(
            run, BestNetwork(**dataclasses.asdict(cell.cell), fold=fold.fold, rule=BY_NAME)
        )
        for cell in Evaluation.read(run.workdir.evaluation).cells
        for fold in cell.folds
    ]
    return {network.name: network for network in networks}
