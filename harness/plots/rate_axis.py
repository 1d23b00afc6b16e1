"""The axis of sizes: bits per class below, the bytes of the whole set above, both logarithmic."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from harness.plots.figure import GREY

ROOM = 0.5  # inches that a label needs
FINE = 10_000  # numbers below are written out


@dataclass(frozen=True)
class RateAxis:
    """What an axis of sizes shows.

    Args:
        title: its title.
        bytes_each: bytes of the whole set for each unit of the axis, which are written above; None
            for no second scale.
    """

    title: str
    bytes_each: float | None = None

    @classmethod
    def of(cls, nbytes: float, bits_per_class: float | None) -> "RateAxis":
        """Choose the axis for sets of one data set: bits per class where its number of classes is
        known, else bytes.

        Args:
            nbytes: bytes of any of the sets.
            bits_per_class: those of the same set; None where they are not known.
        """
        if bits_per_class is None:
            return cls("bytes")
        return cls("bits per class (above: bytes of the set)", nbytes / bits_per_class)


def scale_sizes(axes: Any, sizes: Sequence[float], rate: RateAxis, inches: float) -> None:
    """Give axes a logarithmic x axis on which sizes are marked, those that have room.

    Args:
        axes: of matplotlib; their limits in x are as they shall be.
        sizes: (n,) what to mark, in the unit of the axis.
        rate: what the axis shows.
        inches: how wide it is.
    """
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    marked = choose_marks(sizes, log(high / low) * ROOM / inches)
    axes.set_xticks(marked, [shorten(size) for size in marked])
    axes.minorticks_off()
    if rate.bytes_each is None:
        return
    above = axes.secondary_xaxis("top")
    written = [shorten(size * rate.bytes_each) for size in marked]
    above.set_xticks(marked, [f"{text}{' ' * text[-1].isdigit()}B" for text in written])
    above.minorticks_off()
    above.tick_params(colors=GREY, labelsize=7, length=2, pad=1)
    above.spines["top"].set_visible(False)


def choose_marks(sizes: Sequence[float], apart: float) -> list[float]:
    """Choose the sizes to mark, the largest first, each at a distance from the next.

    Args:
        sizes: (n,) sizes above 0.
        apart: the least distance, in natural logarithms.

    Examples:
        >>> choose_marks([6_153, 6_280, 62_800], 0.5)
        [6280, 62800]
    """
    chosen: list[float] = []
    for size in sorted(set(sizes), reverse=True):
        if not chosen or log(chosen[-1] / size) >= apart:
            chosen.append(size)
    return chosen[::-1]


def shorten(value: float) -> str:
    """Write a size in few letters.

    Examples:
        >>> shorten(6_280), shorten(62_800), shorten(983_040), shorten(4_915_200)
        ('6,280', '62.8 k', '983 k', '4.92 M')
    """
    if value < FINE:
        return f"{value:,.0f}"
    size, letter = (value / 1e6, "M") if value >= 999_500 else (value / 1e3, "k")
    return f"{size:.3g} {letter}"
