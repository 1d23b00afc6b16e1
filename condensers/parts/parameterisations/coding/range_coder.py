"""An arithmetic coder of binary decisions with adaptive frequencies, in whole numbers throughout.

r <- r p(bit),  p(1) = n_1 / (n_0 + n_1),  n_bit <- n_bit + 32 after each decision

Sources: Martin, "Range encoding" (1979), for the interval and its bytes; Krichevsky and Trofimov
(1981) for frequencies that are counts. Every platform decodes the same decisions, as nothing is
rounded: whole numbers are divided by whole numbers.
"""

from abc import ABC, abstractmethod

TOP = 1 << 48  # the whole interval; Python's numbers have no width that it could exceed
BOTTOM = 1 << 40  # a narrower interval gives off a byte
KEPT = 6  # bytes of an interval
GAIN, MOST = 32, 1 << 13  # what a decision adds to its count, and when both counts are halved
Counts = list[int]
"""How often a decision was 0 and was 1, each at least 1, in units of 1 / `GAIN`."""


class Coder(ABC):
    """What a model codes its decisions with: the same calls write and read."""

    @abstractmethod
    def code(self, counts: Counts, bit: int) -> int:
        """Code a decision, and learn from it.

        Args:
            counts: Those of the decision's context, changed in place.
            bit: 0 or 1, what is written; what reads pays no heed to it.

        Returns:
            The decision.
        """

    @abstractmethod
    def code_number(self, value: int, bits: int) -> int:
        """Code a whole number whose values are equally likely.

        Args:
            value: From 0 to 2^bits - 1, what is written.
            bits: At most 32.

        Returns:
            The number.
        """


def _learn(counts: Counts, bit: int) -> None:
    counts[bit] += GAIN
    if counts[0] + counts[1] > MOST:
        counts[0], counts[1] = (counts[0] + 1) >> 1, (counts[1] + 1) >> 1


class RangeEncoder(Coder):
    """Writes decisions; `finish` gives the bytes."""

    def __init__(self) -> None:
        self._low, self._range, self._out = 0, TOP - 1, bytearray()

    def code(self, counts: Counts, bit: int) -> int:
        """Write a decision."""
        bound = self._range // (counts[0] + counts[1]) * counts[0]
        if bit:
            self._low += bound
            self._range -= bound
        else:
            self._range = bound
        _learn(counts, bit)
        if self._range < BOTTOM:
            self._shift()
        return bit

    def code_number(self, value: int, bits: int) -> int:
        """Write a number."""
        self._range >>= bits
        self._low += self._range * value
        self._shift()
        return value

    def finish(self) -> bytes:
        """Return the bytes of all decisions, as few as tell them apart."""
        zeros = self._range.bit_length() - 1
        value = -(-self._low >> zeros) << zeros  # in the interval, which is no narrower
        self._low, self._range = value, 0
        self._carry()
        self._out += self._low.to_bytes(KEPT, "big")
        return bytes(self._out).rstrip(b"\0")

    def _carry(self) -> None:
        if self._low < TOP:
            return
        self._low -= TOP
        at = len(self._out) - 1
        while self._out[at] == 255:
            self._out[at] = 0
            at -= 1
        self._out[at] += 1

    def _shift(self) -> None:
        self._carry()
        while self._range < BOTTOM:
            self._out.append(self._low >> 40)
            self._low = (self._low << 8) & (TOP - 1)
            self._range <<= 8


class RangeDecoder(Coder):
    """Reads what a `RangeEncoder` wrote, under the same contexts in the same order."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at, self._range = content, KEPT, TOP - 1
        self._code = int.from_bytes(content[:KEPT].ljust(KEPT, b"\0"), "big")

    def code(self, counts: Counts, bit: int = 0) -> int:
        """Read the next decision."""
        bound = self._range // (counts[0] + counts[1]) * counts[0]
        if self._code < bound:
            self._range, found = bound, 0
        else:
            self._code -= bound
            self._range -= bound
            found = 1
        _learn(counts, found)
        if self._range < BOTTOM:
            self._shift()
        return found

    def code_number(self, value: int, bits: int) -> int:
        """Read the next number."""
        self._range >>= bits
        found = min(self._code // self._range, (1 << bits) - 1)
        self._code -= self._range * found
        self._shift()
        return found

    @property
    def spent(self) -> bool:
        """Whether all bytes were needed for what was read."""
        return len(self._content) <= self._at

    def _shift(self) -> None:
        while self._range < BOTTOM:
            following = self._content[self._at] if self._at < len(self._content) else 0
            self._code = self._code << 8 | following
            self._at += 1
            self._range <<= 8
