"""Makes `gradients.npz`: gradients and batch statistics of whole networks by torchvision, float64.

Run with requirements-bench.txt installed: python tests/classifiers/golden/make_gradients.py. One
step in training mode without dropout, of the mean cross-entropy of eight images of 64 pixels, whose
labels are 0, 100, ..., 700. Of each parameter's gradient, and of each running mean and variance
after the step, two numbers are kept under "<network>/<name>": its norm, and its product with
`named_weights.direction`.
"""

import pathlib

import numpy as np
import torch
import torchvision
from named_weights import direction, images, named_weight

NETWORKS = ("resnet18", "alexnet")


def measured(name: str, values: torch.Tensor) -> np.ndarray:
    array = values.detach().numpy()
    return np.array([np.linalg.norm(array), np.sum(array * direction(name, array.shape))])


def step(network: str) -> dict[str, np.ndarray]:
    module = torchvision.models.get_model(network, weights=None).double()
    shapes = {name: tuple(values.shape) for name, values in module.state_dict().items()}
    module.load_state_dict(
        {name: torch.from_numpy(named_weight(name, shape)) for name, shape in shapes.items()}
    )
    for layer in module.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.0
    logits = module.train()(torch.from_numpy(images(64, 8)))
    torch.nn.functional.cross_entropy(logits, torch.arange(0, 800, 100)).backward()
    found = {name: measured(name, p.grad) for name, p in module.named_parameters()}
    statistics = {n: v for n, v in module.named_buffers() if not n.endswith("tracked")}
    return found | {name: measured(name, values) for name, values in statistics.items()}


if __name__ == "__main__":
    golden = {
        f"{network}/{name}": values
        for network in NETWORKS
        for name, values in step(network).items()
    }
    np.savez_compressed(pathlib.Path(__file__).parent / "gradients.npz", **golden)
