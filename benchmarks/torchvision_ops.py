"""Lets torchvision load beside any build of torch: import this before torchvision or diffusers.

torchvision's compiled operators fit one build of torch only. The networks need none of them, but
importing torchvision looks these two up.
"""

from __future__ import annotations

import torch

LIBRARY = torch.library.Library("torchvision", "DEF")
LIBRARY.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
LIBRARY.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
