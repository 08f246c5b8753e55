"""The former place of `from_state_dict`, kept for imports that people have written."""

from synthmed_jax.classifiers.weights.torchvision import from_state_dict

__all__ = ["from_state_dict"]
