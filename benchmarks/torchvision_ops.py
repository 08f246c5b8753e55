"""Import before torchvision, or diffusers, which imports it: lets it load beside any torch.

Its own operators are built for one build of torch alone. The networks need none of them, but
importing torchvision asks for these two.
"""

from __future__ import annotations

import torch

LIBRARY = torch.library.Library("torchvision", "DEF")
LIBRARY.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
LIBRARY.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
