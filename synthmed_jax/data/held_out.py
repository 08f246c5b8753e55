"""The test part: what nothing that trains or chooses may read.

Only evaluation and explanation import this module (a test asserts it), and no other code reads
`test` back from a split.json.
"""

import json
from pathlib import Path

from synthmed_jax.data import split
from synthmed_jax.data.image_set import ImageSet


def read_test(path: Path, images: ImageSet) -> ImageSet:
    """Returns the test part of a split.json; arguments and errors as in `split.read_parts`."""
    return split.select(json.loads(path.read_text())["test"], images, path)
