"""Budget: how large a condensed set may be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from condensers.data import ClassData
from condensers.errors import UsageError, shown

if TYPE_CHECKING:
    from condensers.condenser import Condenser

KINDS = ("ipc", "bytes")


@dataclass(frozen=True)
class Budget:
    """How large a set may be: in images per class, or in stored bytes.

    Exactly one of both is given.

    Args:
        ipc: Images per class, at least 1.
        nbytes: Stored bytes of the whole set, labels included.

    Raises:
        UsageError: Both or none are given, or `ipc` is below 1.

    Examples:
        >>> str(Budget(ipc=10)), str(Budget(nbytes=3136))
        ('ipc 10', '3136 bytes')
        >>> Budget.from_json(["ipc", 10])
        Budget(ipc=10)
    """

    ipc: int | None = None
    nbytes: int | None = None

    def __post_init__(self) -> None:
        if (self.ipc is None) == (self.nbytes is None):
            raise UsageError(
                "a budget is either --ipc N (images per class) or --bytes B (of the whole set)"
            )
        if self.ipc is not None and self.ipc < 1:
            raise UsageError(f"ipc {self.ipc}: at least 1 image per class is needed")

    @classmethod
    def from_json(cls, value: Sequence[Any]) -> "Budget":
        """Return the budget that suites and records write as ["ipc", N] or ["bytes", B].

        Raises:
            UsageError: The value is neither.
        """
        if len(value) != 2 or value[0] not in KINDS or type(value[1]) is not int:
            raise UsageError(f'budget {shown(value)}: expected ["ipc", N] or ["bytes", B]')
        return cls(ipc=value[1]) if value[0] == "ipc" else cls(nbytes=value[1])

    def to_json(self) -> tuple[str, int]:
        """Return ("ipc", N) or ("bytes", B), which `from_json` reads."""
        if self.ipc is not None:
            return "ipc", self.ipc
        assert self.nbytes is not None
        return "bytes", self.nbytes

    def __str__(self) -> str:
        return f"{self.nbytes} bytes" if self.ipc is None else f"ipc {self.ipc}"

    def __repr__(self) -> str:
        return f"Budget(nbytes={self.nbytes})" if self.ipc is None else f"Budget(ipc={self.ipc})"

    def ipc_of(self, condenser: "Condenser", data: ClassData) -> int:
        """Return the most images per class that the budget allows `condenser` on `data`.

        Raises:
            UsageError: The budget is too small for the smallest set.
        """
        if self.ipc is not None:
            return self.ipc
        assert self.nbytes is not None
        least, size = _smallest(condenser, data, self.nbytes)
        if self.nbytes < size:
            each = "one image for each" if least == 1 else f"the smallest set (ipc {least})"
            raise UsageError(
                f"{self.nbytes} bytes are too few: {each} of {len(data.classes)} classes takes"
                f" {size}"
            )
        fits, above = least, 2 * least
        while condenser.nbytes(data, above) <= self.nbytes:
            fits, above = above, 2 * above
        while above - fits > 1:
            middle = (fits + above) // 2
            fits, above = (
                (middle, above) if condenser.nbytes(data, middle) <= self.nbytes else (fits, middle)
            )
        return fits


def _smallest(condenser: "Condenser", data: ClassData, nbytes: int) -> tuple[int, int]:
    """The smallest ipc that the condenser has a set for, and its bytes; shared parts (decoders) may
    need more than one image.
    """
    ipc = 1
    while True:
        try:
            return ipc, condenser.nbytes(data, ipc)
        except UsageError:
            if ipc * len(data.classes) * data.images[0].numel() > nbytes:
                raise
            ipc += 1
