"""The stages, in their order."""

from synthmed_jax.stages import (
    audit,
    card,
    classify,
    compare,
    copy_filter,
    diffusion,
    evaluate,
    explain,
    features,
    generate,
    pool,
    predict,
    record,
    report,
    split,
    sweep,
    tune,
)

STAGES = (
    split.STAGE,
    features.STAGE,
    diffusion.STAGE,
    generate.STAGE,
    copy_filter.STAGE,
    audit.STAGE,
    sweep.STAGE,
    tune.STAGE,
    classify.STAGE,
    evaluate.STAGE,
    explain.STAGE,
    record.STAGE,
    pool.STAGE,
    compare.STAGE,
    predict.STAGE,
    card.STAGE,
    report.STAGE,
)
# Config blocks that stages read: those without a place in `Settings` are known by these alone.
BLOCKS = frozenset(field.split(".")[0] for stage in STAGES for field in stage.fields)
