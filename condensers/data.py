"""ClassData: real images by class, the only view of the data that a condenser gets."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from condensers.engine.devices import send
from condensers.errors import DataMissing, UsageError
from condensers.preview import html_of, picture_of
from condensers.rows import draw_distinct, pieces, positions_by_label, take_rows
from condensers.whitening import Whitening


@dataclass(frozen=True, eq=False, repr=False)
class ClassData:
    """Labelled real images of a fixed set of classes.

    Args:
        name: What reports and cards call the data.
        images: (N, C, H, W) uint8.
        labels: (N,) int64, indices into `class_names`.
        class_names: A name for each label.
        mean: Of each channel, for pixels in [0, 1].
        std: Of each channel, for pixels in [0, 1].
        mirror: Whether a horizontally flipped image keeps its label; false for digits and letters.
        licence: Of the images, for cards.
        classes: The labels that may occur; all if left out. After `restrict` the images of all
            others cannot be reached.
        notes: What should be known wherever the data are used, a sentence each; no part of the
            digest.
        whitening: If given, what networks see is whitened after it is normalised.

    Raises:
        UsageError: Images or labels are not of their form, or a label has no name.
        DataMissing: A class has no images.
    """

    name: str
    images: Tensor
    labels: Tensor
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    mirror: bool = True
    licence: str = "not recorded"
    classes: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    whitening: Whitening | None = None

    def __post_init__(self) -> None:
        if not self.classes:
            object.__setattr__(self, "classes", tuple(range(len(self.class_names))))
        if self.images.dtype != torch.uint8 or self.images.ndim != 4:
            found = f"{self.images.dtype} {tuple(self.images.shape)}"
            raise UsageError(f"{self.name}: images must be uint8 (N, C, H, W), not {found}")
        self._check_labels()

    def _check_labels(self) -> None:
        labels, known = self.labels.cpu(), len(self.class_names)
        if labels.dtype != torch.int64 or labels.shape != (len(self.images),):
            found = f"{labels.dtype} {tuple(labels.shape)}"
            raise UsageError(
                f"{self.name}: labels must be int64, one for each of {len(self.images)} images, not"
                f" {found}"
            )
        outside = labels[(labels < 0) | (labels >= known)]
        if len(outside):
            raise UsageError(
                f"{self.name}: label {int(outside[0])} is outside 0..{known - 1}; name its class or"
                " leave it out"
            )
        counts = torch.bincount(labels, minlength=known).tolist()
        empty = [self.class_names[c] for c in self.classes if counts[c] == 0]
        if empty:
            others = f" (nor have {len(empty) - 1} others)" if len(empty) > 1 else ""
            raise DataMissing(
                f"{self.name}: class '{empty[0]}' has no images{others}; add some or leave the"
                " class out"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    @property
    def device(self) -> torch.device:
        return self.images.device

    def __repr__(self) -> str:
        facts = [f"{name}: {fact}" for name, fact in self._facts().items()]
        return f"ClassData({', '.join(facts)})"

    def _repr_html_(self) -> str:
        """What a notebook shows: the facts of `repr`, and the first images of the first classes."""
        return html_of(self._facts(), picture_of(self.images, self.labels, self.classes))

    def _facts(self) -> dict[str, object]:
        return {
            "data": self.name,
            "classes": len(self.classes),
            "images": len(self.images),
            "shape": "x".join(map(str, self.shape)),
            "bytes": self.images.numel(),
            "device": self.device,
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the images, labels and class names, as 16 hex digits; the name does not
        enter.
        """
        sha = hashlib.sha256(repr((self.images.shape, self.class_names, self.classes)).encode())
        for piece in pieces(self.images):
            sha.update(piece.cpu().contiguous().numpy().data)
        sha.update(self.labels.cpu().contiguous().numpy().data)
        return sha.hexdigest()[:16]

    def adopt_digest(self, digest: str) -> None:
        """Take over the digest that was computed when these images were stored."""
        object.__setattr__(self, "digest", digest)

    @cached_property
    def _members(self) -> dict[int, Tensor]:
        return positions_by_label(self.labels, self.classes)

    def members(self, label: int) -> Tensor:
        """Return the indices (n,) int64 of the images of one class, in the data's order.

        Raises:
            KeyError: The data have no such class.
        """
        return self._members[label]

    def count(self, label: int) -> int:
        return len(self.members(label))

    def normalise(self, images: Tensor) -> Tensor:
        """Return uint8 images (N, C, H, W) as networks see them, float32.

        They are (x / 255 - mean) / std of each channel, whitened if the data have a whitening.
        """
        if self.whitening is not None:
            return self.whitening.apply(images.float() / 255)
        mean, std = self._statistics(images.device)
        return (images.float() / 255 - mean) / std

    def quantise(self, images: Tensor) -> Tensor:
        """Return normalised images (N, C, H, W) as uint8, rounded and clamped to 0 to 255.

        It is the inverse of `normalise`.
        """
        mean, std = self._statistics(images.device)
        unit = (
            images.float() * std + mean
            if self.whitening is None
            else self.whitening.undo(images.float())
        )
        return (unit * 255).round().clamp(0, 255).to(torch.uint8)

    def network_input(self, images: Tensor) -> Tensor:
        """Return images that are normalised by mean and std as networks see them.

        Args:
            images: (N, C, H, W) float32.

        Returns:
            The same, or whitened images if the data have a whitening.
        """
        if self.whitening is None:
            return images
        mean, std = self._statistics(images.device)
        return self.whitening.apply(images * std + mean)

    def _statistics(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Mean and std, (1, C, 1, 1) each, brought to each device once."""
        if device not in self._columns:
            both = send(torch.tensor([self.mean, self.std]), device)
            self._columns[device] = both[0].view(1, -1, 1, 1), both[1].view(1, -1, 1, 1)
        return self._columns[device]

    @cached_property
    def _columns(self) -> dict[torch.device, tuple[Tensor, Tensor]]:
        return {}

    def sample(self, label: int, n: int, generator: torch.Generator) -> Tensor:
        """Draw n different images of one class, all of them if it has fewer.

        Returns:
            (<= n, C, H, W) float32, normalised.
        """
        members = self.members(label)
        chosen = send(draw_distinct(len(members), n, generator), members.device)
        return self.normalise(self.images[members[chosen]])

    def batch(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw n different images of any class, all of them if there are fewer.

        Returns:
            Images (<= n, C, H, W) float32, normalised, and labels (<= n,) int64.
        """
        chosen = send(draw_distinct(len(self.images), n, generator), self.device)
        return self.normalise(self.images[chosen]), self.labels[chosen]

    def subset(self, indices: Tensor) -> "ClassData":
        """Return the data with the images at `indices` (n,) int64 only.

        They are a copy; where it would be large, they are read from these data when asked for.

        Raises:
            DataMissing: A class would have no images.
        """
        return replace(self, images=take_rows(self.images, indices), labels=self.labels[indices])

    def restrict(self, classes: Iterable[int]) -> "ClassData":
        """Return the images of some classes only; labels keep their meaning.

        They are a copy, or read when asked for, as those of `subset`.

        Raises:
            UsageError: There are no classes, or one that the data do not have.
        """
        kept = tuple(sorted(set(classes)))
        outside = [c for c in kept if c not in self.classes]
        if outside or not kept:
            raise UsageError(
                f"{self.name}: cannot restrict to classes {kept}; it holds {self.classes}"
            )
        indices = (
            torch.isin(self.labels, torch.tensor(kept, device=self.device)).nonzero().flatten()
        )
        return replace(
            self,
            images=take_rows(self.images, indices),
            labels=self.labels[indices],
            classes=kept,
        )

    def to(self, device: torch.device) -> "ClassData":
        """Return the data with its tensors on `device`, the same object if they are there."""
        if device == self.device:
            return self
        whitening = None if self.whitening is None else self.whitening.to(device)
        return replace(
            self, images=self.images.to(device), labels=self.labels.to(device), whitening=whitening
        )
