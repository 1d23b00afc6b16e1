"""Strategies and plugins of Avalanche with a memory of their own: beside one, a condensed memory
is not what is measured.
"""

from typing import Any

from avalanche.training import plugins, supervised
from avalanche.training.storage_policy import ExemplarsBuffer
from avalanche.training.supervised.icarl import _ICaRLPlugin

from condensers.errors import UsageError
from scenarios.continual.memory.buffer import CondensedMemory

# Those whose memory is no ExemplarsBuffer among their fields, or that would replay the condensed
# one a second time.
KEEPERS = (
    supervised.AR1,
    supervised.MER,
    supervised.SCR,
    _ICaRLPlugin,
    plugins.AGEMPlugin,
    plugins.GEMPlugin,
    plugins.GDumbPlugin,
    plugins.GSS_greedyPlugin,
    plugins.GenerativeReplayPlugin,
    plugins.ReplayPlugin,
)


def require_no_buffer(strategy: Any) -> None:
    """Refuse, with UsageError, a strategy that has a memory of its own, itself or by one of its
    plugins.
    """
    for part in (strategy, *strategy.plugins):
        own = [name for name, value in vars(part).items() if _is_buffer(value)]
        if own or isinstance(part, KEEPERS):
            name = type(strategy).__name__
            by = "" if part is strategy else f" by {type(part).__name__.lstrip('_')}"
            raise UsageError(
                f"CondensedReplay: {name} replays a memory of its own{by}, beside which the"
                " condensed one cannot stand; use Naive or another strategy without a memory"
            )


def _is_buffer(value: object) -> bool:
    return isinstance(value, ExemplarsBuffer) and not isinstance(value, CondensedMemory)
