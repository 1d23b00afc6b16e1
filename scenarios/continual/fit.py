"""Whether a subject can be measured on this stream."""

from typing import Any

from condensers.errors import UsageError, suggestion
from condensers.sets.synthetic_set import SyntheticSet
from scenarios.protocol import Reference, Splits, Subject


def require_fit(subject: Subject, data: Splits, scenario: Any) -> None:
    """Refuse an unknown reference, a set whose images are not those of this data, and settings that leave nothing to measure."""
    if isinstance(subject, Reference):
        if subject.name not in scenario.references:
            raise UsageError(f"continual: unknown reference '{subject.name}'; {suggestion(subject.name, scenario.references)}")
        return
    if all(strategy.memory == "none" for strategy in scenario.created):
        raise UsageError("continual.strategies: none of them uses a memory; add one that does, such as replay")
    if not isinstance(subject, SyntheticSet):
        return
    if scenario.anew(False):
        raise UsageError(
            f"continual: memory {scenario.memory} of {scenario.growth} size is condensed along the stream, and a finished set is"
            " given; put its method into a suite"
        )
    _require_same(subject, data)


def _require_same(synthetic: SyntheticSet, data: Splits) -> None:
    card, train = synthetic.card, data.train
    for what, theirs, ours in (
        ("class names", list(card["class_names"]), list(train.class_names)),
        ("image shape", list(card["shape"]), list(train.shape)),
        ("mean", [round(m, 4) for m in card["mean"]], [round(m, 4) for m in train.mean]),
        ("std", [round(s, 4) for s in card["std"]], [round(s, 4) for s in train.std]),
    ):
        if theirs != ours:
            raise UsageError(
                f"continual: the set of {card['dataset']} has {what} {theirs}, the stream of {train.name} has {ours};"
                " evaluate a set on the data that it was condensed from"
            )
