"""The former place of `from_state_dict`, for scripts that still import it from here."""

from synthmed_jax.classifiers.weights.torchvision import from_state_dict

__all__ = ["from_state_dict"]
