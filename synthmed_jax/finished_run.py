"""What a run has made, for use in a notebook: its images, networks and generator.

    import synthmed_jax

    run = synthmed_jax.load("/runs/mine")
    run.fit.images, run.fit.labels, run.class_names  # also run.val, run.held_out, run.synthetic
    network = run.network()                          # or run.networks[<name>]
    network.predict(["new/a.png", "new/b.dcm"])      # f64[2,K], calibrated on val
    run.generator.draw("glioma", 4, seed=7)          # u8[4,S,S,C]
    network.explain("new/a.png").label_weights       # by LIME, a weight per region
    network.picture("new/a.png").savefig("why.png")

Nothing in the workdir is written. What a stage has not made is an error that names the stage.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from synthmed_jax import checks, kept_programs, parallel
from synthmed_jax.data import array_record_copy, held_out, manifest, unlabelled
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.settings import DEFAULT_CACHE
from synthmed_jax.diffusion.sampling import Draw
from synthmed_jax.errors import UserError
from synthmed_jax.explain import pictures
from synthmed_jax.explain.lime import Explanation
from synthmed_jax.files import read_json
from synthmed_jax.legible import chart_names
from synthmed_jax.remote import address
from synthmed_jax.remote import sync as remote
from synthmed_jax.results.evaluation import Evaluation
from synthmed_jax.settings import Settings, from_document
from synthmed_jax.stages import BLOCKS, base, diffusion, evaluate, generate, networks, split
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.networks import TrainedNetwork
from synthmed_jax.stages.run import Run, make_run
from synthmed_jax.workdir import Workdir

Path = str | os.PathLike[str]
# One image, or several: paths of files, or arrays u8[H,W] or u8[H,W,1 or 3] of any size. An array
# of three axes whose last is not 1 or 3 is several grey images.
Images = Path | np.ndarray | Sequence[Path] | Sequence[np.ndarray]

# Numbers of a class's images that belong to one seed; the run's own are the first ones of all.
IMAGES_PER_SEED = 1_000_000
_SEEDS = 2**31 // IMAGES_PER_SEED - 1


@dataclasses.dataclass(frozen=True, eq=False)
class FinishedRun:
    """A workdir, read-only; everything is read on first use."""

    run: Run

    @property
    def settings(self) -> Settings:
        """What the run was made with; `settings.fields` has every config field by its name."""
        return self.run.settings

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of the labels and of the columns of `predict`."""
        return self.run.inputs.class_names

    @property
    def fit(self) -> ImageSet:
        """The real images that the generator and the real arms have learned."""
        self._need(split.STAGE)
        return self.run.inputs.parts.fit

    @property
    def val(self) -> ImageSet:
        """The real images that choices were made on; may be empty."""
        self._need(split.STAGE)
        return self.run.inputs.parts.val

    @functools.cached_property
    def held_out(self) -> ImageSet:
        """The real images that networks were tested on: to look at, never to choose by.

        They are handed out once `evaluate` has tested the networks.
        """
        self._need(evaluate.STAGE)
        return held_out.read_test(self.run.workdir.split, self.run.inputs.data)

    @property
    def synthetic(self) -> ImageSet:
        """The synthetic images that the run uses."""
        self._need(generate.STAGE)
        return self.run.inputs.synthetic

    def write_array_record(self, folder: Path) -> pathlib.Path:
        """Writes the synthetic set as a TFDS data set of array_record files, without TensorFlow.

        Args:
          folder: that the data set's folder is made in.

        Returns:
          The data set's folder, which `tfds.builder_from_directory` opens. Its examples have
          "content" (a PNG), "file", "sha256" and "label".

        Raises:
          UserError: there is one already.
        """
        self._need(generate.STAGE)
        directory = self.run.workdir.synthetic
        rows = manifest.read_manifest(directory)
        return array_record_copy.write_copy(
            directory, rows, self.class_names, pathlib.Path(folder).expanduser()
        )

    @functools.cached_property
    def evaluation(self) -> Evaluation:
        """What every network scores on the held-out images: evaluate/metrics.json."""
        self._need(evaluate.STAGE)
        return Evaluation.read(self.run.workdir.evaluation)

    def network(self, arm: str = "synthetic") -> Network:
        """The best network of an arm by validation, as the report has it.

        Raises:
          UserError: no network of that arm was tested.
        """
        checks.one_of("arm", arm, dict.fromkeys(cell.arm for cell in self.evaluation.cells))
        return Network(networks.best_network(self.run, arm))

    @functools.cached_property
    def networks(self) -> Mapping[str, Network]:
        """Every tested network, by its folder below classify/."""
        self._need(evaluate.STAGE)
        return {name: Network(each) for name, each in networks.all_networks(self.run).items()}

    @functools.cached_property
    def generator(self) -> Generator:
        """Draws more images than the run has."""
        self._need(diffusion.STAGE)
        return Generator(self.run)

    def _need(self, stage: Stage) -> None:
        """Raises UserError unless a stage is finished, with the settings of config.json."""
        base.check_marker(self.run, stage)
        if not base.is_finished(self.run, stage):
            raise UserError(
                f"{self.run.workdir.root} has nothing of stage {stage.name!r}, or not all: give "
                f"the run's command again with --stages={stage.name}, or without --stages"
            )


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
    """A trained classifier that takes images as they come.

    Images go the way of the run's own: made square, resized to the generator's size and then to the
    network's, in the run's colours and black and white.
    """

    trained: TrainedNetwork

    @property
    def name(self) -> str:
        """Its folder below classify/: <network>/<arm>/<images>/<training>."""
        return self.trained.name

    @property
    def temperature(self) -> float | None:
        """That its probabilities are calibrated by; None: `val` images do not determine one."""
        return self.trained.temperature

    def prepare(self, images: Images) -> np.ndarray:
        """Returns the images as the run's own are: u8[N,S,S,C].

        Raises:
          UserError: a file can't be used, or an array has another type or shape.
        """
        return _prepare(self.trained.run, images)

    def predict(self, images: Images) -> np.ndarray:
        """Returns the probability of each class, f64[N,K]; errors as of `prepare`."""
        return self.trained.probabilities(self.prepare(images))

    def explain(self, image: Path | np.ndarray) -> Explanation:
        """Explains the answer to one image by LIME, as config.explain says.

        Raises:
          UserError: as of `prepare`, or there are several images.
        """
        prepared = self.prepare(image)
        if len(prepared) != 1:
            raise UserError(f"one image is explained at a time, and these are {len(prepared)}")
        (explanation,) = self.trained.explain(prepared)
        return explanation

    def picture(self, image: Path | np.ndarray) -> Figure:
        """Draws an explanation: the image, the weights of its regions, its strongest regions."""
        explanation = self.explain(image)
        names = chart_names(self.trained.run.inputs.class_names)
        probability = explanation.probabilities[explanation.label]
        title = f"{names.labels[explanation.label]} {probability:.0%} before calibration"
        with names.fonts():
            return pictures.draw_page("", [[pictures.Entry(explanation, title)]], ["predicted"])


@dataclasses.dataclass(frozen=True, eq=False)
class Generator:
    """The run's diffusion model with the run's sampler (config.generate)."""

    run: Run
    _draws: dict[int, Draw] = dataclasses.field(default_factory=dict)

    def draw(self, class_name: str, n: int, seed: int = 0) -> np.ndarray:
        """Draws images u8[n,S,S,C] of a class, none of which is in the run's synthetic set.

        The same arguments give the same images. Of two different n the first images are the same,
        but for what rounding may change where they are computed in blocks of other sizes.

        Args:
          n: 1 to IMAGES_PER_SEED.
          seed: 0 to 2145; others give other images.

        Raises:
          UserError: an argument is out of range, or there is no such class.
        """
        names, settings = self.run.inputs.class_names, self.run.settings.generate
        checks.one_of("class_name", class_name, names)
        checks.between("n", n, 1, IMAGES_PER_SEED + 1)
        checks.between("seed", seed, 0, _SEEDS)
        params, label_in_model, _ = self._generators[names.index(class_name)]
        block = min(settings.block, 1 << (n - 1).bit_length())  # few sizes: each is compiled
        if block not in self._draws:
            self._draws[block] = Draw(settings, self.run.compiled.model, block)
        first = (seed + 1) * IMAGES_PER_SEED
        index = np.arange(first, first + n, dtype=np.int32)
        return self._draws[block](params, np.full(n, label_in_model, np.int32), index)

    @functools.cached_property
    def _generators(self) -> dict[int, tuple[parallel.Tree, int, str]]:
        return diffusion.generator_of_label(self.run)


def load(workdir: Path, *, data_dir: Path = "", cache_dir: Path = "") -> FinishedRun:
    """Opens the workdir of a run.

    Args:
      workdir: its folder, or its address on remote storage, of which a copy is brought here.
      data_dir: where the real images are now; "": where they were.
      cache_dir: where prepared images and compiled programs are kept; "": where they were.

    Raises:
      UserError: it is no workdir, or its config can't be understood.
    """
    folder = Workdir(_brought_here(workdir, cache_dir))
    if not folder.config.is_file():
        raise UserError(f"{folder.root} is no workdir of a run: it has no {folder.config.name}")
    try:
        document = read_json(folder.config)
    except ValueError as error:
        raise UserError(
            f"{folder.config} is damaged ({error}): give the run's command again, which writes it"
        ) from error
    for field, value in (("dir", data_dir), ("cache_dir", cache_dir)):
        if value:
            document["data"][field] = os.fspath(value)
    settings = from_document(document, BLOCKS)
    with contextlib.suppress(RuntimeError):  # JAX is at work: its devices are what they are
        parallel.set_up_devices(settings.cpu_devices)
    kept_programs.keep(settings.data.cache / "xla")
    return FinishedRun(make_run(settings, folder.root))


def _brought_here(workdir: Path, cache_dir: Path) -> pathlib.Path:
    """The workdir's folder on this machine."""
    if not address.is_address(workdir):
        return pathlib.Path(workdir).expanduser()
    cache = pathlib.Path(cache_dir or DEFAULT_CACHE).expanduser()
    with remote.read(address.check(os.fspath(workdir), "workdir"), cache) as folder:
        return folder


def _prepare(run: Run, images: Images) -> np.ndarray:
    how = run.settings.data
    listed = _listed(images)
    arrays = [each for each in listed if isinstance(each, np.ndarray)]
    files = [os.fspath(each) for each in listed if not isinstance(each, np.ndarray)]
    if arrays and files:
        raise UserError("images are paths of files, or arrays, and these are some of both")
    read = unlabelled.read_files(pathlib.Path(), files, how, run.inputs.data.grey_scales)
    if read.left_out:
        first = read.left_out[0]
        raise UserError(f"{first.file} can't be used: {first.detail or first.reason}")
    if arrays:
        return np.stack([unlabelled.prepare_array(each, how) for each in arrays])
    return read.images


def _listed(images: Images) -> Sequence[Path | np.ndarray]:
    if isinstance(images, str | os.PathLike):
        return [images]
    if isinstance(images, np.ndarray):
        is_one = images.ndim < 3 or (images.ndim == 3 and images.shape[-1] in (1, 3))
        return [images] if is_one else list(images)
    return list(images)
