"""Packages that only some views need."""

import importlib
from typing import Any

from condensers.errors import UsageError


def extra(module: str, package: str, view: str) -> Any:
    """Import a module that the extra "views" brings; UsageError that says how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as fault:
        raise UsageError(f'view {view} needs {package} ({fault}); run pip install "condensation-harness[views]"') from fault
