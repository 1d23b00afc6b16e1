"""A published file, the data set it is said to be made from, and the user's answers -> a set of
this harness.

Images are sorted by class and normalised by the data set's mean and std; soft labels keep one
column for each class name.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from condensers.condenser import SetSource
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.formats.choices import MADE_OF, Choices, order_of, spell_labels
from condensers.formats.pixels import PublishedPixels, pixels_of
from condensers.formats.published import Published
from condensers.formats.scales import extent
from condensers.hyperparameters import hyper
from condensers.parts.labels import label_dtype
from condensers.parts.parameterisations.base import Parameterisation
from condensers.registry.registry import PARAMETERISATIONS
from condensers.sets.origins import UNKNOWN
from condensers.sets.soundness import are_probabilities, require_sound
from condensers.sets.synthetic_set import SyntheticSet, card_of


@dataclass(frozen=True)
class Imported(SetSource):
    """Stands where a card wants a method: it made nothing, and may couple classes for all that is
    known.
    """

    parameterisation: Parameterisation = hyper("pixels", source="the file", part="parameterisation")

    registered: ClassVar[str] = "imported"
    evaluation: ClassVar[str] = "dsa"
    couples_classes: ClassVar[bool] = True
    origin: ClassVar[str] = UNKNOWN

    def images_per_class(self, data: ClassData, ipc: int) -> int:
        return ipc * self.parameterisation.copies


def assemble(published: Published, data: ClassData, choices: Choices) -> SyntheticSet:
    """Make a set of a published file.

    Args:
        published: What the file holds and says of itself.
        data: The training part of the data set that it was made from.
        choices: What the user says beside.

    Raises:
        UsageError: Something is not said, cannot be true, or does not fit `data`; all such
            questions at once.
    """
    published = _orient(published, data)
    pixels, order = _answers(published, data, choices)
    spec = {"name": "tiles", "factor": choices.factor} if choices.factor > 1 else {"name": "pixels"}
    method = Imported(PARAMETERISATIONS.create({**spec, "storage": choices.storage}, "import"))
    method.parameterisation.nbytes(
        data, 1
    )  # refuses images that are too small to be cut into that many tiles
    labels, form = _labels(published, data, choices, order)
    positions, classes = _by_class(labels, order, data)
    counts = _counts(labels, classes, published, data)
    images = pixels.images[positions]
    tensors = {
        **method.parameterisation.pack({"images": images}, data),
        "labels": _store_labels(labels[positions], method, data),
    }
    if published.rates is not None:
        tensors["rates"] = published.rates
    card = card_of(
        method, data, Context(), max(counts.values()), _recipe(published, choices, form, pixels)
    ) | {
        "classes": classes,
        "method": choices.method,
        "origin": MADE_OF.get(choices.origin, published.origin),
        "hyperparameters": {},
        "seed": None,
        "imported": True,
        "source": {
            "file": published.path.name,
            "sha256": _sha256(published),
            "format": published.format,
            "pixels": pixels.said,
            "contrast": round(pixels.contrast, 3),
        },
    }
    made = SyntheticSet(
        tensors, card | ({"counts": counts} if len(set(counts.values())) > 1 else {})
    )
    require_sound(made, published.path)
    return made


def describe_published(published: Published) -> str:
    """Describe in one line what a published file holds."""
    images, labels = published.images, published.labels
    shape = "x".join(map(str, images.shape[1:]))
    kind = (
        f"rows of {labels.shape[1]}"
        if labels.ndim == 2
        else spell_labels(sorted(set(labels.tolist())))
    )
    rates = "" if published.rates is None else f", {len(published.rates)} learning rate(s)"
    kept = "uint8" if images.dtype == torch.uint8 else "floating-point"
    return (
        f"format {published.format}: {len(images)} images {shape}, {kept} pixels from"
        f" {extent(images)}, labels {kind}{rates}"
    )


def _orient(published: Published, data: ClassData) -> Published:
    """Images as (M, C, H, W), from (M, H, W, C) where the data's shape shows that; UsageError for
    another shape.
    """
    shape, (channels, height, width) = tuple(published.images.shape[1:]), data.shape
    if shape == data.shape:
        return published
    if shape == (height, width, channels):
        return replace(published, images=published.images.permute(0, 3, 1, 2).contiguous())
    here, wanted = ("x".join(map(str, s)) for s in (shape, data.shape))
    raise UsageError(
        f"{published.path}: its images are {here}, those of {data.name} {wanted}; pass the --data"
        " it was made from"
    )


def _answers(
    published: Published, data: ClassData, choices: Choices
) -> tuple[PublishedPixels, dict[int, int]]:
    faults: list[str] = []
    answers: list[Any] = []
    for ask in (pixels_of, order_of):
        try:
            answers.append(ask(published, data, choices))
        except UsageError as fault:
            faults.append(str(fault))
    if faults:
        raise UsageError("\n".join(faults))
    return answers[0], answers[1]


def _recipe(
    published: Published, choices: Choices, form: str, pixels: PublishedPixels
) -> dict[str, Any]:
    """What training on the set asks for, by its file and the user."""
    rates = published.rates is not None
    asked = {
        k: v for k, v in published.recipe.items() if rates or k not in ("lr", "ordered", "epochs")
    }
    recipe = asked | {"labels": form} | ({"loss": "mse"} if form == "scores" else {})
    recipe["augmentation"] = choices.augmentation or recipe.get("augmentation", "dsa")
    return recipe | ({} if pixels.fit is None else {"whitening": pixels.fit.as_json()})


def _labels(
    published: Published, data: ClassData, choices: Choices, order: Mapping[int, int]
) -> tuple[Tensor, str]:
    """Labels (M,) int64 or (M, K) float32 as the data set counts classes, and their form for the
    recipe.
    """
    labels, names = published.labels, len(data.class_names)
    stated = choices.soft or str(published.recipe.get("labels", ""))
    if labels.ndim == 2 and not stated and _one_hot(labels):
        labels = labels.argmax(1)
    if labels.ndim == 1:
        return torch.tensor([order[label] for label in labels.tolist()]), "hard"
    form = stated or _guess(published)
    if form == "logits":
        labels, form = labels.softmax(1), "probabilities"
    if form == "probabilities" and not are_probabilities(labels):
        raise UsageError(
            f"{published.path}: its labels are no probabilities; pass --soft-labels scores or"
            " logits"
        )
    if form == "scores" and labels.shape[1] != names:
        raise UsageError(
            f"{published.path}: has scores for {labels.shape[1]} classes, {data.name} has {names};"
            " all are needed"
        )
    columns = torch.zeros(len(labels), names)
    columns[:, [order[column] for column in range(labels.shape[1])]] = labels
    return columns, form


def _one_hot(labels: Tensor) -> bool:
    """Whether rows are classes, written at length."""
    return bool(((labels == 0) | (labels == 1)).all()) and bool((labels.sum(1) == 1).all())


def _guess(published: Published) -> str:
    if are_probabilities(published.labels):
        return "probabilities"
    if published.format == "npz":  # KIP and FRePo, which regress on them
        return "scores"
    raise UsageError(
        f"{published.path}: its labels are rows of numbers but no probabilities; pass --soft-labels"
        " scores (logits are regressed on them) or logits (their softmax is learned)"
    )


def _by_class(
    labels: Tensor, order: Mapping[int, int], data: ClassData
) -> tuple[Tensor, list[int]]:
    """Positions of the images ordered by class, and the classes.

    Learned soft labels may prefer another class than their image began with: where as many images
    for each class fit, the file's order stays.
    """
    hard = labels if labels.ndim == 1 else labels.argmax(1)
    classes = sorted(set(hard.tolist())) if labels.ndim == 1 else sorted(order.values())
    counts = torch.bincount(hard, minlength=len(data.class_names))[classes]
    if (
        labels.ndim == 2
        and int(counts.min()) != int(counts.max())
        and len(labels) % len(classes) == 0
    ):
        return torch.arange(len(labels)), classes
    return hard.argsort(stable=True), classes


def _counts(
    labels: Tensor, classes: list[int], published: Published, data: ClassData
) -> dict[str, int]:
    """Stored images of each class by its name; UsageError for an ordered set in which they
    differ.
    """
    if labels.ndim == 2 and len(labels) % len(classes) == 0:
        return {data.class_names[c]: len(labels) // len(classes) for c in classes}
    hard = labels if labels.ndim == 1 else labels.argmax(1)
    found = {data.class_names[c]: int((hard == c).sum()) for c in classes}
    if published.recipe.get("ordered") and len(set(found.values())) > 1:
        raise UsageError(
            f"{published.path}: an ordered set has as many images of each class, this one {found};"
            " leave some out"
        )
    return found


def _store_labels(labels: Tensor, method: Imported, data: ClassData) -> Tensor:
    """Hard labels one a unit, soft ones one an image."""
    if labels.ndim == 2:
        return labels.repeat_interleave(method.parameterisation.copies, 0)
    return labels.to(label_dtype(len(data.class_names)))


def _sha256(published: Published) -> str:
    return hashlib.sha256(published.path.read_bytes()).hexdigest()
