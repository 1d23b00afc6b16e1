"""What a user says of a published file where the file itself is silent, and the questions that are asked otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.errors import UsageError, suggestion
from condensers.exchange.published import Published
from condensers.exchange.said import AUGMENTATIONS, numbers
from condensers.origins import AVERAGES, LEARNED, REAL, TAUGHT

WITH_DATA = "with-data"
MADE_OF = {"real": REAL, "taught": TAUGHT, "averages": AVERAGES, "learned": LEARNED}
OVERSHOOT = 0.5  # how far pixels "in 0 to 1" may lie outside: learned ones are not always clamped


@dataclass(frozen=True)
class Choices:
    """normalised: "none" (pixels are 0 to 1), "with-data", or "MEAN/STD", each a comma-separated list, a number a channel.

    order: what the labels 0, 1, ... stand for: "with-data", or a comma-separated list of class names or of the data set's
    labels. soft: what rows of labels are, "probabilities", "scores" or "logits". factor: tiles along a side of each image.
    augmentation: of the training, "dsa" or "none"; "dsa" where neither file nor user says. origin: what its images are, a key of
    MADE_OF. "" is: not said.
    """

    normalised: str = ""
    order: str = ""
    soft: str = ""
    factor: int = 1
    storage: str = "float32"
    augmentation: str = ""
    method: str = "imported"
    origin: str = ""

    def __post_init__(self) -> None:
        for option, value, allowed in (
            ("soft-labels", self.soft, ("", "probabilities", "scores", "logits")),
            ("augmentation", self.augmentation, ("", *AUGMENTATIONS)),
            ("origin", self.origin, ("", *MADE_OF)),
        ):
            if value not in allowed:
                raise UsageError(f"--{option} {value}: unknown; {suggestion(value, filter(None, allowed))}")


def scale_of(published: Published, data: ClassData, choices: Choices) -> tuple[Tensor, Tensor]:
    """(mean, std) by which the file's pixels are normalised, each (C, 1, 1); 0 and 1 where they are not.

    UsageError where neither the file nor the user says it, or where what was said cannot be true.
    """
    path, channels = published.path, published.images.shape[1]
    said = choices.normalised or published.pixels or ("unit" if published.images.dtype == torch.uint8 else "")
    if not said:
        raise UsageError(
            f"{path}: does not say how its pixels, {extent(published.images)}, are normalised; pass --normalised with-data (by"
            f" the mean and std of {data.name}), --normalised none (pixels are 0 to 1) or --normalised MEAN/STD"
        )
    if said in ("none", "unit"):
        _require_unit(published)
        said = ((0.0,) * channels, (1.0,) * channels)
    elif said == WITH_DATA:
        said = (data.mean, data.std)
    elif isinstance(said, str):
        said = _mean_and_std(said)
    mean, std = said
    if len(mean) != channels or len(std) != channels:
        raise UsageError(f"{path}: has {channels} channels, but the mean or std has {len(mean)} and {len(std)} numbers")
    as_column = (torch.tensor(v).view(-1, 1, 1) for v in (mean, std))
    return next(as_column), next(as_column)


def order_of(published: Published, data: ClassData, choices: Choices) -> list[int]:
    """The label in `data` of each label of the file."""
    path, soft = published.path, published.labels.ndim == 2
    count = published.labels.shape[1] if soft else int(published.labels.max()) + 1
    if choices.order == WITH_DATA:
        order = list(range(len(data.class_names)))
    elif choices.order:
        order = [_label(word.strip(), data, path.name) for word in choices.order.split(",")]
    elif published.names:
        order = [_label(name, data, path.name) for name in published.names]
    else:
        raise UsageError(
            f"{path}: does not say which classes its labels 0 to {count - 1} are; pass --labels with-data (the order of"
            f" {data.name}) or a list of its classes, such as --labels {','.join(data.class_names[:2])},..."
        )
    if len(set(order)) != len(order):
        raise UsageError(f"{path}: --labels names a class twice; name each once, in the order of the file's labels")
    if count > len(order) or (soft and count != len(order)):
        raise UsageError(f"{path}: has labels 0 to {count - 1}, but {len(order)} classes are named; name the class of each")
    return order


def extent(images: Tensor) -> str:
    """Between which values pixels lie."""
    return f"{float(images.min()):.4g} to {float(images.max()):.4g}"


def _require_unit(published: Published) -> None:
    images = published.images
    if images.dtype != torch.uint8 and not -OVERSHOOT <= float(images.min()) <= float(images.max()) <= 1 + OVERSHOOT:
        raise UsageError(
            f"{published.path}: its pixels go from {extent(images)}, so they are not 0 to 1 but normalised; pass --normalised"
            " with-data or --normalised MEAN/STD"
        )


def _mean_and_std(text: str) -> tuple[Sequence[float], Sequence[float]]:
    parts = [part.split(",") for part in text.split("/")]
    try:
        mean, std = ([float(number) for number in part] for part in parts)
    except ValueError:
        raise UsageError(
            f"--normalised {text}: write none, with-data, or MEAN/STD with a number a channel, such as 0.49,0.48,0.45/0.2,0.2,0.2"
        ) from None
    return numbers(mean, "mean", f"--normalised {text}"), numbers(std, "std", f"--normalised {text}")


def _label(word: str, data: ClassData, where: str) -> int:
    """The label of a class that is named, or given by its number."""
    names = list(data.class_names)
    if word in names:
        return names.index(word)
    if word.isdecimal() and int(word) < len(names):
        return int(word)
    raise UsageError(f"{where}: {data.name} has no class '{word}'; {suggestion(word, names)}")
