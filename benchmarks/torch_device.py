"""Where PyTorch's side of a race computes, how precisely, and how many weights it has."""

from __future__ import annotations

import torch

from synthmed_jax import parallel


def set_up(device: str) -> None:
    """Makes `device` (cpu, cuda) the one of all tensors that are made from here on.

    Ends the race where PyTorch would leave cores unused.
    """
    threads, cores = torch.get_num_threads(), parallel.available_cores()
    if threads < cores:
        raise SystemExit(
            f"PyTorch has {threads} threads on a machine with {cores} cores, perhaps by "
            "OMP_NUM_THREADS: its rates would not count"
        )
    torch.set_default_device(device)
    # As XLA does it: on a GPU, convolutions and products of float32 in TF32, by measured kernels.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True


def count(network: torch.nn.Module) -> int:
    """Number of parameters."""
    return sum(p.numel() for p in network.parameters())
