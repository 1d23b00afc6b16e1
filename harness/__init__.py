"""Benchmarks condensed datasets on the tasks they are used for: suites, runs and reports.

    from harness import run, read_results

    results = run("demo", "runs/demo")       # what `harness run demo` does
    results.to_pandas()                      # a row for every single value

Public names are imported when they are asked for, so that `import harness` imports no torch.
"""

from importlib import import_module
from pathlib import Path
from runpy import run_path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.api import plan, rank, read_results, run
    from harness.results import Results
    from harness.store.store import Store
    from harness.suite.plan import SuitePlan

else:
    HOMES = {
        "Results": "harness.results",
        "Store": "harness.store.store",
        "SuitePlan": "harness.suite.plan",
        "plan": "harness.api",
        "rank": "harness.api",
        "read_results": "harness.api",
        "run": "harness.api",
    }

    def __getattr__(name: str) -> object:
        if name not in HOMES:
            raise AttributeError(f"module 'harness' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(HOMES[name]), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


run_path(str(Path(__file__).parents[1] / "condensers" / "siblings.py"))["require"](
    "condensers", "scenarios"
)

__version__ = "0.13.0"
__all__ = [
    "Results",
    "Store",
    "SuitePlan",
    "__version__",
    "plan",
    "rank",
    "read_results",
    "run",
]
