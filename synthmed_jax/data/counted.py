"""Numbers of things, as messages say them."""


def counted(number: int, thing: str) -> str:
    """Returns "1 image", "2 images"."""
    return f"{number} {thing}" + ("" if number == 1 else "s")
