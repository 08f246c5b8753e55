"""Where PyTorch's side of a race computes, and how precisely."""

from __future__ import annotations

import torch

from synthmed_jax import parallel


def set_up(device: str) -> None:
    """Makes `device` (cpu, cuda) the one of all tensors that are made from here on."""
    torch.set_default_device(device)
    # As XLA does it: on a GPU, convolutions and products of float32 in TF32, by measured kernels.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True


def check_threads() -> dict[str, int]:
    """Returns with how many threads PyTorch ended a race; ends it if cores were left unused.

    Another library of the same process may have changed the number, and PyTorch is slower then.
    """
    threads = torch.get_num_threads()
    if threads < parallel.available_cores():
        raise SystemExit(
            f"PyTorch had {threads} threads at the end of this race, on a machine with "
            f"{parallel.available_cores()} cores: its rates do not count"
        )
    return {"torch_threads": threads}
