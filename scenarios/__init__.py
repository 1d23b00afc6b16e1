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
    from scenarios.search.proxy_evaluator import ProxyEvaluator

run_path(str(Path(__file__).parents[1] / "condensers" / "siblings.py"))["require"]("condensers")

__all__ = [
    "CondensedMemory",
    "CondensedMemoryWithLogits",
    "CondensedReplay",
    "ContinualMetrics",
    "ProxyEvaluator",
    "load_dataset",
]
HOMES = {
    "CondensedMemory": "scenarios.continual.memory.buffer:CondensedMemory",
    "CondensedMemoryWithLogits": "scenarios.continual.memory.logits:CondensedMemoryWithLogits",
    "CondensedReplay": "scenarios.continual.memory.replay:CondensedReplay",
    "ContinualMetrics": "scenarios.continual.plugins.evaluation:ContinualMetrics",
    "ProxyEvaluator": "scenarios.search.proxy_evaluator:ProxyEvaluator",
    "load_dataset": "scenarios.datasets:load",
}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is asked for: avalanche and nni take seconds."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = HOMES[name].partition(":")
    return getattr(import_module(module), attribute)
