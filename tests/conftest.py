import pathlib
from collections.abc import Iterator

import jax
import pytest

from synthmed_jax import parallel

_MAPS = pathlib.Path("/proc/self/maps")
# Two virtual devices, so that everything parallel is tested as such; set before any JAX operation.
parallel.set_up_devices(2)
jax.config.update("jax_numpy_rank_promotion", "raise")
# Compiling is most of the suite's time: a second run starts from what the first one compiled.
_CACHE = pathlib.Path(__file__).parents[1] / ".pytest_cache" / "xla"
jax.config.update("jax_compilation_cache_dir", str(_CACHE))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


@pytest.fixture(scope="session", autouse=True)
def _two_devices() -> None:
    assert jax.local_device_count() == 2


@pytest.fixture(autouse=True)
def _few_mapped_pieces() -> Iterator[None]:
    """Compiled programs hold mapped memory, of which Linux allows 65,530 pieces a process."""
    yield
    if _MAPS.exists() and _MAPS.read_bytes().count(b"\n") > 30_000:
        jax.clear_caches()
