import pathlib
from collections.abc import Iterator

import hypothesis
import jax
import pytest

from synthmed_jax import parallel

# Files and folders whose tests train, compile a large network or start the program. They get the
# marker `slow`, and `make check` leaves them out; whatever is not named here is part of it.
SLOW = (
    "architecture_leaks_test.py",
    "classifiers/backbones_test.py",
    "classifiers/cross_validate_test.py",
    "classifiers/feature_net_test.py",
    "classifiers/programs_test.py",
    "classifiers/train_test.py",
    "classifiers/weights",
    "cli_test.py",
    "conv/conv_test.py",
    "diffusion/step_test.py",
    "diffusion/train_test.py",
    "diffusion/unet_test.py",
    "extending_test.py",
    "main_test.py",
    "runner_test.py",
    "search_test.py",
)
_TESTS = pathlib.Path(__file__).parent
_MAPS = pathlib.Path("/proc/self/maps")
# Two virtual devices, so that everything parallel is tested as such; set before any JAX operation.
parallel.set_up_devices(2)
jax.config.update("jax_numpy_rank_promotion", "raise")
# Compiling is most of the suite's time: a second run starts from what the first one compiled.
_CACHE = _TESTS.parent / ".pytest_cache" / "xla"
jax.config.update("jax_compilation_cache_dir", str(_CACHE))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
# A busy machine makes single examples slow; that is no failure.
hypothesis.settings.register_profile("no_deadline", deadline=None)
hypothesis.settings.load_profile("no_deadline")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    slow = [_TESTS / name for name in SLOW]
    gone = [str(path) for path in slow if not path.exists()]
    if gone:
        raise pytest.UsageError(f"tests/conftest.py: SLOW names {', '.join(gone)}: gone or renamed")
    for item in items:
        if any(item.path.is_relative_to(path) for path in slow):
            item.add_marker("slow")


@pytest.fixture(scope="session", autouse=True)
def _two_devices() -> None:
    assert jax.local_device_count() == 2


@pytest.fixture(autouse=True)
def _few_mapped_pieces() -> Iterator[None]:
    """Compiled programs hold mapped memory, of which Linux allows 65,530 pieces a process."""
    yield
    if _MAPS.exists() and _MAPS.read_bytes().count(b"\n") > 30_000:
        jax.clear_caches()
