"""Pieces: what a memory holds once its sets are decoded."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from condensers.soundness import sound
from condensers.synthetic import SyntheticSet
from condensers.training import centred_onehot
from scenarios.material import as_scores


@dataclass(frozen=True)
class Piece:
    """images: (n, C, H, W) float32 normalised. labels: (n,) int64, the class that each image was made for.

    targets: (n, K) float32, soft labels where the set has them; scores: whether these are to be regressed on.
    """

    images: Tensor
    labels: Tensor
    targets: Tensor | None = None
    scores: bool = False

    def of(self, classes: Sequence[int]) -> "Piece":
        """The images of some classes alone."""
        mine = torch.isin(self.labels, torch.tensor(list(classes)))
        return Piece(self.images[mine], self.labels[mine], None if self.targets is None else self.targets[mine], self.scores)

    def called(self, outputs: Tensor | None) -> "Piece":
        """With classes numbered as the learner's outputs (K,) int64; several classes may share one."""
        if outputs is None:
            return self
        targets = self.targets
        if targets is not None:
            width = int(outputs.max()) + 1
            targets = targets.new_zeros(len(targets), width).index_add_(1, outputs, targets)
        return Piece(self.images, outputs[self.labels], targets, self.scores)


@dataclass(frozen=True)
class MemoryBatch:
    """x (n, C, H, W) float32 normalised; y (n,) int64; targets (n, K) float32 or None; index (n,): where in the memory."""

    x: Tensor
    y: Tensor
    targets: Tensor | None
    scores: bool
    tasks: Tensor
    index: Tensor


def decoded(synthetic: SyntheticSet) -> Piece:
    """A set's images and labels; UsageError for an unsound set.

    Score labels are brought to the size of centred one-hot labels, as `scenarios.material` says.
    """
    images, labels = sound(synthetic, "CondensedMemory")
    if labels.ndim == 1:
        return Piece(images, labels)
    scores = synthetic.recipe.get("labels") == "scores"
    labels = as_scores(labels) if scores else labels
    return Piece(images, classes_of(synthetic, labels), labels, scores)


def classes_of(synthetic: SyntheticSet, labels: Tensor) -> Tensor:
    """(n,) int64: the class that each image was made for; sets are ordered by class, whatever their soft labels say."""
    classes = torch.tensor(synthetic.classes)
    each, rest = divmod(len(labels), len(classes))
    return labels.argmax(1) if rest else classes.repeat_interleave(each)


def joined(pieces: Sequence[Piece]) -> Piece:
    """All of them as one; soft labels for all where one has them."""
    images, labels = torch.cat([p.images for p in pieces]), torch.cat([p.labels for p in pieces])
    soft = [p.targets for p in pieces if p.targets is not None]
    if not soft:
        return Piece(images, labels)
    scores, width = any(p.scores for p in pieces), soft[0].shape[1]
    targets = [p.targets if p.targets is not None else _as_soft(p.labels, width, scores) for p in pieces]
    return Piece(images, labels, torch.cat(targets), scores)


def _as_soft(labels: Tensor, classes: int, scores: bool) -> Tensor:
    if scores:
        return centred_onehot(labels, classes)
    return torch.nn.functional.one_hot(labels, classes).float()
