"""What the server of processes imports: everything that a run needs, so that no fork waits."""

import skimage.segmentation  # noqa: F401  scikit-image imports on first use
from matplotlib import figure  # noqa: F401
from orbax.checkpoint import v1  # noqa: F401

from synthmed_jax import cli  # noqa: F401
from tests.reliability import small  # noqa: F401
