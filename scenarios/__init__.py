"""Where a set is used: accuracy, replay memory, architecture search and more."""

from importlib import import_module
from pathlib import Path
from runpy import run_path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenarios.continual.memory.buffer import CondensedMemory
    from scenarios.continual.memory.replay import CondensedReplay
    from scenarios.datasets import load as load_dataset
    from scenarios.datasets.adapters.memory import from_arrays, from_torch
    from scenarios.datasets.adapters.npz_file import save_npz

run_path(str(Path(__file__).parents[1] / "condensers" / "siblings.py"))["require"]("condensers")

__all__ = [
    "CondensedMemory",
    "CondensedReplay",
    "from_arrays",
    "from_torch",
    "load_dataset",
    "save_npz",
]
HOMES = {
    "CondensedMemory": "scenarios.continual.memory.buffer:CondensedMemory",
    "CondensedReplay": "scenarios.continual.memory.replay:CondensedReplay",
    "from_arrays": "scenarios.datasets.adapters.memory:from_arrays",
    "from_torch": "scenarios.datasets.adapters.memory:from_torch",
    "load_dataset": "scenarios.datasets:load",
    "save_npz": "scenarios.datasets.adapters.npz_file:save_npz",
}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is asked for: avalanche takes seconds."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = HOMES[name].partition(":")
    return getattr(import_module(module), attribute)
