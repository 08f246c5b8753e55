"""Which images of a stack are used: of a volume's slices, of a film's frames, of a file's pages."""

from collections.abc import Sequence

from synthmed_jax.errors import UserError

_EVERY = "every"


def check(slices: str) -> None:
    """Raises UserError unless config.data.slices has one of the forms that `choose` knows."""
    if slices in ("", "first", "middle", "all"):
        return
    word, *numbers = slices.split(":")
    whole = all(number.isascii() and number.isdecimal() for number in numbers)
    right = word == _EVERY and len(numbers) in (1, 2) and whole
    if not right or int(numbers[0]) < 1 or int(numbers[-1] if len(numbers) == 2 else 0) > 2:
        raise UserError(
            f'config.data.slices={slices!r} must be "", first, middle, all, every:K with K at '
            "least 1 (every:5 is each fifth image), or every:K:AXIS with AXIS 0, 1 or 2"
        )


def axis_of(slices: str) -> int | None:
    """Returns AXIS of "every:K:AXIS"; None, that is the format's usual axis, where it has none."""
    parts = slices.split(":")
    return int(parts[2]) if len(parts) == 3 else None


def choose(num_frames: int, slices: str) -> Sequence[int]:
    """Returns the indices of the images of a stack that are used, in order.

    A file may claim to hold any number: of many, no list is made.

    "first"; "middle" (index num_frames // 2); "all"; "every:K", which starts at K // 2 and not at
    0, because the ends of a volume often lie outside the organ, and which takes the middle one of a
    stack that ends before K // 2. A file of one image gives that one, whatever `slices` is.

    Raises:
      ValueError: there are several images and `slices` is "", which refuses stacks.
    """
    if num_frames == 1 or slices == "first":
        return [0]
    if slices == "middle":
        return [num_frames // 2]
    if slices == "all":
        return range(num_frames)
    if not slices:
        raise ValueError(f"a stack of {num_frames} images, and no word of which are used")
    step = int(slices.split(":")[1])
    return range(step // 2, num_frames, step) or [num_frames // 2]
