"""Cumulative: at each experience, training goes on with the images of all experiences so far."""

from dataclasses import dataclass
from typing import ClassVar

from scenarios.continual.strategies.base import Strategy


@dataclass(frozen=True)
class Cumulative(Strategy):
    """Training on all images seen so far, kept whole: what a memory without limit gives."""

    registered: ClassVar[str] = "cumulative"
    memory: ClassVar[str] = "none"
    shows: ClassVar[str] = "seen"
