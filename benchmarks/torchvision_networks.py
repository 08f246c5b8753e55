"""torchvision's networks, and images in the form that they take."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks import torchvision_ops  # noqa: F401, isort: skip
import torchvision

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def make_network(
    backbone: str, num_classes: int, *, channels_last: bool
) -> tuple[torch.nn.Module, torch.memory_format]:
    """A network with random weights, and its layout."""
    torch.manual_seed(0)
    # Our GoogLeNet has no auxiliary heads.
    fields = {"aux_logits": False, "init_weights": True} if backbone == "googlenet" else {}
    network = torchvision.models.get_model(
        backbone, weights=None, num_classes=num_classes, **fields
    )
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return network.to(memory_format=layout), layout


def normalise(images: np.ndarray, layout: torch.memory_format) -> torch.Tensor:
    """u8[B,S,S,3] -> f32[B,3,S,S], normalised by ImageNet's mean and standard deviation."""
    x = torch.tensor(images).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
    return ((x - mean) / std).contiguous(memory_format=layout)
