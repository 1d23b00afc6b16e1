"""Where a set is used: accuracy, replay memory, architecture search and more."""

from importlib import import_module
from pathlib import Path
from runpy import run_path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenarios.continual.memory.buffer import CondensedMemory
    from scenarios.continual.memory.logits import CondensedMemoryWithLogits
    from scenarios.continual.memory.replay import CondensedReplay
    from scenarios.continual.plugins.evaluation import ContinualMetrics
    from scenarios.datasets import load as load_dataset
    from scenarios.datasets.adapters.memory import from_arrays, from_torch
    from scenarios.datasets.adapters.npz_file import save_npz
    from scenarios.search.proxy_evaluator import ProxyEvaluator

run_path(str(Path(__file__).parents[1] / "condensers" / "siblings.py"))["require"]("condensers")

__all__ = [
    "CondensedMemory",
    "CondensedMemoryWithLogits",
    "CondensedReplay",
    "ContinualMetrics",
    "ProxyEvaluator",
    "from_arrays",
    "from_torch",
    "load_dataset",
    "save_npz",
]
HOMES = {
    "CondensedMemory": "scenarios.continual.memory.buffer:CondensedMemory",
    "CondensedMemoryWithLogits": "scenarios.continual.memory.logits:CondensedMemoryWithLogits",
    "CondensedReplay": "scenarios.continual.memory.replay:CondensedReplay",
    "ContinualMetrics": "scenarios.continual.plugins.evaluation:ContinualMetrics",
    "ProxyEvaluator": "scenarios.search.proxy_evaluator:ProxyEvaluator",
    "from_arrays": "scenarios.datasets.adapters.memory:from_arrays",
    "from_torch": "scenarios.datasets.adapters.memory:from_torch",
    "load_dataset": "scenarios.datasets:load",
    "save_npz": "scenarios.datasets.adapters.npz_file:save_npz",
}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is asked for: avalanche and nni take seconds."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = HOMES[name].partition(":")
    return getattr(import_module(module), attribute)
