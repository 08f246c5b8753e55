import fcntl
import importlib
import os
import pathlib
import signal
from collections.abc import Callable, Iterator

import hypothesis
import jax
import pytest
from ml_collections import ConfigDict

from synthmed_jax import kept_programs, parallel, runner
from synthmed_jax.classifiers import networks
from tests.reliability import small

# Files and folders whose tests train, compile networks, draw pictures or start the program, the
# longest first. They get the marker `slow`; `make check` runs all tests that do not have it.
SLOW = (
    "runner_test.py",
    "reliability",
    "classifiers/networks/networks_test.py",
    "classifiers/networks/gradients_test.py",
    "diffusion/train_test.py",
    "extending_test.py",
    "diffusion/step_test.py",
    "conv/conv_test.py",
    "accelerators_test.py",
    "stopping_test.py",
    "hosts_test.py",
    "search_test.py",
    "finished_run_test.py",
    "tutorial_test.py",
    "data_dictionary_test.py",
    "main_test.py",
    "diffusion/unet_test.py",
    "architecture_leaks_test.py",
    "cli_test.py",
    "terminal/program_test.py",
    "report",
    "classifiers/weights",
    "explain/ridge_errors_test.py",
    "explain/second_opinions_test.py",
    "classifiers/programs_test.py",
    "classifiers/train_test.py",
    "settings_test.py",
    "classifiers/feature_net_test.py",
    "stages",
    "classifiers/trainings_test.py",
    "explain/gallery_test.py",
    "explain/pages_test.py",
    "explain/pictures_test.py",
    "diffusion/sampling_test.py",
    "diffusion/validate_test.py",
    "explain/lime_test.py",
    "explain/remembered_test.py",
    "parallel_test.py",
    "diffusion/samplers_test.py",
    "diffusion/bound_test.py",
    "diffusion/few_steps_test.py",
    "diffusion/likelihood_test.py",
    "diffusion/denoising_loss_test.py",
    "diffusion/second_implementation_test.py",
    "remote/sync_test.py",
    "remote/snapshot_test.py",
    "data/loading_test.py",
    "data/cases_test.py",
    "data/records_test.py",
    "statistics/coverage_test.py",
    "statistics/two_level_test.py",
    "evaluation/floors_real_data_test.py",
    "evaluation/floors_test.py",
    "audit",
    "statistics/kernel_distance_test.py",
)
_TESTS = pathlib.Path(__file__).parent
_MAPS = pathlib.Path("/proc/self/maps")
# LLVM's optimisations take a fifth to a half of the suite's time, and its small runs gain nothing.
# XLA's own stay on. XLA_FLAGS=--xla_backend_optimization_level=3 tests with what users run.
_LEVEL = "--xla_backend_optimization_level"
if _LEVEL not in os.environ.get("XLA_FLAGS", ""):
    _FLAGS = f"{_LEVEL}=0 --xla_cpu_parallel_codegen_split_count=1"
    if jax.__version_info__ < (0, 11):  # Later ones have only the fusions that take longer.
        _FLAGS += " --xla_cpu_use_fusion_emitters=false"
    os.environ["XLA_FLAGS"] = f"{_FLAGS} {os.environ.get('XLA_FLAGS', '')}".strip()
# Two virtual devices, so that everything parallel is tested as such; set before any JAX operation.
parallel.set_up_devices(2)
jax.config.update("jax_numpy_rank_promotion", "raise")
# Compiling is most of the suite's time: a second run starts from what the first one compiled.
_CACHE = _TESTS.parent / ".pytest_cache" / "xla"
jax.config.update("jax_compilation_cache_dir", str(_CACHE))
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(_CACHE)  # of programs that tests start
# Reading one takes a few milliseconds. Runs of the program in this process would set another least.
_LEAST_SECONDS = 0.05
jax.config.update("jax_persistent_cache_min_compile_time_secs", _LEAST_SECONDS)
kept_programs._LEAST_SECONDS = _LEAST_SECONDS
# A busy machine makes single examples slow; that is no failure.
hypothesis.settings.register_profile("no_deadline", deadline=None)
hypothesis.settings.load_profile("no_deadline")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks the slow tests; where two processes share the tests, puts the longest files first."""
    paths = [_TESTS / name for name in SLOW]

    def place(item: pytest.Item) -> int:
        return next((i for i, p in enumerate(paths) if item.path.is_relative_to(p)), len(SLOW))

    for item in items:
        if place(item) < len(SLOW):
            item.add_marker("slow")
    if hasattr(config, "workerinput"):  # one of pytest-xdist's processes
        items.sort(key=place)  # a long file that starts last would leave the other process idle


@pytest.fixture(scope="session", autouse=True)
def _two_devices() -> None:
    assert jax.local_device_count() == 2


@pytest.fixture(autouse=True)
def _few_mapped_pieces() -> Iterator[None]:
    """Compiled programs hold mapped memory, of which Linux allows 65,530 pieces per process."""
    yield
    if _MAPS.exists() and _MAPS.read_bytes().count(b"\n") > 30_000:
        jax.clear_caches()


@pytest.fixture
def heard() -> Iterator[None]:
    """A shell's background jobs start with SIGINT ignored, and so would all that they start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def shared_folder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> pathlib.Path:
    """A folder that all processes of this run of the tests see."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if hasattr(request.config, "workerinput") else folder


@pytest.fixture(scope="module")
def tiny_network() -> Iterator[str]:
    """The name of a further network, of a few hundred weights, while a file's tests run."""
    small.add_network()
    yield small.NETWORK
    del networks.BACKBONES[small.NETWORK]


@pytest.fixture(scope="session")
def phantom_config(shared_folder: pathlib.Path) -> Callable[..., ConfigDict]:
    """Makes configs of one small run of two arms; a__b is the field a.b."""
    cache = shared_folder / "phantom_cache"

    def make(**changes: object) -> ConfigDict:
        config = importlib.import_module("configs.phantom_ddpm").get_config("smoke")
        config.cpu_devices = jax.local_device_count()
        config.data.cache_dir = str(cache)
        config.classifier.update(arms=("synthetic", "real"), seeds=1)
        config.update_from_flattened_dict({k.replace("__", "."): v for k, v in changes.items()})
        return config

    return make


@pytest.fixture(scope="session")
def finished_phantoms(
    shared_folder: pathlib.Path, phantom_config: Callable[..., ConfigDict]
) -> pathlib.Path:
    """The workdir of that run, up to `evaluate`; a test that writes into it takes a copy."""
    workdir = shared_folder / "phantoms"
    with (shared_folder / "phantoms.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        config = phantom_config(diffusion__train__keep_every=10)
        runner.run(config, workdir, ["split", "diffusion", "generate", "classify", "evaluate"])
    return workdir


@pytest.fixture(scope="session")
def real_data() -> pathlib.Path:
    """The folder that holds the three Kaggle sets, if this machine has it."""
    default = _TESTS.parents[1] / "shared" / "data"
    folder = pathlib.Path(os.environ.get("SYNTHMED_DATA", default))
    if not all((folder / name).is_dir() for name in ("leukemia", "brain_tumor_mri", "sarscov2_ct")):
        pytest.skip(
            f"the real data sets are not in {folder}: download them from kaggle.com/datasets/"
            "{mehradaria/leukemia, masoudnickparvar/brain-tumor-mri-dataset, "
            "plameneduardo/sarscov2-ctscan-dataset} into folders named leukemia, brain_tumor_mri "
            "and sarscov2_ct, and set SYNTHMED_DATA to the folder that holds the three"
        )
    return folder
