"""Packages that only some formats need: looked for when the first file of such a format is met."""

import importlib
from types import ModuleType

from synthmed_jax.errors import UserError


def require(package: str, what: str) -> ModuleType:
    """Imports a package.

    Args:
      package: its name, "pydicom" or "nibabel.orientations".
      what: the file or field that needs it, for the message.

    Raises:
      UserError: it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise UserError(
            f"{what} needs the package {package.split('.')[0]}, which is not installed: "
            "pip install -r requirements-formats.txt"
        ) from error
