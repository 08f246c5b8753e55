"""Numbers of images by class, as config fields have them: "glioma=325,meningioma=330"."""

from collections.abc import Sequence

from synthmed_jax.data.settings import names
from synthmed_jax.errors import UserError


def parse(field: str, text: str, class_names: Sequence[str]) -> dict[str, int]:
    """Reads the numbers of the classes that a field names.

    Args:
      field: its name, for errors.
      text: its value; "" names no class. An item with a comma is in quotes, as in CSV.
      class_names: all classes of the data set.

    Returns:
      Class -> number, at least 1; classes that the text does not name are not in it.

    Raises:
      UserError: a class is unknown or named twice, or what follows it is no such number.
    """
    counts: dict[str, int] = {}
    for item in names(text):
        pair = item.rpartition("=") if "=" in item else (item, "", "")
        name, _, number = (part.strip() for part in pair)
        if name not in class_names:
            raise UserError(
                f"{field} names class {name!r}; classes are {', '.join(class_names)} "
                '(write "name=number,name=number")'
            )
        if name in counts:
            raise UserError(f"{field} names class {name!r} twice: leave one number")
        if not number.isdecimal() or int(number) < 1:
            raise UserError(f"{field}: {item!r} needs a whole number of at least 1")
        counts[name] = int(number)
    return counts
