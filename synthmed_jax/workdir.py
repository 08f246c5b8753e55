"""A run's folder: where everything in it lies, and the lock that keeps other runs out."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import pathlib
import shutil
from collections.abc import Iterator
from typing import TextIO

from synthmed_jax.errors import UserError


@dataclasses.dataclass(frozen=True)
class Workdir:
    """The paths that are the contract between stages."""

    root: pathlib.Path

    @property
    def config(self) -> pathlib.Path:
        """The resolved config."""
        return self.root / "config.json"

    @property
    def run_info(self) -> pathlib.Path:
        """Command, machine, and what each stage took."""
        return self.root / "run.json"

    def marker(self, stage: str) -> pathlib.Path:
        """How far a stage is, and what its output depends on."""
        return self.root / "stages" / f"{stage}.json"

    @property
    def split(self) -> pathlib.Path:
        """Which image is in which part."""
        return self.root / "split" / "split.json"

    @property
    def data_files(self) -> pathlib.Path:
        """The data set's files when it was split."""
        return self.root / "split" / "files.json"

    @property
    def inventory(self) -> pathlib.Path:
        """What was found in the data set's folder."""
        return self.root / "split" / "inventory.json"

    @property
    def leakage(self) -> pathlib.Path:
        """Identical files, within the classes and across the parts."""
        return self.root / "split" / "leakage.json"

    @property
    def check_data(self) -> pathlib.Path:
        """Folder of the contact sheets that --check_data draws."""
        return self.root / "check_data"

    @property
    def features(self) -> pathlib.Path:
        """Folder of the network whose features sets of images are compared in."""
        return self.root / "features"

    @property
    def diffusion(self) -> pathlib.Path:
        """Folder of the generator, or of one folder per class."""
        return self.root / "diffusion"

    @property
    def tensorboard(self) -> pathlib.Path:
        """Event files of the trainings, in folders as theirs; no stage reads them."""
        return self.root / "tensorboard"

    @property
    def synthetic(self) -> pathlib.Path:
        """Folder of the synthetic images: one per class, and manifest.csv."""
        return self.root / "synthetic"

    @property
    def filtered(self) -> pathlib.Path:
        """Folder of the synthetic images that a filter leaves: as `synthetic`."""
        return self.root / "filtered"

    @property
    def filter_scores(self) -> pathlib.Path:
        """What a filter saw of every image: not to be given away."""
        return self.root / "filter_scores.csv"

    @property
    def audit(self) -> pathlib.Path:
        """Folder of what sets of images say of each other without a classifier of the classes."""
        return self.root / "audit"

    @property
    def audit_fidelity(self) -> pathlib.Path:
        """How far synthetic images can be told from real ones, and where."""
        return self.audit / "fidelity.json"

    @property
    def audit_memorisation(self) -> pathlib.Path:
        """Which synthetic images are copies, and which copies would be found."""
        return self.audit / "memorisation.json"

    @property
    def sweep(self) -> pathlib.Path:
        """Folder of the comparison of samplers."""
        return self.root / "sweep"

    @property
    def tune(self) -> pathlib.Path:
        """Folder of the searches, one folder each."""
        return self.root / "tune"

    @property
    def classify(self) -> pathlib.Path:
        """Folder of the trained classifiers: <backbone>/<arm>/<cell>/fold<k>/."""
        return self.root / "classify"

    @property
    def evaluate(self) -> pathlib.Path:
        """Folder of the scores on real images."""
        return self.root / "evaluate"

    @property
    def evaluation(self) -> pathlib.Path:
        """Scores of every cell."""
        return self.evaluate / "metrics.json"

    @property
    def floors(self) -> pathlib.Path:
        """What simple means score on real images."""
        return self.evaluate / "floors.json"

    @property
    def fidelity(self) -> pathlib.Path:
        """How near synthetic images come to real ones."""
        return self.evaluate / "fidelity.json"

    @property
    def without_duplicates(self) -> pathlib.Path:
        """Scores on test images without a near-duplicate in fit or val."""
        return self.evaluate / "without_duplicates.json"

    @property
    def pool(self) -> pathlib.Path:
        """Folder of what runs under several seeds say together."""
        return self.root / "pool"

    @property
    def record(self) -> pathlib.Path:
        """What the run says, in one file without images and networks."""
        return self.root / "record" / "record.json"

    @property
    def compare(self) -> pathlib.Path:
        """Folder of the page that sets finished runs side by side."""
        return self.root / "compare"

    @property
    def external(self) -> pathlib.Path:
        """Scores on another tree of real images."""
        return self.evaluate / "external.json"

    @property
    def explain(self) -> pathlib.Path:
        """Folder of the explanations."""
        return self.root / "explain"

    @property
    def lime(self) -> pathlib.Path:
        """Explanations in numbers."""
        return self.explain / "lime.json"

    @property
    def predict(self) -> pathlib.Path:
        """Folder of the answers to new images."""
        return self.root / "predict"

    @property
    def report(self) -> pathlib.Path:
        """The page that shows everything."""
        return self.root / "report" / "index.html"

    @property
    def locks(self) -> pathlib.Path:
        """Folder of the locks by which shards share the work."""
        return self.root / ".locks"

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps all others out; the system lets go of it when the process ends.

        Raises:
          UserError: another run is at work here, or the folder can't be made or written.
        """
        with self._open_lock() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UserError(
                    f"another run is at work in {self.root}, or a shard of one: wait for its end, "
                    "or take a new --workdir"
                ) from error
            except OSError as error:
                print(f"{self.root} can't be locked ({error.strerror}): start no second run in it")
            else:  # nobody has these open now
                shutil.rmtree(self.locks, ignore_errors=True)
            yield

    @contextlib.contextmanager
    def shared_lock(self) -> Iterator[None]:
        """Keeps whole runs out, and lets others in that ask for no more than this.

        Raises:
          UserError: a whole run is at work here, the folder can't be written, or its disk has no
            locks.
        """
        with self._open_lock() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UserError(
                    f"a whole run is at work in {self.root}, and shards and whole runs do not mix: "
                    "wait for its end, or take a new --workdir"
                ) from error
            except OSError as error:
                raise UserError(
                    f"{self.root} can't be locked ({error.strerror}), and shards need locks: put "
                    "--workdir on another file system (docs/cluster.md), or leave --shard away"
                ) from error
            yield

    def _open_lock(self) -> TextIO:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            # On NFS, a file under a shared lock must be readable, under the other one writable.
            return (self.root / ".lock").open("a+")
        except OSError as error:
            raise UserError(
                f"--workdir={self.root} can't be written ({error.strerror}): choose another folder"
            ) from error
