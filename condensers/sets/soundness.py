"""What every set must be, wherever it comes from: finite pixels and labels, labels of the card's
classes, positive rates.

A file of ours, a published one, a set in memory, one that is merged or saved: all pass here. What a
card says of its own file is not believed unchecked.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from condensers.errors import UsageError, brief
from condensers.registry.registry import PARAMETERISATIONS
from condensers.sets.synthetic_set import SyntheticSet

SUM_TOLERANCE = 1e-3  # probabilities stored at half precision add up to one this well
SOFT = ("probabilities", "scores")


def require_sound(synthetic: SyntheticSet, where: object) -> tuple[Tensor, Tensor]:
    """Return the decoded images and labels of a set, as `SyntheticSet.decode` gives them.

    Args:
        synthetic: The set.
        where: What the message begins with, such as the file.

    Raises:
        UsageError: The set is unsound.
    """
    images, labels = _decode(synthetic, where)
    card = synthetic.card
    classes, shape = len(card["class_names"]), tuple(card["shape"])
    if tuple(images.shape[1:]) != shape or len(images) != len(labels):
        found = f"images {tuple(images.shape)} and labels {tuple(labels.shape)}"
        raise UsageError(f"{where}: holds {found}, not what its card says")
    _require_statistics(card, images.shape[1], where)
    for name, tensor in {**synthetic.tensors, "images": images, "labels": labels}.items():
        if name != "rates":
            require_finite(tensor, name, where)
    _require_labels(labels, card, classes, where)
    _require_classes(labels, card, classes, where)
    _require_rates(synthetic, where)
    return images, labels


def require_finite(values: Tensor, what: str, where: object) -> None:
    """UsageError for a NaN or an infinity among floating-point `values`."""
    if values.is_floating_point() and not bool(values.isfinite().all()):
        raise UsageError(
            f"{where}: its {what} hold a NaN or an infinity; the run that made them diverged, take"
            " an earlier file or make it anew"
        )


def require_positive(rates: Tensor, where: object) -> None:
    """UsageError unless there are learning rates (T,), all of them positive numbers."""
    if not len(rates) or not bool((rates.isfinite() & (rates > 0)).all()):
        raise UsageError(f"{where}: its learning rates are not positive numbers; leave them out")


def are_probabilities(labels: Tensor) -> bool:
    """Return whether each row of (M, K) is of numbers from 0 on that add up to one.

    The tolerance is the rounding of half precision.
    """
    return bool((labels >= 0).all()) and bool(((labels.sum(1) - 1).abs() <= SUM_TOLERANCE).all())


def _decode(synthetic: SyntheticSet, where: object) -> tuple[Tensor, Tensor]:
    try:
        PARAMETERISATIONS.create(synthetic.card["parameterisation"], str(where))
        images, labels = synthetic.decode()
        _ = len(synthetic.card["class_names"]), torch.Size(synthetic.card["shape"])
        return images, labels
    except KeyError as fault:
        raise UsageError(
            f"{where}: its tensor {fault} is missing; the set is damaged, condense it again"
        ) from None
    except (AttributeError, RuntimeError, TypeError, ValueError) as fault:
        raise UsageError(
            f"{where}: its card does not fit its tensors ({brief(fault)}); the set is damaged,"
            " condense it again"
        ) from None


def _require_statistics(card: Mapping[str, Any], channels: int, where: object) -> None:
    """The mean and std that pixels are normalised by."""
    for name in ("mean", "std"):
        given = card[name]
        fine = (
            isinstance(given, Sequence)
            and len(given) == channels
            and all(_is_number(value) for value in given)
        )
        if not fine or (name == "std" and min(given) <= 0):
            kind = "positive numbers" if name == "std" else "numbers"
            raise UsageError(
                f"{where}: the {name} on its card is not a list of {channels} {kind}, one a"
                " channel; condense it again"
            )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _require_labels(labels: Tensor, card: Mapping[str, Any], classes: int, where: object) -> None:
    """Labels of the form that the card's recipe says: classes, or rows as wide as there are
    classes.
    """
    form = dict(card.get("recipe", {})).get(
        "labels", "hard" if labels.ndim == 1 else "probabilities"
    )
    if labels.ndim == 1:
        if not bool(((labels >= 0) & (labels < classes)).all()):
            raise UsageError(
                f"{where}: holds a label outside 0..{classes - 1}; the file is damaged, condense it"
                " again"
            )
        if form in SOFT:
            raise UsageError(
                f"{where}: its card says that its labels are {form}, but they are classes; condense"
                " it again"
            )
        return
    if labels.ndim != 2 or labels.shape[1] != classes:
        raise UsageError(
            f"{where}: its soft labels have shape {tuple(labels.shape)}, not a row of {classes}"
            " numbers, one for each class name, for each image; condense it again"
        )
    if form != "scores" and not are_probabilities(labels):
        raise UsageError(
            f"{where}: its rows of labels are not probabilities that add up to one, and its card"
            " does not call them scores; condense it again"
        )


def _require_classes(labels: Tensor, card: Mapping[str, Any], classes: int, where: object) -> None:
    """The card's `classes`: some of its class names by number, ascending, and those of the labels
    where these are classes.
    """
    listed = card["classes"]
    whole = isinstance(listed, Sequence) and all(
        isinstance(c, int) and 0 <= c < classes for c in listed
    )
    if not whole or not listed or list(listed) != sorted(set(listed)):
        raise UsageError(
            f"{where}: the classes on its card are not a list of numbers from 0 to {classes - 1};"
            " condense it again"
        )
    held = sorted(set(labels.tolist())) if labels.ndim == 1 else list(listed)
    if held != list(listed):
        raise UsageError(
            f"{where}: its card lists the classes {_few(listed)}, its labels are {_few(held)};"
            " condense it again"
        )


def _few(classes: Sequence[int]) -> str:
    return ", ".join(map(str, classes[:10])) + ", ..." * (len(classes) > 10)


def _require_rates(synthetic: SyntheticSet, where: object) -> None:
    """Learned rates that are positive, and there where the recipe needs them."""
    rates, recipe = synthetic.tensors.get("rates"), synthetic.recipe
    if rates is None:
        if recipe.get("ordered") or recipe.get("lr") == "rates":
            raise UsageError(
                f"{where}: its recipe asks for learned rates, which it does not hold; condense it"
                " again"
            )
        return
    if rates.ndim != 1:
        raise UsageError(
            f"{where}: its learning rates have shape {tuple(rates.shape)}, not one number each;"
            " leave them out"
        )
    require_positive(rates, where)
