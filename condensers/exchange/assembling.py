"""A published file, the data set it is said to be made from, and the user's answers -> a set of this harness.

Images are sorted by class and normalised by the data set's mean and std; soft labels keep one column for each class name.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from condensers.context import Context
from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.exchange.choices import MADE_OF, Choices, extent, order_of, scale_of
from condensers.exchange.published import Published
from condensers.fields import hyper
from condensers.labels.base import label_dtype
from condensers.origins import UNKNOWN
from condensers.registry import PARAMETERISATIONS
from condensers.synthetic import SyntheticSet, card_of

SUM_TOLERANCE = 1e-3  # probabilities that were stored at half precision add up to one this well


@dataclass(frozen=True)
class Imported:
    """Stands where a card wants a method: it made nothing, and may couple classes for all that is known."""

    parameterisation: Any = hyper("pixels", source="the file", part="parameterisation")

    registered: ClassVar[str] = "imported"
    evaluation: ClassVar[str] = "dsa"
    couples_classes: ClassVar[bool] = True
    origin: ClassVar[str] = UNKNOWN

    def images_per_class(self, data: ClassData, ipc: int) -> int:
        return int(ipc * self.parameterisation.copies)


def assemble(published: Published, data: ClassData, choices: Choices) -> SyntheticSet:
    """UsageError where something is not said, cannot be true, or does not fit `data`; every such question at once."""
    (mean, std), order = _answers(published, data, choices)
    if published.images.shape[1:] != data.shape:
        found, wanted = ("x".join(map(str, s)) for s in (published.images.shape[1:], data.shape))
        raise UsageError(
            f"{published.path}: its images are {found}, those of {data.name} {wanted}; pass the --data it was made from"
        )
    spec = {"name": "tiles", "factor": choices.factor} if choices.factor > 1 else {"name": "pixels"}
    method = Imported(PARAMETERISATIONS.create({**spec, "storage": choices.storage}, "import"))
    method.parameterisation.nbytes(data, 1)  # refuses images that are too small to be cut into that many tiles
    labels, form = _labels(published, data, choices, order)
    positions, classes = _by_class(labels, order, data, published)
    images = _normalised(published.images[positions], mean, std, data)
    tensors = {**method.parameterisation.pack({"images": images}, data), "labels": _stored(labels[positions], method, data)}
    if published.rates is not None:
        tensors["rates"] = published.rates
    asked = {k: v for k, v in published.recipe.items() if published.rates is not None or k not in ("lr", "ordered", "epochs")}
    recipe = asked | {"labels": form} | ({"loss": "mse"} if form == "scores" else {})
    recipe["augmentation"] = choices.augmentation or recipe.get("augmentation", "dsa")
    ipc = len(images) // len(classes)
    card = card_of(method, data, Context(), ipc, recipe) | {
        "classes": classes,
        "method": choices.method,
        "origin": MADE_OF.get(choices.origin, published.origin),
        "hyperparameters": {},
        "seed": None,
        "imported": True,
        "source": {"file": published.path.name, "sha256": _sha256(published), "format": published.format},
    }
    return SyntheticSet(tensors, card)


def found(published: Published) -> str:
    """One sentence on what the file holds."""
    images, labels = published.images, published.labels
    shape = "x".join(map(str, images.shape[1:]))
    kind = f"rows of {labels.shape[1]}" if labels.ndim == 2 else f"0 to {int(labels.max())}"
    rates = "" if published.rates is None else f", {len(published.rates)} learning rate(s)"
    kept = str(images.dtype).removeprefix("torch.")
    return f"format {published.format}: {len(images)} images {shape}, {kept} pixels from {extent(images)}, labels {kind}{rates}"


def _answers(published: Published, data: ClassData, choices: Choices) -> tuple[tuple[Tensor, Tensor], list[int]]:
    faults: list[str] = []
    answers: list[Any] = []
    for ask in (scale_of, order_of):
        try:
            answers.append(ask(published, data, choices))
        except UsageError as fault:
            faults.append(str(fault))
    if faults:
        raise UsageError("\n".join(faults))
    return answers[0], answers[1]


def _labels(published: Published, data: ClassData, choices: Choices, order: Sequence[int]) -> tuple[Tensor, str]:
    """Labels (M,) int64 or (M, K) float32 as the data set counts classes, and their form for the recipe."""
    labels, names = published.labels, len(data.class_names)
    if labels.ndim == 1:
        return torch.tensor(order)[labels], "hard"
    form = choices.soft or str(published.recipe.get("labels", "")) or _guess(published)
    if form == "logits":
        labels, form = labels.softmax(1), "probabilities"
    if form == "probabilities" and not _sums_to_one(labels):
        raise UsageError(f"{published.path}: its labels are no probabilities; pass --soft-labels scores or logits")
    if form == "scores" and labels.shape[1] != names:
        raise UsageError(f"{published.path}: has scores for {labels.shape[1]} classes, {data.name} has {names}; all are needed")
    columns = torch.zeros(len(labels), names)
    columns[:, list(order)] = labels
    return columns, form


def _guess(published: Published) -> str:
    if _sums_to_one(published.labels):
        return "probabilities"
    if published.format == "npz":  # KIP and FRePo, which regress on them
        return "scores"
    raise UsageError(
        f"{published.path}: its labels are rows of numbers but no probabilities; pass --soft-labels scores (logits are"
        " regressed on them) or logits (their softmax is learned)"
    )


def _sums_to_one(labels: Tensor) -> bool:
    return bool((labels >= 0).all()) and bool(((labels.sum(1) - 1).abs() <= SUM_TOLERANCE).all())


def _by_class(labels: Tensor, order: Sequence[int], data: ClassData, published: Published) -> tuple[Tensor, list[int]]:
    """Positions of the images ordered by class, and the classes; UsageError where classes have unequal counts.

    Learned soft labels may prefer another class than their image began with: then the file's order stays.
    """
    hard = labels if labels.ndim == 1 else labels.argmax(1)
    classes = sorted(set(hard.tolist())) if labels.ndim == 1 else sorted(order)
    counts = torch.bincount(hard, minlength=len(data.class_names))[classes]
    if int(counts.min()) == int(counts.max()):
        return hard.argsort(stable=True), classes
    if labels.ndim == 2 and len(labels) % len(classes) == 0:
        return torch.arange(len(labels)), classes
    most, least = (data.class_names[classes[int(c)]] for c in (counts.argmax(), counts.argmin()))
    raise UsageError(
        f"{published.path}: class '{most}' has {int(counts.max())} images and '{least}' {int(counts.min())}; a set has as many of"
        " each class: leave some out"
    )


def _normalised(images: Tensor, mean: Tensor, std: Tensor, data: ClassData) -> Tensor:
    """Float32 images normalised by the data's mean and std; untouched where they are so already."""
    if images.dtype == torch.uint8:
        return data.normalise(images)
    if (tuple(mean.flatten().tolist()), tuple(std.flatten().tolist())) == _as_float32(data):
        return images
    own_mean, own_std = (torch.tensor(v).view(-1, 1, 1) for v in (data.mean, data.std))
    return (images * std + mean - own_mean) / own_std


def _as_float32(data: ClassData) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(torch.tensor(data.mean).tolist()), tuple(torch.tensor(data.std).tolist())


def _stored(labels: Tensor, method: Imported, data: ClassData) -> Tensor:
    """Hard labels one a unit, soft ones one an image."""
    if labels.ndim == 2:
        return labels.repeat_interleave(method.parameterisation.copies, 0)
    return labels.to(label_dtype(len(data.class_names)))


def _sha256(published: Published) -> str:
    return hashlib.sha256(published.path.read_bytes()).hexdigest()
