"""Exemplars: the decoded images that a memory holds, and the sources that they come from.

A source is a set condensed before the stream, or something that condenses along the stream
(`PerExperience` here, others in `condensing.py`). Avalanche is not imported.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from condensers.errors import UsageError
from condensers.sets.files import load_set
from condensers.sets.soundness import require_sound
from condensers.sets.synthetic_set import SyntheticSet
from condensers.training.losses import centred_onehot
from scenarios.training_material import scale_scores


@dataclass(frozen=True)
class Exemplars:
    """Decoded images of a memory with their labels.

    Attributes:
        images: (n, C, H, W) float32, normalised.
        labels: (n,) int64, the class that each image was made for.
        targets: (n, K) float32 soft labels; None for a set with hard labels.
        scores: Whether the soft labels are regressed on, rather than taken as probabilities.
    """

    images: Tensor
    labels: Tensor
    targets: Tensor | None = None
    scores: bool = False

    def restrict(self, classes: Sequence[int]) -> "Exemplars":
        """Return the exemplars of `classes` alone."""
        return self.select(torch.isin(self.labels, torch.tensor(list(classes))))

    def select(self, index: Tensor) -> "Exemplars":
        """Return the exemplars at the positions `index` (n,) int64, or of a mask (N,)."""
        targets = None if self.targets is None else self.targets[index]
        return Exemplars(self.images[index], self.labels[index], targets, self.scores)

    def renumber(self, names: "StreamIds | None") -> "Exemplars":
        """Return the exemplars with classes numbered as the stream numbers them."""
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
    """How a stream numbers the classes of a set.

    Attributes:
        ids: (K,) int64, the stream's id of each class, -1 for a class that never comes. Several
            classes may share an id.
        tasks: (K,) int64, the task label of each class, -1 where it is not known.
    """

    ids: Tensor
    tasks: Tensor


@dataclass(frozen=True)
class MemoryBatch:
    """Exemplars drawn from a memory, as they join a minibatch of the stream.

    Attributes:
        x: (n, C, H, W) float32, normalised.
        y: (n,) int64, the stream's ids.
        targets: (n, K) float32 soft labels, or None.
        scores: Whether the soft labels are regressed on.
        tasks: (n,) int64 task labels.
        index: (n,) int64, the positions in the memory.
    """

    x: Tensor
    y: Tensor
    targets: Tensor | None
    scores: bool
    tasks: Tensor
    index: Tensor


def decode_set(synthetic: SyntheticSet) -> Exemplars:
    """Decode a set; scores are scaled to the size of centred one-hot labels.

    Raises:
        UsageError: The set is unsound.
    """
    images, labels = require_sound(synthetic, "CondensedMemory")
    if labels.ndim == 1:
        return Exemplars(images, labels)
    scores = synthetic.recipe.get("labels") == "scores"
    labels = scale_scores(labels) if scores else labels
    return Exemplars(images, infer_classes(synthetic, labels), labels, scores)


def infer_classes(synthetic: SyntheticSet, labels: Tensor) -> Tensor:
    """(n,) int64: the class that each image was made for.

    Sets are ordered by class, whatever their soft labels are.
    """
    classes = torch.tensor(synthetic.classes)
    each, rest = divmod(len(labels), len(classes))
    return labels.argmax(1) if rest else classes.repeat_interleave(each)


def join_exemplars(parts: Sequence[Exemplars]) -> Exemplars:
    """Concatenate exemplars; all get soft labels where some have them."""
    images, labels = torch.cat([p.images for p in parts]), torch.cat([p.labels for p in parts])
    soft = [p.targets for p in parts if p.targets is not None]
    if not soft:
        return Exemplars(images, labels)
    scores, width = any(p.scores for p in parts), soft[0].shape[1]
    targets = [
        p.targets if p.targets is not None else _soften_labels(p.labels, width, scores)
        for p in parts
    ]
    return Exemplars(images, labels, torch.cat(targets), scores)


def _restrict_to_task(targets: Tensor, kept: Tensor, exemplars: Exemplars) -> Tensor:
    """Zero the soft labels (n, K) outside the classes `kept` (n, K) and renormalise the rest."""
    left = targets * kept
    if exemplars.scores:
        return left
    mass = left.sum(1, keepdim=True)
    hard = torch.nn.functional.one_hot(exemplars.labels, targets.shape[1]).to(targets)
    return torch.where(mass > 0, left / mass.clamp_min(1e-12), hard)


def _soften_labels(labels: Tensor, classes: int, scores: bool) -> Tensor:
    if scores:
        return centred_onehot(labels, classes)
    return torch.nn.functional.one_hot(labels, classes).float()


class MemorySource(ABC):
    """Base class of what a memory's exemplars come from.

    A source starts empty. The memory calls `take` at each experience that brings new classes, and
    `observe` with each minibatch of an online stream. A source that the passing stream does not
    change needs only `ledger` and `take`.

    Attributes:
        kind: "offline", "per experience" or "online".
        exemplars: What the memory holds, a part for each condensed set.
    """

    kind: ClassVar[str]
    exemplars: list[Exemplars]

    @property
    @abstractmethod
    def ledger(self) -> Mapping[str, int]:
        """The bytes that each group of tensors takes now, by its name."""

    @property
    def card(self) -> Mapping[str, Any] | None:
        """The card of the latest set; None before there is one."""
        return None

    @property
    def known_exemplars(self) -> Exemplars | None:
        """The exemplars of all classes, where they are known before the stream begins."""
        return None

    @abstractmethod
    def take(self, new: tuple[int, ...]) -> list[Exemplars]:
        """Return all that the memory holds once new classes have come.

        Args:
            new: The classes of the experience that the memory lacks, ascending.

        Returns:
            The parts of the memory; parts that did not change stay first.
        """

    def observe(self, images: Tensor, labels: Tensor) -> bool:
        """Let the source see a minibatch of the stream.

        Args:
            images: (n, C, H, W) uint8.
            labels: (n,) int64, the classes of the data.

        Returns:
            Whether the memory has changed.
        """
        return False

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs beside the classes that were taken."""
        return {}

    @abstractmethod
    def restore(self, state: Mapping[str, Any], admitted: Sequence[tuple[int, ...]]) -> None:
        """Return to an earlier state.

        Args:
            state: What `state_dict` returned.
            admitted: The classes taken until then, experience by experience.
        """


class Offline(MemorySource):
    """A set of all classes, condensed before the stream; its bytes count from the start."""

    kind: ClassVar[str] = "offline"

    def __init__(self, synthetic: SyntheticSet) -> None:
        self.synthetic, self.decoded = synthetic, decode_set(synthetic)
        self.exemplars: list[Exemplars] = []

    @property
    def ledger(self) -> Mapping[str, int]:
        return count_bytes(self.synthetic)

    @property
    def card(self) -> Mapping[str, Any]:
        return self.synthetic.card

    @property
    def known_exemplars(self) -> Exemplars:
        return self.decoded

    def take(self, new: tuple[int, ...]) -> list[Exemplars]:
        require_classes(self.decoded, new)
        self.exemplars.append(self.decoded.restrict(new))
        return self.exemplars

    def restore(self, state: Mapping[str, Any], admitted: Sequence[tuple[int, ...]]) -> None:
        self.exemplars = [self.decoded.restrict(classes) for classes in admitted]


# Condenses the classes of an experience, in ascending order.
MakeSet = Callable[[tuple[int, ...]], SyntheticSet]


class PerExperience(MemorySource):
    """What a function condenses of the classes of each experience; a set never changes later."""

    kind: ClassVar[str] = "per experience"

    def __init__(self, make: MakeSet) -> None:
        self.make = make
        self.sets: list[SyntheticSet] = []
        self.exemplars: list[Exemplars] = []

    @property
    def ledger(self) -> Mapping[str, int]:
        return add_ledgers(count_bytes(made) for made in self.sets)

    @property
    def card(self) -> Mapping[str, Any] | None:
        return self.sets[-1].card if self.sets else None

    def take(self, new: tuple[int, ...]) -> list[Exemplars]:
        made = self.make(new)
        exemplars = decode_set(made)
        require_classes(exemplars, new)
        self.sets.append(made)
        self.exemplars.append(exemplars.restrict(new))
        return self.exemplars

    def restore(self, state: Mapping[str, Any], admitted: Sequence[tuple[int, ...]]) -> None:
        self.sets, self.exemplars = [], []
        for classes in admitted:
            self.take(classes)


def count_bytes(synthetic: SyntheticSet) -> dict[str, int]:
    """Return the bytes of a set by the name of its tensors: images, labels, codes, ..."""
    return {name: t.numel() * t.element_size() for name, t in synthetic.tensors.items()}


def add_ledgers(ledgers: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sums of several ledgers, name by name."""
    total: dict[str, int] = {}
    for ledger in ledgers:
        for name, nbytes in ledger.items():
            total[name] = total.get(name, 0) + nbytes
    return total


def require_classes(exemplars: Exemplars, classes: tuple[int, ...]) -> None:
    """Raise UsageError if a class of the stream has no exemplar."""
    absent = sorted(set(classes) - set(exemplars.labels.tolist()))
    if absent:
        raise UsageError(
            f"CondensedMemory: the stream brings class {absent[0]}, of which the set has no image;"
            " condense one"
        )


SourceLike = SyntheticSet | MakeSet | str | Path | MemorySource


def as_source(given: SourceLike) -> MemorySource:
    """Return a set, the path of one, or a function that makes sets, as a source."""
    if isinstance(given, MemorySource):
        return given
    if isinstance(given, str | Path):
        return Offline(load_set(Path(given)))
    if isinstance(given, SyntheticSet):
        return Offline(given)
    return PerExperience(given)
