"""The weights that a network starts from: torchvision's published ones, or those of a file."""

from __future__ import annotations

import http.client
import pathlib
import shutil
import urllib.request
from collections.abc import Mapping
from typing import NamedTuple

from synthmed_jax.classifiers.networks import BACKBONES
from synthmed_jax.classifiers.networks.backbone import Backbone, Variables
from synthmed_jax.classifiers.settings import IMAGENET, RANDOM
from synthmed_jax.classifiers.weights import torchvision
from synthmed_jax.classifiers.weights.weights_file import read_state_dict
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256_of

SOURCE = "https://download.pytorch.org/models/"
TIMEOUT = 60  # seconds without a byte


class Pretrained(NamedTuple):
    """Where training starts.

    Attributes:
      variables: the file's weights; without those of the head where "head" is "random".
      facts: "weights" (name of the file), "sha256" (hexadecimal, of the file), and "head": "kept"
        (the file's) or "random".
    """

    variables: Variables
    facts: dict[str, str]


def load(
    weights: str, backbone: str, num_classes: int, cache_dir: pathlib.Path, *, small_images: bool
) -> Pretrained:
    """Reads a network's weights.

    Args:
      weights: path of a file with a state dict; or IMAGENET: torchvision's published weights,
        fetched once into `cache_dir`.
      backbone: a key of `networks.BACKBONES`.
      num_classes: of the network. The head of a file is used if it is for as many classes;
        ImageNet's never is.
      cache_dir: where published weights are kept between runs.
      small_images: as the network's.

    Raises:
      UserError: the file can't be fetched or read, is another than the published one, or does not
        fit the network.
    """
    published = weights == IMAGENET
    path = published_file(backbone, cache_dir) if published else pathlib.Path(weights).expanduser()
    state_dict = read_state_dict(path)
    keep = not published and torchvision.count_classes(backbone, state_dict) == num_classes
    variables = torchvision.from_state_dict(
        backbone, state_dict, num_classes if keep else None, small_images=small_images
    )
    facts = {"weights": path.name, "sha256": sha256_of(path), "head": "kept" if keep else RANDOM}
    return Pretrained(variables, facts)


def transforms_input(backbone: Backbone, choice: str, facts: Mapping[str, str]) -> bool:
    """Whether a network takes images to mean 0.5 and deviation 0.5 (`Backbone.transforms_input`).

    "auto" is yes for torchvision's published weights, which were trained so. Another file does not
    say how its weights were trained, and counts as trained by ImageNet's mean and deviation.

    Args:
      choice: one of TRANSFORMS.
      facts: of the weights that it starts from (see `Pretrained`); empty: random ones.
    """
    if choice != "auto":
        return choice == "yes"
    return facts.get("sha256", "").startswith(backbone.published_sha256)


def published_file(backbone: str, cache_dir: pathlib.Path, source: str = SOURCE) -> pathlib.Path:
    """Path of torchvision's published weights, which are fetched if they are missing.

    Args:
      backbone: a key of `networks.BACKBONES`.
      cache_dir: they are in its folder weights/.
      source: the address that they are fetched from, up to the file's name.

    Raises:
      UserError: they can't be fetched, or the file's sha256 does not begin as its name says.
    """
    record = BACKBONES[backbone]
    name, wanted = record.published, record.published_sha256
    path = cache_dir / "weights" / name
    if path.exists():
        _check_hash(path, wanted)
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    print(f"fetching {source}{name}", flush=True)
    try:
        with (
            urllib.request.urlopen(source + name, timeout=TIMEOUT) as answer,
            part.open("wb") as file,
        ):
            shutil.copyfileobj(answer, file)
    except (OSError, http.client.HTTPException) as error:
        files = [other.published for other in BACKBONES.values()]
        lacking = [name for name in files if not (path.parent / name).exists()]
        raise UserError(
            f"{source}{name} can't be fetched ({error}). Fetch it on a machine that has access "
            f"and put it at {path}, or set config.classifier.weights={RANDOM}. Of all networks' "
            f"files, that folder lacks {', '.join(lacking)}"
        ) from error
    _check_hash(part, wanted)
    part.rename(path)
    return path


def _check_hash(path: pathlib.Path, wanted: str) -> None:
    digest = sha256_of(path)
    if not digest.startswith(wanted):
        raise UserError(
            f"{path} is damaged: its sha256 begins with {digest[: len(wanted)]}, not {wanted}. "
            "Delete it and start again: it is then fetched anew"
        )
