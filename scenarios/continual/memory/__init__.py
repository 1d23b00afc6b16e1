"""The condensed replay memory: what anybody may use in an Avalanche script of their own."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenarios.continual.memory.buffer import CondensedMemory
    from scenarios.continual.memory.replay import CondensedReplay

__all__ = ["CondensedMemory", "CondensedReplay"]
HOMES = {
    "CondensedMemory": "scenarios.continual.memory.buffer",
    "CondensedReplay": "scenarios.continual.memory.replay",
}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is asked for: avalanche takes seconds."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)
