"""Condensed sets as a memory that changes: some classes of a set, fewer images of each, several
sets as one, one condensed anew.

Source: ours; `herding` is the order of Rebuffi et al., "iCaRL" (CVPR 2017), whose memory shrinks to
the first images of it. `condensers.sets.units` says what goes with a stored image, and what all of
them share.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from condensers.clustering import herd
from condensers.condenser import Condenser
from condensers.engine.context import Context
from condensers.errors import UsageError, suggestion
from condensers.registry.registry import PARAMETERISATIONS
from condensers.sets import origins
from condensers.sets.soundness import require_sound
from condensers.sets.synthetic_set import Budget, SyntheticSet
from condensers.sets.units import as_data, features_of, groups_of, indices_of, take_units, units_of

ORDERS = ("first", "random", "herding")
EQUAL = (
    "dataset",
    "class_names",
    "shape",
    "mean",
    "std",
    "parameterisation",
    "recipe",
    "label_storage",
)
PAST = (
    "indices",
    "shrunk",
    "merged_from",
    "recondensed_from",
)  # what a card tells of its own set alone


def restrict(synthetic: SyntheticSet, classes: Iterable[int]) -> SyntheticSet:
    """Return the part of a set that holds some classes; soft labels keep their columns.

    Args:
        synthetic: The set.
        classes: Labels of classes that it holds.

    Raises:
        UsageError: A class is not there.
    """
    kept = tuple(sorted(set(classes)))
    if not kept or not set(kept) <= set(synthetic.classes):
        raise UsageError(
            f"a set of classes {synthetic.classes} cannot be restricted to {kept}; name classes"
            " that it holds"
        )
    if len(kept) == len(synthetic.classes):
        return synthetic
    found = units_of(synthetic)
    indices = indices_of(synthetic, {c: torch.arange(len(found[c])) for c in kept})
    return take_units(
        synthetic, {c: found[c] for c in kept}, {"indices": indices} if indices else {}
    )


def shrink(synthetic: SyntheticSet, ipc: int, how: str, generator: torch.Generator) -> SyntheticSet:
    """Return a set of fewer stored units of each class.

    Args:
        synthetic: The set.
        ipc: Stored units of each class that stay.
        how: "first", "random", or "herding", whose picks come in their order. In herding a unit of
            several images counts as their mean.
        generator: Draws the random ones, and breaks ties.

    Raises:
        UsageError: There are fewer units, or the set's images have an order.
    """
    found = units_of(synthetic)
    here, most = min(map(len, found.values())), max(map(len, found.values()))
    if not 1 <= ipc <= here:
        raise UsageError(
            f"a set of {here} stored images for each class cannot be shrunk to {ipc}; take 1 to"
            f" {here}"
        )
    order = order_units(synthetic, how, generator)
    if ipc == most:
        return synthetic
    # What the budget counts, in proportion: a code, a canvas or a file is no image.
    changed: dict[str, Any] = {
        "ipc": max(1, synthetic.ipc * ipc // most),
        "shrunk": {"from": here, "to": ipc, "how": how},
    }
    return keep_units(synthetic, {c: of[:ipc] for c, of in order.items()}, changed)


def order_units(synthetic: SyntheticSet, how: str, generator: torch.Generator) -> dict[int, Tensor]:
    """Return the positions (n,) int64 of each class's units within the class, those to be kept
    longest first.

    Args:
        synthetic: The set.
        how: "first", "random" or "herding".
        generator: Draws the random order.

    Raises:
        UsageError: There is no such order, or the set's images have one that must stay.
    """
    if how not in ORDERS:
        raise UsageError(f"cannot shrink a set by '{how}'; {suggestion(how, ORDERS)}")
    _refuse_ordered(synthetic)
    found = units_of(synthetic)
    if how == "random":
        return {c: torch.randperm(len(of), generator=generator) for c, of in found.items()}
    if how == "herding":
        features = features_of(synthetic)
        return {c: herd(features[of], len(of)) for c, of in found.items()}
    return {c: torch.arange(len(of)) for c, of in found.items()}


def keep_units(
    synthetic: SyntheticSet, picked: Mapping[int, Tensor], changed: Mapping[str, Any]
) -> SyntheticSet:
    """Return a set of some of its units, and the card's account of which images they are.

    Args:
        synthetic: The set.
        picked: Positions (n,) int64 within each class.
        changed: Entries that replace those of the card.
    """
    found, indices = units_of(synthetic), indices_of(synthetic, picked)
    more = {"indices": indices} if indices else {}
    return take_units(synthetic, {c: of[picked[c]] for c, of in found.items()}, {**changed, **more})


def merge(sets: Sequence[SyntheticSet]) -> SyntheticSet:
    """Return one set of all units of several sets, ordered by class.

    The card lists them under `merged_from`. Its digest is theirs joined by "+" if they were made
    from different images. Learned rates stay only if all sets have the same.

    Args:
        sets: They hold the same classes, or each its own; those with soft labels as many units of
            each class.

    Raises:
        UsageError: The sets cannot be one.
    """
    if not sets:
        raise UsageError("there is no set to merge; give at least one")
    if len(sets) == 1:
        return sets[0]
    _require_alike(sets)
    for index, one in enumerate(sets):
        require_sound(one, f"set {index + 1} of {len(sets)} to merge")
    units: dict[int, list[Tensor]] = {
        c: [] for c in sorted({c for one in sets for c in one.classes})
    }
    first = 0
    for one in sets:
        found = units_of(one)
        for c, of in found.items():
            units[c].append(of + first)
        first += sum(map(len, found.values()))
    joined = {c: torch.cat(of) for c, of in units.items()}
    if sets[0].is_soft and len({len(of) for of in joined.values()}) > 1:
        counts = sorted({len(of) for of in joined.values()})
        raise UsageError(
            f"sets of {counts[0]} and of {counts[-1]} stored images for each class cannot be one;"
            " shrink the larger"
        )
    part = PARAMETERISATIONS.create(sets[0].card["parameterisation"])
    groups = part.join([groups_of(one) for one in sets]) | {
        "labels": torch.cat([one.tensors["labels"] for one in sets])
    }
    rates = _common_rates(sets)
    return take_units(
        SyntheticSet(groups | rates, _merged_card(sets, bool(rates)), _merged_cost(sets)),
        joined,
        {},
    )


def recondense(
    synthetic: SyntheticSet, condenser: Condenser, budget: Budget, context: Context
) -> SyntheticSet:
    """Condense the images of a set, as uint8 and each of the class it was made for, as if they were
    real ones.

    Soft labels are not looked at. The card keeps the digest of the real data and tells of the set
    under `recondensed_from`. The cost is that of this step alone.
    """
    made = condenser.condense(as_data(synthetic, context.device), budget, context)
    # Indices would be those of a set's images, where other cards speak of the real ones.
    card = {key: value for key, value in made.card.items() if key != "indices"}
    source = {
        "digest": synthetic.card["digest"],
        "origin": origins.farthest(origins.of(one.card) for one in (synthetic, made)),
        "recondensed_from": _provenance(synthetic),
    }
    return SyntheticSet(made.tensors, card | source, made.cost)


def _provenance(synthetic: SyntheticSet) -> dict[str, Any]:
    """A set in a few words, for the card of one that was made of it."""
    kept = ("method", "origin", "hyperparameters", "seed", "digest", "classes", "ipc", *PAST[1:])
    return {key: synthetic.card[key] for key in kept if key in synthetic.card} | {
        "bytes": synthetic.nbytes
    }


def _refuse_ordered(synthetic: SyntheticSet) -> None:
    if synthetic.recipe.get("ordered"):
        raise UsageError(
            f"a set of {synthetic.card['method']} is learned for the order of its images, which has"
            " no meaning for fewer or more; condense it anew"
        )


def _require_alike(sets: Sequence[SyntheticSet]) -> None:
    """UsageError unless the cards agree on what a set is read by, and classes are all the same or
    all different.
    """
    for one in sets:
        _refuse_ordered(one)
        differing = [key for key in EQUAL if one.card.get(key) != sets[0].card.get(key)]
        if one.tensors["labels"].dtype != sets[0].tensors["labels"].dtype:
            differing.append("dtype of the labels")
        if differing:
            raise UsageError(
                f"sets cannot be one where their cards differ ({', '.join(differing)}); merge sets"
                " of one kind"
            )
    listed = [c for one in sets for c in one.classes]
    if len(set(listed)) < len(listed) and any(set(one.classes) != set(listed) for one in sets):
        raise UsageError(
            "sets share some of their classes, but not all; restrict them to the same classes, or"
            " to different ones"
        )


def _common_rates(sets: Sequence[SyntheticSet]) -> dict[str, Tensor]:
    """The learned rates, where all sets have the same."""
    found = [one.tensors["rates"] for one in sets if "rates" in one.tensors]
    return (
        {"rates": found[0]}
        if len(found) == len(sets) and all(torch.equal(one, found[0]) for one in found)
        else {}
    )


def _merged_card(sets: Sequence[SyntheticSet], rates: bool) -> dict[str, Any]:
    """What all cards agree on, and what follows for all together; rates: whether learned rates
    stay.
    """
    common = {
        k: v
        for k, v in sets[0].card.items()
        if k not in PAST and all(one.card.get(k) == v for one in sets)
    }
    same_classes = set(sets[0].classes) == set(sets[1].classes)
    indices: dict[str, list[int]] = {}
    if all("indices" in one.card for one in sets):
        for one in sets:
            for name, of in one.card["indices"].items():
                indices[name] = indices.get(name, []) + of
    return {
        "hyperparameters": {},
        "seed": None,
        **common,
        "origin": origins.farthest(origins.of(one.card) for one in sets),
        "method": "+".join(dict.fromkeys(str(one.card["method"]) for one in sets)),
        "digest": "+".join(dict.fromkeys(str(one.card["digest"]) for one in sets)),
        "recipe": {key: value for key, value in sets[0].recipe.items() if key != "lr" or rates},
        "couples_classes": any(one.card.get("couples_classes", True) for one in sets),
        "ipc": sum(one.ipc for one in sets) if same_classes else max(one.ipc for one in sets),
        "merged_from": [_provenance(one) for one in sets],
        **({"indices": indices} if indices else {}),
        **_merged_precision(sets),
    }


def _merged_precision(sets: Sequence[SyntheticSet]) -> dict[str, str]:
    """What was chosen where the methods left it open, also where machines chose otherwise."""
    found = dict.fromkeys(str(one.card["precision"]) for one in sets if "precision" in one.card)
    return {"precision": "+".join(sorted(found))} if found else {}


def _merged_cost(sets: Sequence[SyntheticSet]) -> dict[str, Any]:
    """The seconds of all sets; nothing where one did not record them."""
    if not all("seconds" in one.cost for one in sets):
        return {}
    devices = dict.fromkeys(str(one.cost.get("device")) for one in sets)
    return {
        "seconds": sum(one.cost["seconds"] for one in sets),
        "joules": "not measured",
        "device": "+".join(devices),
    }
