"""The stored units of a set (pictures, canvases, codes, files): of which class each is, some as a
set, all as real images.

A unit goes whole, with its hard label or with the soft labels of all its images. What all units
share (decoders, the head of files, learned rates) stays in every part of a set.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.registry.registry import PARAMETERISATIONS
from condensers.sets.synthetic_set import SyntheticSet

OF_ALL = ("counts", "doubts")  # what a card says of all units together
BESIDE = ("labels", "rates")  # the tensors of a set that are not its parameterisation's


def units_of(synthetic: SyntheticSet) -> dict[int, Tensor]:
    """Return the positions (n,) int64 of each class's stored units.

    A unit with soft labels belongs to the class that it was made for.

    Raises:
        UsageError: The labels are soft, and classes have different numbers of units.
    """
    labels, classes = synthetic.tensors["labels"], synthetic.classes
    if not synthetic.is_soft:
        return {c: (labels.long() == c).nonzero().flatten() for c in classes}
    units = len(labels) // copies_of(synthetic)
    if units % len(classes):
        raise UsageError(
            f"a set of {synthetic.card['method']} has {units} units with soft labels for"
            f" {len(classes)} classes, so it does not say which are of which class; take a set with"
            " as many for each"
        )
    return dict(zip(classes, torch.arange(units).view(len(classes), -1), strict=True))


def copies_of(synthetic: SyntheticSet) -> int:
    """Return how many images a stored unit decodes to."""
    return int(PARAMETERISATIONS.create(synthetic.card["parameterisation"]).copies)


def images_of(units: Tensor, copies: int) -> Tensor:
    """Return the positions (n * copies,) int64 of the images that units (n,) decode to."""
    return (units[:, None] * copies + torch.arange(copies)).flatten()


def groups_of(synthetic: SyntheticSet) -> dict[str, Tensor]:
    """Return the tensors of the parameterisation by name."""
    return {name: tensor for name, tensor in synthetic.tensors.items() if name not in BESIDE}


def features_of(synthetic: SyntheticSet) -> Tensor:
    """Return the mean of the normalised images of each unit, (units, D) float32."""
    images, _ = synthetic.decode()
    return images.reshape(-1, copies_of(synthetic), images[0].numel()).mean(1)


def indices_of(synthetic: SyntheticSet, picked: Mapping[int, Tensor]) -> dict[str, list[int]]:
    """Return which images of the data the images of some units are, by class name.

    Args:
        synthetic: The set.
        picked: Positions (n,) int64 within a class of its units.

    Returns:
        Empty if the card does not say it.

    Raises:
        UsageError: The card names fewer images than the set holds.
    """
    if "indices" not in synthetic.card:
        return {}
    copies, found = copies_of(synthetic), {}
    for c, units in picked.items():
        name = synthetic.card["class_names"][c]
        known = synthetic.card["indices"][
            name
        ]  # empty for centroids, which are no images of the data
        positions = images_of(units, copies).tolist() if known else []
        if max(positions, default=-1) >= len(known):
            raise UsageError(
                f"the set's card names the origin of {len(known)} images of {name}, of which it"
                " holds more"
            )
        found[name] = [known[i] for i in positions]
    return found


def take_units(
    synthetic: SyntheticSet, units: Mapping[int, Tensor], changed: Mapping[str, Any]
) -> SyntheticSet:
    """Return a set of some units, class by class.

    Args:
        synthetic: The set that they are taken from.
        units: Positions (n,) int64 of the units of each class.
        changed: Entries that replace those of the card.
    """
    order, copies, labels = (
        torch.cat(list(units.values())),
        copies_of(synthetic),
        synthetic.tensors["labels"],
    )
    rows = images_of(order, copies) if synthetic.is_soft else order
    part = PARAMETERISATIONS.create(synthetic.card["parameterisation"])
    groups = part.take(groups_of(synthetic), order) | {"labels": labels[rows]}
    rates = {name: synthetic.tensors[name] for name in ("rates",) if name in synthetic.tensors}
    counts = {synthetic.card["class_names"][c]: len(of) for c, of in units.items()}
    each = max(counts.values())
    kept = {key: value for key, value in synthetic.card.items() if key not in OF_ALL}
    card = {**kept, "classes": list(units), "images_per_class": each * copies, **changed}
    card |= {"counts": counts} if len(set(counts.values())) > 1 else {}
    return SyntheticSet(groups | rates, card, synthetic.cost)


def as_data(synthetic: SyntheticSet, device: torch.device | None = None) -> ClassData:
    """Return the decoded images of a set as data, each with the class it was made for.

    Args:
        synthetic: The set; the data have the name of its data set.
        device: Where the images shall lie; the CPU if left out.

    Returns:
        Images (M, C, H, W) uint8, rounded.
    """
    images, _ = synthetic.decode(device)
    labels, card = torch.empty(len(images), dtype=torch.int64), synthetic.card
    copies = copies_of(synthetic)
    for c, of in units_of(synthetic).items():
        labels[images_of(of, copies)] = c
    blank = ClassData(
        name=card["dataset"],
        images=torch.zeros_like(images, dtype=torch.uint8),
        labels=labels.to(images.device),
        class_names=tuple(card["class_names"]),
        mean=tuple(card["mean"]),
        std=tuple(card["std"]),
        mirror=card.get("mirror", True),
        licence=card.get("licence", "not recorded"),
        classes=synthetic.classes,
    )
    return replace(blank, images=blank.quantise(images))
