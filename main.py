"""Real medical images in, a report on their synthetic stand-ins out.

python main.py --config=configs/phantom_ddpm.py:cpu --workdir=/tmp/demo
"""

import pathlib
import sys
from collections.abc import Sequence
from typing import NoReturn

from absl import app, flags, logging
from ml_collections import config_flags

from synthmed_jax import runner, stages
from synthmed_jax.errors import UserError

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "configs/<name>.py[:paper|cpu|smoke]; --config.<field>=<value> overrides."
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder for everything that the run writes.")
_STAGES = flags.DEFINE_list("stages", [], f"Only these, of {', '.join(stages.STAGES)}.")
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Only say how long the run will take here.")


def parse(argv: Sequence[str]) -> list[str]:
    """Parses the flags; a mistake ends the program with ml_collections' hint, not its traceback."""
    try:
        return flags.FLAGS(list(argv))
    except (AttributeError, KeyError) as error:
        cause = error.args[0].args[0] if isinstance(error.args[0], KeyError) else error.args[0]
        _fail(f"no config field {cause}")
    except flags.Error as error:
        # An error inside a config file arrives as a whole traceback; its last line says it.
        text = str(error).strip()
        _fail(text.splitlines()[-1].strip() if "Traceback" in text else text)


def _fail(message: object) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


def main(argv: Sequence[str]) -> None:
    """Runs the stages."""
    logging.set_verbosity(logging.WARNING)  # orbax tells every file that it opens
    try:
        if len(argv) > 1:
            raise UserError(f"unexpected argument {argv[1]!r}: options start with --")
        if _CONFIG.value is None or _WORKDIR.value is None:
            raise UserError("give --config=configs/<name>.py[:scale] and --workdir=<folder>")
        try:
            _CONFIG.value.lock()  # the file is read on first use
        except OSError as error:
            raise UserError(f"--config: {str(error).splitlines()[-1].strip()}") from error
        directory = pathlib.Path(_WORKDIR.value).expanduser()
        runner.run(_CONFIG.value, directory, _STAGES.value, dry_run=_DRY_RUN.value)
    except UserError as error:
        _fail(error)


if __name__ == "__main__":
    app.run(main, flags_parser=parse)
