"""What a stage is given: its settings, the workdir's paths, what is loaded, what is compiled."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from collections.abc import Callable

from synthmed_jax import arms
from synthmed_jax.audit import copy_search
from synthmed_jax.classifiers import feature_net, inputs
from synthmed_jax.classifiers.programs import Programs, make_network, make_programs
from synthmed_jax.classifiers.weights import pretrained
from synthmed_jax.data import external, held_out, synthetic, warp
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.diffusion import conditioning, model, sampling, unet
from synthmed_jax.diffusion.step import Step, make_step
from synthmed_jax.files import sha256_of
from synthmed_jax.settings import Settings
from synthmed_jax.workdir import Workdir


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What is loaded from the data set and the workdir, each on first use.

    The test images are no part of it: see data/held_out.py.
    """

    settings: Settings
    workdir: Workdir

    @functools.cached_property
    def data(self) -> held_out.DataSet:
        """The real data set, closed."""
        return held_out.open_data_set(self.settings.data)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of the data set, in the order of the labels."""
        return self.data.class_names

    @functools.cached_property
    def planned_split(self) -> held_out.PlannedSplit:
        """The split as the settings want it, known before it has been written."""
        return held_out.plan_split(self.data, self.settings.split)

    @functools.cached_property
    def parts(self) -> held_out.Parts:
        """`fit` and `val`, as split.json has them."""
        return held_out.read_parts(self.workdir.split, self.data)

    @property
    def synthetic_counts(self) -> tuple[int, ...]:
        """Synthetic images of each class; raises UserError where the settings name no class.

        By the planned split, so that a split.json that is gone or damaged stands in no one's way
        before the stage that mends it.
        """
        generate, taken = self.settings.generate, 0
        if generate.enough_for_arms:
            fit = self.planned_split.parts.fit
            taken = arms.most_taken(self.settings.classifier.arms, fit)
        return generate.by_class(self.class_names, taken)

    @functools.cached_property
    def synthetic(self) -> ImageSet:
        """The synthetic set, of each class as many images as are wanted."""
        return synthetic.load_synthetic(
            self.workdir.synthetic,
            self.class_names,
            self.synthetic_counts,
            channels=self.settings.data.channels,
        )

    @functools.cached_property
    def filtered(self) -> ImageSet:
        """The synthetic images that a filter leaves, of each class as many as there were."""
        return synthetic.load_used(
            self.workdir.filtered,
            self.class_names,
            self.synthetic_counts,
            channels=self.settings.data.channels,
        )

    @functools.cached_property
    def portions(self) -> list[conditioning.Portion]:
        """What each diffusion model learns."""
        how = self.settings.diffusion.conditioning
        return conditioning.portions(how, self.parts.fit, self.parts.val)

    @property
    def generator_folders(self) -> list[pathlib.Path]:
        """Folder of every diffusion model, known before the split is written."""
        how = self.settings.diffusion.conditioning
        return [self.workdir.diffusion / n for n in conditioning.folders(how, self.class_names)]

    @property
    def planned_materials(self) -> arms.Materials:
        """What training sets will be made of, known before the split is written."""
        return self._materials(self.planned_split.parts)

    @property
    def materials(self) -> arms.Materials:
        """What training sets are made of."""
        return self._materials(self.parts)

    def _materials(self, parts: held_out.Parts) -> arms.Materials:
        return arms.Materials(
            parts,
            self.synthetic_counts,
            lambda: self.synthetic,
            self.settings.classifier.seed,
            lambda: self.filtered,
        )

    @functools.cached_property
    def external_tree(self) -> external.ExternalTree | None:
        """Other real images that networks are tested on; None where there are none."""
        evaluate = self.settings.evaluate
        if not evaluate.external_dir:
            return None
        return external.open_tree(
            evaluate.external_dir, evaluate.external_classes, self.settings.data, self.data
        )

    @functools.cached_property
    def weights_sha256(self) -> str | None:
        """Of the file that classifiers start from, where it is the user's own."""
        return _sha256_of_own(self.settings.classifier.weights)

    @functools.cached_property
    def audit_weights_sha256(self) -> str | None:
        """Of the file with the network that `audit` looks through, where it is the user's own."""
        return _sha256_of_own(self.settings.audit.weights)

    def at_network_size(self, images: ImageSet) -> ImageSet:
        """Images at the size that the classifiers see."""
        return inputs.resize(images, self.settings.classifier.image_size)


def _sha256_of_own(weights: str) -> str | None:
    """Of a file of weights; None where the setting names no file."""
    if weights in ("", pretrained.RANDOM, pretrained.IMAGENET):
        return None
    return sha256_of(pathlib.Path(weights).expanduser())


@dataclasses.dataclass(frozen=True)
class Compiled:
    """What is compiled, each once per run, and the times that were measured with it.

    Attributes:
      timings: what was timed -> seconds.
    """

    settings: Settings
    inputs: Inputs
    timings: dict[str, float] = dataclasses.field(default_factory=dict)
    _programs: dict[str, Programs] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def model(self) -> model.Model:
        """The diffusion model, without weights."""
        s = self.settings.diffusion
        network = unet.UNet(
            s.unet,
            conditioning.num_labels(s.conditioning, self.inputs.class_names),
            warp.NUMBERS if s.warp else 0,
        )
        return model.Model(network, s.schedule, s.prediction, self.inputs.data.image_shape)

    @functools.cached_property
    def diffusion_step(self) -> Step:
        """The training step of the diffusion model."""
        return make_step(self.settings.diffusion.train, self.model)

    @functools.cached_property
    def draw(self) -> sampling.Draw:
        """The sampler."""
        generate = self.settings.generate
        return sampling.Draw(generate, self.model, generate.block)

    @functools.cached_property
    def copy_search(self) -> copy_search.Calibrated | str:
        """The search for copies of `fit` images, or why there can be none."""
        settings = self.settings
        return copy_search.prepare(
            self.inputs.parts.fit, settings.diffusion.flips, settings.audit.seed
        )

    def programs_of(self, backbone: str) -> Programs:
        """Training step and prediction of one classifier."""
        if backbone not in self._programs:
            s, num_classes = self.settings.classifier, len(self.inputs.class_names)
            start = None
            if s.weights != pretrained.RANDOM:
                start = pretrained.load(
                    s.weights,
                    backbone,
                    num_classes,
                    self.settings.data.cache,
                    small_images=s.small_images,
                )
            network = make_network(backbone, num_classes, s, start)
            self._programs[backbone] = make_programs(network, s, start)
        return self._programs[backbone]

    @functools.cached_property
    def feature_programs(self) -> Programs:
        """The same of the network whose features sets of images are compared in."""
        network = feature_net.FeatureNet(len(self.inputs.class_names))
        return make_programs(network, feature_net.training(self.settings.data.image_size))


@dataclasses.dataclass(frozen=True)
class Run:
    """What every stage is given: small things and the settings that they follow from.

    Attributes:
      bring_up_to_date: where hosts work in copies of the workdir: pushes what the leader has
        written, or brings it into a follower's copy. None: all work in one folder.
    """

    settings: Settings
    workdir: Workdir
    inputs: Inputs
    compiled: Compiled
    bring_up_to_date: Callable[[], None] | None = None

    def events(self, folder: pathlib.Path) -> pathlib.Path | None:
        """Where the event files of trainings in a folder go; None where none are wanted."""
        if not self.settings.tensorboard:
            return None
        return self.workdir.tensorboard / folder.relative_to(self.workdir.root)


def make_run(
    settings: Settings,
    directory: pathlib.Path,
    bring_up_to_date: Callable[[], None] | None = None,
) -> Run:
    """Returns the run of some settings in a workdir; nothing is read or compiled yet."""
    workdir = Workdir(directory)
    inputs = Inputs(settings, workdir)
    return Run(settings, workdir, inputs, Compiled(settings, inputs), bring_up_to_date)
