"""The stage that searches for better settings, each trial judged on `val`.

The loss of the best settings is that on the images that they, and the best epoch of each training,
were chosen on. It is lower than on others, and never a test.
"""

from __future__ import annotations

from synthmed_jax import search
from synthmed_jax.errors import UserError
from synthmed_jax.stages import base, classify, diffusion, generate, split
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run
from synthmed_jax.stages.trials import Searched, real_images
from synthmed_jax.stages.tune_classifier import CLASSIFIER
from synthmed_jax.stages.tune_diffusion import DIFFUSION

# What a trial's loss is.
LOSS = (
    "lowest cross-entropy of any epoch; settings and epoch were chosen on these images, so it is "
    "no test"
)
# config.tune.target -> what is searched.
TARGETS: dict[str, Searched] = {"classifier": CLASSIFIER, "diffusion": DIFFUSION}


def folders(run: Run) -> tuple[str, ...]:
    """Every search's folder below tune/."""
    return TARGETS[run.settings.tune.target].folders(run)


def _run(run: Run) -> None:
    """Searches, and writes the trials and the best settings as a config of their own."""
    settings = run.settings.tune
    for target in TARGETS[settings.target].targets(run):
        print(f"tune: {target.folder}, {settings.trials} trials", flush=True)
        folder = run.workdir.tune / target.folder
        present = {field: run.settings.fields[field] for field in target.space}
        space = search.widened(target.space, present)
        study = search.search(settings, space, present, target.objective, folder)
        result = search.describe(
            study,
            searched=target.searched,
            arm=target.arm,
            loss=LOSS,
            judged_on="val",
            num_images=len(real_images(run)),
            settings=settings,
        )
        result.write(folder / "search.json")
        # These are the fields as the protocol has left them; again, it would undo what was found.
        fields = {**run.settings.fields, "protocol": "own"}
        search.write_config(folder / "best.py", fields, {**target.fixed, **result.best.fields})
        of_arm = f" of the arm {target.arm}" if target.arm else ""
        print(
            f"tune: a run with --config={folder / 'best.py'} takes the best settings{of_arm}. "
            f"Their loss, {result.best.loss:.4f}, is on the {result.num_images} val images that "
            "they were chosen on: it is no test",
            flush=True,
        )


def _expect(run: Run) -> float:
    """Trials as long as the present settings', and none cut short."""
    tune = run.settings.tune
    left = {
        folder: max(0, tune.trials - search.count_finished(run.workdir.tune / folder))
        for folder in folders(run)
    }
    if not any(left.values()):
        return 0.0
    seconds = TARGETS[tune.target].seconds(run)
    return sum(count * seconds[folder] for folder, count in left.items())


def _check(run: Run) -> None:
    if run.settings.tune.target == "diffusion":
        diffusion.check_attention(run)
    if not len(run.inputs.planned_split.parts.val):
        raise UserError(
            "tune judges its trials on val, the real images that the generator has not learned, "
            "and val is empty: set --config.protocol=own --config.split.val_fraction=0.1"
        )


def _digests(run: Run) -> dict[str, str]:
    return {base.CHOSEN_ON: "val", **classify.weights_digest(run)}


def _inputs_if(run: Run) -> tuple[Stage, ...]:
    if run.settings.tune.target != "classifier":
        return ()
    return (generate.STAGE, *classify.filtered(run))


STAGE = Stage(
    "tune",
    _run,
    fields=("tune.", "diffusion.", "generate.", "classifier."),
    ignored=(
        "tune.target",
        "tune.trials",
        "generate.block",
        "generate.filter",
        "generate.off_class_share",
        *diffusion.HARMLESS,
        *classify.CELL_FIELDS,
    ),
    inputs=(split.STAGE,),
    inputs_if=_inputs_if,
    ends=("search.json",),
    recorded=("**/search.json", "**/best.py"),
    inherited=False,  # its journal is appended to
    digests=_digests,
    units=lambda run: tuple(f"{name} {run.settings.tune.trials}" for name in folders(run)),
    adds=True,
    check=_check,
    expect=_expect,
    optional=True,
)
