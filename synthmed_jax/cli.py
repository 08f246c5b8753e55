"""The command line: `python main.py` in a checkout, `synthmed` where the package is installed."""

from __future__ import annotations

import functools
import importlib.util
import os
import pathlib
import sys
import types
from collections.abc import Sequence
from typing import NoReturn

from absl import app, flags, logging
from ml_collections import ConfigDict, config_flags

from synthmed_jax import field_history, hosts, runner, shard, stopping
from synthmed_jax.cost.chips import CHIPS
from synthmed_jax.cost.chips import parse as parse_target
from synthmed_jax.errors import UserError
from synthmed_jax.printable import printable
from synthmed_jax.remote import address
from synthmed_jax.remote.sync import Sync
from synthmed_jax.stages import STAGES
from synthmed_jax.terminal import live, streams
from synthmed_jax.terminal.screen import Plain, Screen

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "configs/<name>.py[:paper|cpu|smoke]; --config.<field>=<value> overrides."
)
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder for everything that the run writes; also s3://, gs:// (BUILD.md)."
)
_STAGES = flags.DEFINE_list(
    "stages", [], f"Only these, of {', '.join(stage.name for stage in STAGES)}."
)
_FROM = flags.DEFINE_string(
    "from", None, "Another workdir: its finished stages are taken over where settings agree."
)
_DRY_RUN = flags.DEFINE_bool(
    "dry_run", False, "Only say what time and disk space the run will take."
)
_TARGET = flags.DEFINE_string(
    "target",
    None,
    f"With --dry_run: on these devices, which need not be here: {', '.join(CHIPS)}; a100:8 are "
    "eight.",
)
_CHECK_DATA = flags.DEFINE_bool(
    "check_data", False, "Only say what was found in data.dir; draws contact sheets of the classes."
)
_SHARD = flags.DEFINE_string(
    "shard",
    None,
    "i/n: with --stages=classify, only the i-th of n parts of its trainings; or slurm.",
)
_PUSH_MINUTES = flags.DEFINE_float(
    "push_minutes", Sync.push_minutes, "Minutes between two pushes to a remote workdir at most."
)
_TAKE_OVER = flags.DEFINE_bool(
    "take_over", False, "Takes a remote workdir from a run on another machine, which is dead."
)
_DISTRIBUTED = flags.DEFINE_bool(
    "distributed",
    False,
    "This process is one of several that work on the run, as the cluster says.",
)
_COORDINATOR = flags.DEFINE_string(
    "coordinator", None, "Where no cluster says it: <address of process 0>:<free port>."
)
_NUM_PROCESSES = flags.DEFINE_integer("num_processes", None, "How many processes there are.")
_PROCESS_ID = flags.DEFINE_integer("process_id", None, "Which one this is, from 0.")
_OF_CLUSTER = (_COORDINATOR, _NUM_PROCESSES, _PROCESS_ID)
# Flag -> what to do where it is given and empty.
_NOT_EMPTY = {
    _WORKDIR.name: "name a folder",
    _TARGET.name: f"name one of {', '.join(CHIPS)}",
    _STAGES.name: "name stages, or leave the flag away, and all are run",
    _SHARD.name: "give i/n",
}


def run() -> NoReturn:
    """Runs the program on sys.argv and ends it.

    The status is 2 after a mistake of the user's, 130 after Ctrl-C and 143 after SIGTERM.
    """
    flags.FLAGS[_CONFIG.name].parser = _ConfigParser(flags.FLAGS[_CONFIG.name].parser)
    # --help shows the flags of the main module.
    own = (
        *(_CONFIG, _WORKDIR, _STAGES, _FROM, _DRY_RUN, _TARGET, _CHECK_DATA, _SHARD),
        *(_PUSH_MINUTES, _TAKE_OVER, _DISTRIBUTED, *_OF_CLUSTER),
    )
    for flag in own:
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[flag.name])
    _take_former_names()
    out, err = streams.install(os.environ)
    # It would go on to write to the stream that it found when it was loaded.
    logging.get_absl_handler().python_handler.stream = err
    with stopping.told():
        app.run(functools.partial(main, screen=_screen(out, err)), flags_parser=parse)


def _screen(out: streams.Stream, err: streams.Stream) -> Screen:
    """A table where both streams are on a terminal that can draw one, else plain lines."""
    if not streams.is_live(out, err, os.environ):
        return Plain()
    return live.LiveTable(out, err, colours=not os.environ.get("NO_COLOR"))


def _take_former_names() -> None:
    """Renames fields on the command line; ml_collections looks them up in sys.argv."""
    sys.argv, messages = field_history.rename_arguments(sys.argv)
    for message in messages:
        print(message, flush=True)


def parse(argv: Sequence[str]) -> list[str]:
    """Parses the flags; a mistake ends the program with ml_collections' hint, not its traceback."""
    try:
        return flags.FLAGS(list(argv))
    except (AttributeError, KeyError) as error:
        cause = error.args[0].args[0] if isinstance(error.args[0], KeyError) else error.args[0]
        _fail(f"no config field {cause}")
    except SyntaxError as error:
        _fail(f"--config: {error.filename}, line {error.lineno}: {error.msg}")
    except flags.Error as error:
        # An error inside a config file arrives as a whole traceback; its last line says it.
        text = str(error).strip()
        _fail(text.splitlines()[-1].strip() if "Traceback" in text else text)


def main(argv: Sequence[str], *, screen: Screen) -> None:
    """Runs the stages.

    Args:
      argv: what is left of the command line: its first word alone.
      screen: where a person looks.
    """
    logging.set_verbosity(logging.WARNING)  # orbax tells every file that it opens
    try:
        encoding = sys.getfilesystemencoding()
        if encoding != "utf-8":
            raise UserError(f"names of files are read as {encoding} here: set PYTHONUTF8=1")
        if len(argv) > 1:
            raise UserError(f"unexpected argument {argv[1]!r}: options start with --")
        if _CONFIG.value is None or _WORKDIR.value is None:
            raise UserError("give --config=configs/<name>.py[:scale] and --workdir=<folder>")
        for name, advice in _NOT_EMPTY.items():
            # `--workdir=$OUT` where OUT is not set would write here, `--stages=$S` run everything.
            if flags.FLAGS[name].present and not flags.FLAGS[name].value:
                raise UserError(f"--{name}= is empty (a variable that is not set?): {advice}")
        try:
            _CONFIG.value.lock()  # the file is read on first use
        except OSError as error:
            raise UserError(f"--config: {str(error).splitlines()[-1].strip()}") from error
        directory: str | pathlib.Path = _WORKDIR.value
        if not address.is_address(directory):
            directory = pathlib.Path(directory).expanduser()
        with hosts.joined(_cluster(), stopping.asked):
            runner.run(
                _CONFIG.value,
                directory,
                _STAGES.value,
                dry_run=_DRY_RUN.value,
                check_data=_CHECK_DATA.value,
                source=_FROM.value or None,
                shard=None if _SHARD.value is None else shard.parse(_SHARD.value, os.environ),
                screen=screen,
                target=parse_target(_TARGET.value) if _TARGET.value else None,
                sync=Sync(_PUSH_MINUTES.value, _TAKE_OVER.value),
            )
    except UserError as error:
        _fail(error)


def _cluster() -> hosts.Cluster | None:
    """The processes that work on the run together; None: this one alone."""
    given = [flag for flag in _OF_CLUSTER if flags.FLAGS[flag.name].present]
    if not given and not _DISTRIBUTED.value:
        return None
    if _SHARD.value is not None or _TARGET.value:
        raise UserError(
            "--shard and --target are for a process that works alone: leave away --distributed, "
            "--coordinator, --num_processes and --process_id"
        )
    return hosts.Cluster(_COORDINATOR.value, _NUM_PROCESSES.value, _PROCESS_ID.value)


def shipped_configs() -> pathlib.Path | None:
    """The folder of the config files in an installed package; None in a checkout."""
    spec = importlib.util.find_spec("synthmed_jax.configs")
    if spec is None or not spec.submodule_search_locations:
        return None
    return pathlib.Path(spec.submodule_search_locations[0])


def find_config(file: pathlib.Path, shipped: pathlib.Path) -> pathlib.Path:
    """The given file; or the shipped one, if configs/<name> is given and there is no such file.

    Args:
      file: what --config names, without the scale.
      shipped: the folder of the shipped config files.
    """
    substitute = shipped / file.name
    if file.exists() or file.parent != pathlib.Path("configs") or not substitute.is_file():
        return file
    return substitute


def make_configs_importable(file: pathlib.Path, shipped: pathlib.Path) -> None:
    """Makes `from configs import base` work in a config file, wherever the file lies.

    The names are looked up among the file's neighbours, if their folder is called configs as in a
    checkout, then among the shipped config files. sys.path stays as it is: a folder on it would
    also be searched by every other import of the process.

    Args:
      file: the config file that is about to be loaded.
      shipped: the folder of the shipped config files.
    """
    folder = file.absolute().parent
    neighbours = [str(folder)] if folder.name == "configs" else []
    package = types.ModuleType("configs")
    package.__path__ = [*neighbours, str(shipped)]
    sys.modules["configs"] = package


class _ConfigParser(flags.ArgumentParser[ConfigDict]):
    """ml_collections' parser of --config, which in an installed package also finds its configs."""

    def __init__(self, parser: flags.ArgumentParser[ConfigDict]) -> None:
        self.parser = parser

    def parse(self, argument: str) -> ConfigDict | None:
        shipped = shipped_configs()
        if shipped is not None:
            name, colon, scale = argument.partition(":")
            file = find_config(pathlib.Path(name), shipped)
            make_configs_importable(file, shipped)
            if file != pathlib.Path(name):
                print(f"no {name} here: taking {file}", flush=True)
                argument = f"{file}{colon}{scale}"
        return self.parser.parse(argument)

    def flag_type(self) -> str:
        return self.parser.flag_type()


def _fail(message: object) -> NoReturn:
    print(printable(f"error: {message}", keep="\n\t"), file=sys.stderr)
    sys.exit(2)
