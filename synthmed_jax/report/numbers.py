"""report.json: every number and verdict of the report, for programs."""

from __future__ import annotations

from synthmed_jax.report import caveats, context, paper_table
from synthmed_jax.report.card import Answer
from synthmed_jax.report.conclusions import Conclusions
from synthmed_jax.report.files import Contents
from synthmed_jax.report.findings import headline
from synthmed_jax.report.pairs import CLOSEST_PAIRS
from synthmed_jax.results.fidelity import Fidelity
from synthmed_jax.results.stored import Document, unstructure


def collect(
    contents: Contents, conclusions: Conclusions, answer: Answer, not_run: dict[str, str]
) -> dict[str, object]:
    """Returns the content of report.json.

    Args:
      not_run: section -> the sentence that stands for it.
    """
    evaluation, fidelity, split = contents.evaluation, contents.fidelity, contents.split
    chosen = headline(evaluation)
    return {
        "title": context.TITLE,
        "dataset": context.name_of_dataset(contents),
        "answers": {card.name: unstructure(card) for card in answer.cards},
        "not_to_conclude": unstructure(answer.limits),
        "answer": answer.paragraphs,
        "verdicts": unstructure(conclusions),
        "headline": {
            "gap": None if conclusions.arms is None else conclusions.arms.gap,
            "distance_ratio": None if fidelity is None else fidelity.ratio,
            "synthetic": unstructure(chosen.synthetic),
            "real": unstructure(chosen.real),
        },
        "counts": unstructure(contents.counts),
        "split": {
            "rule": split.rule,
            "seed": split.seed,
            "data_hash": split.data_hash,
            "unreadable": list(split.unreadable),
        },
        "metrics": None if evaluation is None else evaluation.to_document(),
        "paper": unstructure(paper_table.beside(contents)),
        "floors": None if contents.floors is None else contents.floors.to_document(),
        "fidelity": None if fidelity is None else _fidelity(fidelity),
        "lime": None if contents.lime is None else contents.lime.to_document(),
        "diffusion": {
            name: {"records": unstructure(generator.records), "best": unstructure(generator.end)}
            for name, generator in contents.generators.items()
        },
        "limits": caveats.sentences(contents, conclusions),
        "not_run": not_run,
        "config": contents.config,
        "run": {} if contents.info is None else contents.info.to_document(),
    }


def _fidelity(fidelity: Fidelity) -> Document:
    """evaluate/fidelity.json with the closest of its pairs alone."""
    closest = sorted(fidelity.synthetic, key=lambda pair: pair.distance)[:CLOSEST_PAIRS]
    document = fidelity.to_document()
    del document["synthetic"]
    return document | {"closest": unstructure(closest)}
