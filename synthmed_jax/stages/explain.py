"""The stage that explains the best network's answers to real and to synthetic images."""

from __future__ import annotations

import functools
import shutil

from synthmed_jax import best_cells
from synthmed_jax.classifiers import trainings
from synthmed_jax.data import held_out
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.sets import DATASETS
from synthmed_jax.evaluation import memorisation
from synthmed_jax.explain import gallery
from synthmed_jax.explain.predictor import Logits
from synthmed_jax.explain.remembered import RememberedPredictor
from synthmed_jax.parallel import Tree
from synthmed_jax.results.evaluation import BestNetwork
from synthmed_jax.stages import base, classify, evaluate, generate
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run


def explained_network(run: Run) -> BestNetwork:
    """The best network by validation of the arm that is to be explained, after `evaluate`."""
    return evaluate.best_network(run, run.settings.explain.arm)


def load_network(run: Run, network: BestNetwork) -> tuple[Logits, Tree]:
    """A network to be asked for its reasons: its logits and its variables."""
    programs = run.compiled.programs_of(network.backbone)
    name = run.settings.classifier.trainings[network.fold]
    folder = network.folder(run.workdir.classify, name)
    return programs.logits, trainings.load_variables(programs, folder)


def _run(run: Run) -> None:
    directory, inputs, settings = run.workdir.explain, run.inputs, run.settings.explain
    answers = directory / "answers"
    network = explained_network(run)
    data_set = DATASETS[run.settings.data.name]
    lesion_of = data_set.make_lesion_of(run.settings.data, run.settings.classifier.image_size)
    gallery.explain_sets(
        settings,
        held_out.read_test(run.workdir.split, inputs.data),
        gallery.Sources(
            inputs.synthetic,
            functools.partial(_nearest_fit, run),
            inputs.at_network_size,
            lesion_of,
            held_out.read_test_groups(run.workdir.split),
        ),
        RememberedPredictor(*load_network(run, network), settings.batch_size, answers),
        network,
        directory,
    )
    shutil.rmtree(answers, ignore_errors=True)


def _nearest_fit(run: Run, images: ImageSet) -> ImageSet:
    """The nearest `fit` image of each image, in their order."""
    fit, flips = run.inputs.parts.fit, run.settings.diffusion.flips
    return fit.subset(memorisation.nearest(images.images, fit.images, flips)[0])


def _unit(run: Run) -> tuple[str, ...]:
    """The network, and the synthetic images beside it where its path does not say how many."""
    arm = run.settings.explain.arm
    if not evaluate.is_evaluated(run, arm):
        return (f"{arm}: not evaluated",)
    network = explained_network(run)
    of_images = () if arm == best_cells.SYNTHETIC else generate.images_per_class(run)
    return (f"{network.path}/{network.fold}", *of_images)


def _expect(run: Run) -> float:
    """For the network that will be explained, or the first while that is not known."""
    known = base.is_finished(run, evaluate.STAGE) and evaluate.is_evaluated(
        run, run.settings.explain.arm
    )
    first = run.settings.classifier.backbones[0]
    backbone = explained_network(run).backbone if known else first
    evaluations = gallery.num_evaluations(
        run.settings.explain,
        len(run.inputs.class_names),
        run.inputs.planned_split.num_test,
        sum(run.inputs.synthetic_counts),
    )
    return evaluations * classify.timer(run, backbone).seconds_per_prediction()


STAGE = Stage(
    "explain",
    _run,
    fields=("explain.",),
    ignored=("explain.batch_size", "explain.arm"),
    inputs=(evaluate.STAGE,),
    units=_unit,
    expect=_expect,
)
