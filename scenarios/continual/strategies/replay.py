"""Replay: every minibatch of the stream is joined by one from the memory.

L = mean over the n + m images of both of CE(f(x), y);  Source: Chaudhry et al., "On Tiny Episodic Memories in Continual
Learning" (2019); Avalanche's ReplayPlugin, whose loss it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from scenarios.continual.strategies.base import Plugin, Setup, Strategy


@dataclass(frozen=True)
class Replay(Strategy):
    """Experience replay of the memory."""

    registered: ClassVar[str] = "replay"

    def plugins(self, setup: Setup) -> Sequence[Plugin]:
        from scenarios.continual.replay import CondensedReplay, Joint

        return [CondensedReplay(setup.memory, setup.settings.batch_size_mem, rule=Joint(), generator=setup.generator)]
