"""Packages that only some views or data sets need, imported when they are needed."""

import importlib
from types import ModuleType
from typing import Any

from condensers.errors import DataMissing, UsageError


def extra(module: str, package: str, view: str) -> Any:
    """Import a module that the extra "views" brings; UsageError that says how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as fault:
        raise UsageError(
            f'view {view} needs {package} ({fault}); run pip install "condensation-harness[views]"'
        ) from fault


def package(module: str, distribution: str, needed_by: str) -> ModuleType:
    """Import a module that only some data sets need, or say which package to install."""
    try:
        return importlib.import_module(module)
    except ImportError as fault:
        raise DataMissing(
            f"{needed_by}: the package {distribution} cannot be imported ({fault}); install it"
        ) from fault
