"""How a small synthetic set is made from a large real one.

What is named in `__all__` is stable. Each name is imported when it is first used, so that importing
this package imports no torch.

    from condensers import Budget, Context, create_condenser, save_set

    made = create_condenser("dm").condense(data, Budget(ipc=10), Context(seed=0))
    save_set(made, "dm.safetensors")
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from condensers.composition.composition import Composition
    from condensers.condenser import Condenser
    from condensers.data import ClassData
    from condensers.engine.context import Context, Progress
    from condensers.errors import HarnessError, UsageError
    from condensers.hyperparameters import hyper
    from condensers.registry.registry import create_condenser
    from condensers.sets.budget import Budget
    from condensers.sets.files import load, load_set, save_set
    from condensers.sets.synthetic_set import SyntheticDataset, SyntheticSet
else:
    HOMES = {
        "Budget": "condensers.sets.budget",
        "ClassData": "condensers.data",
        "Composition": "condensers.composition.composition",
        "Condenser": "condensers.condenser",
        "Context": "condensers.engine.context",
        "HarnessError": "condensers.errors",
        "Progress": "condensers.engine.context",
        "SyntheticDataset": "condensers.sets.synthetic_set",
        "SyntheticSet": "condensers.sets.synthetic_set",
        "UsageError": "condensers.errors",
        "create_condenser": "condensers.registry.registry",
        "hyper": "condensers.hyperparameters",
        "load": "condensers.sets.files",
        "load_set": "condensers.sets.files",
        "save_set": "condensers.sets.files",
    }

    def __getattr__(name: str) -> object:
        if name not in HOMES:
            raise AttributeError(f"module 'condensers' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(HOMES[name]), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *HOMES})


__all__ = [
    "Budget",
    "ClassData",
    "Composition",
    "Condenser",
    "Context",
    "HarnessError",
    "Progress",
    "SyntheticDataset",
    "SyntheticSet",
    "UsageError",
    "create_condenser",
    "hyper",
    "load",
    "load_set",
    "save_set",
]
