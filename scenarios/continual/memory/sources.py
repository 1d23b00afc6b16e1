"""Where the images of a memory come from: made before the stream, or anew for the classes of each
experience.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

from torch import Tensor

from condensers.errors import UsageError
from condensers.sets.files import load_set
from condensers.sets.synthetic_set import SyntheticSet
from scenarios.continual.memory.exemplars import Exemplars, decode_set

Make = Callable[[tuple[int, ...]], SyntheticSet]


class MemorySource(Protocol):
    """kind: "offline", "per experience" or "online". ledger: the bytes that each group of tensors
    takes now, by its name.
    """

    kind: ClassVar[str]

    @property
    def ledger(self) -> Mapping[str, int]: ...

    @property
    def card(self) -> Mapping[str, Any] | None: ...

    @property
    def pieces(self) -> list[Exemplars]: ...

    def take(self, new: tuple[int, ...]) -> list[Exemplars]:
        """All that the memory holds once the classes `new`, ascending, have come; pieces that did
        not change stay first.
        """
        ...

    def observe(self, images: Tensor, labels: Tensor) -> bool:
        """See a minibatch of the stream, (n, C, H, W) uint8 and the data's classes (n,); whether
        the memory has changed.
        """
        ...

    def state_dict(self) -> dict[str, Any]: ...

    def restore(self, state: Mapping[str, Any], admitted: Sequence[tuple[int, ...]]) -> None:
        """Be as when `state` was kept, after the classes `admitted` had been taken, experience by
        experience.
        """
        ...


class Unmoved:
    """A source that the passing stream does not change, and whose state is the classes that it
    took.
    """

    def observe(self, images: Tensor, labels: Tensor) -> bool:
        return False

    def state_dict(self) -> dict[str, Any]:
        return {}


class Offline(Unmoved):
    """A set of all classes, made before the stream began: its whole size counts from the start."""

    kind: ClassVar[str] = "offline"

    def __init__(self, synthetic: SyntheticSet) -> None:
        self.synthetic, self.whole = synthetic, decode_set(synthetic)
        self.pieces: list[Exemplars] = []

    @property
    def ledger(self) -> Mapping[str, int]:
        return count_bytes(self.synthetic)

    @property
    def card(self) -> Mapping[str, Any]:
        return self.synthetic.card

    def take(self, new: tuple[int, ...]) -> list[Exemplars]:
        require_classes(self.whole, new)
        self.pieces.append(self.whole.of(new))
        return self.pieces

    def restore(self, state: Mapping[str, Any], admitted: Sequence[tuple[int, ...]]) -> None:
        self.pieces = [self.whole.of(classes) for classes in admitted]


class PerExperience(Unmoved):
    """What a function makes of the classes of each experience; what was made stays as it is."""

    kind: ClassVar[str] = "per experience"

    def __init__(self, make: Make) -> None:
        self.make = make
        self.sets: list[SyntheticSet] = []
        self.pieces: list[Exemplars] = []

    @property
    def ledger(self) -> Mapping[str, int]:
        return add_ledgers(count_bytes(made) for made in self.sets)

    @property
    def card(self) -> Mapping[str, Any] | None:
        return self.sets[-1].card if self.sets else None

    def take(self, new: tuple[int, ...]) -> list[Exemplars]:
        made = self.make(new)
        piece = decode_set(made)
        require_classes(piece, new)
        self.sets.append(made)
        self.pieces.append(piece.of(new))
        return self.pieces

    def restore(self, state: Mapping[str, Any], admitted: Sequence[tuple[int, ...]]) -> None:
        self.sets, self.pieces = [], []
        for classes in admitted:
            self.take(classes)


def count_bytes(synthetic: SyntheticSet) -> dict[str, int]:
    """Bytes by the name of the tensors: images, labels, codes, ..."""
    return {name: t.numel() * t.element_size() for name, t in synthetic.tensors.items()}


def add_ledgers(ledgers: Any) -> dict[str, int]:
    """The sums of several ledgers, name by name."""
    total: dict[str, int] = {}
    for ledger in ledgers:
        for name, nbytes in ledger.items():
            total[name] = total.get(name, 0) + nbytes
    return total


def require_classes(piece: Exemplars, new: tuple[int, ...]) -> None:
    absent = sorted(set(new) - set(piece.labels.tolist()))
    if absent:
        raise UsageError(
            f"CondensedMemory: the stream brings class {absent[0]}, of which the set has no image;"
            " condense one"
        )


SourceLike = SyntheticSet | Make | str | Path | MemorySource


def as_source(given: SourceLike) -> MemorySource:
    """A set, the path of one, or a function that makes sets, as a source."""
    if isinstance(given, str | Path):
        return Offline(load_set(Path(given)))
    if isinstance(given, SyntheticSet):
        return Offline(given)
    return given if hasattr(given, "take") else PerExperience(given)  # type: ignore[arg-type, return-value]
