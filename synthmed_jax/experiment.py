"""One run: its settings, its folder, and what stages load from there on demand."""

from __future__ import annotations

import dataclasses
import functools
import math
import pathlib
from collections.abc import Callable

import numpy as np

from synthmed_jax import settings as settings_module
from synthmed_jax import verdicts
from synthmed_jax.classifiers import feature_net, inputs
from synthmed_jax.classifiers.programs import Programs, make_network, make_programs
from synthmed_jax.classifiers.weights import pretrained
from synthmed_jax.data import loading, split, synthetic, warp
from synthmed_jax.data.sets import phantom
from synthmed_jax.diffusion import conditioning, model, sampling, schedule, unet
from synthmed_jax.diffusion.step import Step, make_step
from synthmed_jax.evaluation import memorisation
from synthmed_jax.results.cells import Cell
from synthmed_jax.results.evaluation import BestNetwork, Evaluation


@dataclasses.dataclass(frozen=True)
class Run:
    """What every stage gets: the settings, the folder, and what is loaded from it on demand."""

    settings: settings_module.Settings
    workdir: pathlib.Path

    @functools.cached_property
    def data(self) -> loading.LoadedData:
        """The whole real data set."""
        return loading.load_images(self.settings.data)

    @property
    def split_path(self) -> pathlib.Path:
        return self.workdir / "split" / "split.json"

    @functools.cached_property
    def parts(self) -> split.Parts:
        """`fit` and `val`."""
        return split.read_parts(self.split_path, self.data.images)

    @functools.cached_property
    def planned_split(self) -> split.Split:
        """The split as the settings want it, known before it has been written."""
        found = self.data.images
        return split.split_indices(
            found.labels, found.class_names, found.files, self.settings.split
        )

    @property
    def part_sizes(self) -> tuple[int, int]:
        """Numbers of `fit` and `val` images."""
        return len(self.planned_split.fit), len(self.planned_split.val)

    @functools.cached_property
    def synthetic(self) -> loading.ImageSet:
        """The synthetic set, `per_class` images a class."""
        names = self.data.images.class_names
        return synthetic.load_synthetic(
            self.workdir / "synthetic",
            names,
            self.settings.per_class,
            channels=self.settings.data.channels,
        )

    @functools.cached_property
    def model(self) -> model.Model:
        """The diffusion model, without weights."""
        s = self.settings
        names = self.data.images.class_names
        network = unet.UNet(
            s.unet,
            conditioning.num_labels(s.conditioning, names),
            warp.NUMBERS if s.augmentation.warp else 0,
        )
        steps = schedule.make_schedule(
            s.schedule, s.num_steps, zero_terminal_snr=s.zero_terminal_snr
        )
        return model.Model(network, steps, s.prediction, self.data.images.images.shape[1:])

    @functools.cached_property
    def portions(self) -> list[conditioning.Portion]:
        """What each diffusion model learns."""
        return conditioning.portions(self.settings.conditioning, self.parts.fit, self.parts.val)

    @functools.cached_property
    def diffusion_step(self) -> Step:
        """The compiled training step, made once a run."""
        return make_step(self.settings.train, self.model)

    @functools.cached_property
    def draw(self) -> sampling.Draw:
        """The compiled sampler, made once a run."""
        return sampling.Draw(self.settings.sample, self.model, self.settings.block)

    def diffusion_folder(self, portion: conditioning.Portion) -> pathlib.Path:
        """Where one model of the diffusion stage lives."""
        return self.workdir / "diffusion" / portion.folder

    @property
    def generator_folders(self) -> list[pathlib.Path]:
        """Folder of every model of the diffusion stage, known before the split is."""
        names = conditioning.folders(self.settings.conditioning, self.data.images.class_names)
        return [self.workdir / "diffusion" / name for name in names]

    @property
    def searched(self) -> str:
        """What a search is about: diffusion, or classifier/ and the network that it trains."""
        target = self.settings.tune.target
        return f"{target}/{self.settings.backbones[0]}" if target == "classifier" else target

    @property
    def search_folder(self) -> pathlib.Path:
        return self.workdir / "tune" / self.searched

    @functools.cached_property
    def weights_hash(self) -> str | None:
        """sha256 of the file that classifiers start from, where it is the user's own."""
        weights = self.settings.classifier.weights
        if weights in (pretrained.RANDOM, pretrained.IMAGENET):
            return None
        return pretrained.sha256(pathlib.Path(weights).expanduser())

    @functools.cached_property
    def timings(self) -> dict[str, float]:
        """Seconds that were measured once and are used again, by what was timed."""
        return {}

    @functools.cached_property
    def programs(self) -> dict[str, Programs]:
        """Compiled programs by backbone, filled by `programs_of`."""
        return {}

    @functools.cached_property
    def feature_programs(self) -> Programs:
        """The compiled programs of the network whose features sets of images are compared in."""
        network = feature_net.FeatureNet(len(self.data.images.class_names))
        return make_programs(network, self.settings.classifier)

    def programs_of(self, backbone: str) -> Programs:
        """The compiled programs of one network, made once a run."""
        if backbone not in self.programs:
            settings, num_classes = self.settings.classifier, len(self.data.images.class_names)
            start = None
            if settings.weights != pretrained.RANDOM:
                start = pretrained.load(
                    settings.weights,
                    backbone,
                    num_classes,
                    self.settings.data.cache,
                    small_images=settings.small_images,
                )
            network = make_network(backbone, num_classes, settings, start)
            self.programs[backbone] = make_programs(network, settings, start)
        return self.programs[backbone]

    def resize(self, image_set: loading.ImageSet) -> loading.ImageSet:
        """To the size that the classifiers see."""
        return inputs.resize(image_set, self.settings.classifier.image_size)

    def nearest_fit(self, queries: loading.ImageSet) -> loading.ImageSet:
        """The nearest `fit` image of each image, in their order."""
        fit, flips = self.parts.fit, self.settings.augmentation.flips
        return fit.subset(memorisation.nearest(queries.images, fit.images, flips)[0])

    @property
    def explained(self) -> BestNetwork:
        """Which network is explained (see `verdicts.best_network`), where `evaluate` is done."""
        evaluation = Evaluation.read(self.workdir / "evaluate" / "metrics.json")
        return verdicts.best_network(evaluation.cells, self.settings.explain_arm)

    @property
    def lesion_of(self) -> Callable[[str], np.ndarray] | None:
        """Where a real image's lesion is, at the size that the classifiers see; None: not known."""
        if self.settings.data.name != "phantom":
            return None
        seed, size = self.settings.data.phantom_seed, self.settings.classifier.image_size
        return functools.partial(phantom.lesion_of, seed=seed, size=size)

    @property
    def cells(self) -> list[Cell]:
        """What is trained: every backbone on every arm."""
        seed = self.settings.classifier.seed
        sizes = {"synthetic": (self.settings.per_class, math.inf), "real": (None, 0.0)}
        return [
            Cell(backbone, arm, *sizes[arm], seed)
            for backbone in self.settings.backbones
            for arm in self.settings.arms
        ]
