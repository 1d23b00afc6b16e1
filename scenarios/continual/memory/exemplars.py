"""Pieces: what a memory holds once its sets are decoded."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from condensers.sets.soundness import sound
from condensers.sets.synthetic_set import SyntheticSet
from condensers.training.classifier import centred_onehot
from scenarios.training_material import scale_scores


@dataclass(frozen=True)
class Exemplars:
    """images: (n, C, H, W) float32 normalised. labels: (n,) int64, the class that each image was
    made for.

    targets: (n, K) float32, soft labels where the set has them; scores: whether these are to be
    regressed on.
    """

    images: Tensor
    labels: Tensor
    targets: Tensor | None = None
    scores: bool = False

    def of(self, classes: Sequence[int]) -> "Exemplars":
        """The images of some classes alone."""
        mine = torch.isin(self.labels, torch.tensor(list(classes)))
        return Exemplars(
            self.images[mine],
            self.labels[mine],
            None if self.targets is None else self.targets[mine],
            self.scores,
        )

    def called(self, names: "StreamIds | None") -> "Exemplars":
        """With classes numbered as the stream does."""
        if names is None:
            return self
        labels, targets = names.ids[self.labels], self.targets
        if targets is None:
            return Exemplars(self.images, labels)
        same = names.tasks[self.labels, None] == names.tasks[None, : targets.shape[1]]
        kept = same & (names.ids[None, : targets.shape[1]] >= 0)
        if not bool(kept.all()):
            targets = _restrict_to_task(targets, kept, self)
        width, outputs = int(names.ids.max()) + 1, names.ids[: targets.shape[1]].clamp_min(0)
        targets = targets.new_zeros(len(targets), width).index_add_(1, outputs, targets)
        return Exemplars(self.images, labels, targets, self.scores)


@dataclass(frozen=True)
class StreamIds:
    """ids: (K,) int64, what the stream calls each class, -1 where it never comes; several classes
    may share an id.

    tasks: (K,) int64, the task label of each class, -1 where it is not known.
    """

    ids: Tensor
    tasks: Tensor


@dataclass(frozen=True)
class MemoryBatch:
    """x (n, C, H, W) float32 normalised; y (n,) int64; targets (n, K) float32 or None; index (n,):
    where in the memory.
    """

    x: Tensor
    y: Tensor
    targets: Tensor | None
    scores: bool
    tasks: Tensor
    index: Tensor


def decode_set(synthetic: SyntheticSet) -> Exemplars:
    """A set's images and labels; UsageError for an unsound set.

    Score labels are brought to the size of centred one-hot labels, as `scenarios.training_material`
    says.
    """
    images, labels = sound(synthetic, "CondensedMemory")
    if labels.ndim == 1:
        return Exemplars(images, labels)
    scores = synthetic.recipe.get("labels") == "scores"
    labels = scale_scores(labels) if scores else labels
    return Exemplars(images, infer_classes(synthetic, labels), labels, scores)


def infer_classes(synthetic: SyntheticSet, labels: Tensor) -> Tensor:
    """(n,) int64: the class that each image was made for; sets are ordered by class, whatever their
    soft labels say.
    """
    classes = torch.tensor(synthetic.classes)
    each, rest = divmod(len(labels), len(classes))
    return labels.argmax(1) if rest else classes.repeat_interleave(each)


def join_exemplars(pieces: Sequence[Exemplars]) -> Exemplars:
    """All of them as one; soft labels for all where one has them."""
    images, labels = torch.cat([p.images for p in pieces]), torch.cat([p.labels for p in pieces])
    soft = [p.targets for p in pieces if p.targets is not None]
    if not soft:
        return Exemplars(images, labels)
    scores, width = any(p.scores for p in pieces), soft[0].shape[1]
    targets = [
        p.targets if p.targets is not None else _soften_labels(p.labels, width, scores)
        for p in pieces
    ]
    return Exemplars(images, labels, torch.cat(targets), scores)


def _restrict_to_task(targets: Tensor, kept: Tensor, piece: Exemplars) -> Tensor:
    """Soft labels (n, K) of `piece` that speak only of the classes `kept` (n, K): those of its task
    that the stream has.
    """
    left = targets * kept
    if piece.scores:
        return left
    mass = left.sum(1, keepdim=True)
    hard = torch.nn.functional.one_hot(piece.labels, targets.shape[1]).to(targets)
    return torch.where(mass > 0, left / mass.clamp_min(1e-12), hard)


def _soften_labels(labels: Tensor, classes: int, scores: bool) -> Tensor:
    if scores:
        return centred_onehot(labels, classes)
    return torch.nn.functional.one_hot(labels, classes).float()
