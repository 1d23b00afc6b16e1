"""Naive: training goes on from one experience to the next, nothing is kept: the lower bound."""

from dataclasses import dataclass
from typing import ClassVar

from scenarios.continual.strategies.base import Strategy


@dataclass(frozen=True)
class Naive(Strategy):
    """Fine-tuning on the stream without a memory: the lower bound."""

    registered: ClassVar[str] = "naive"
    memory: ClassVar[str] = "none"
