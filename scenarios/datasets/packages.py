"""Packages that only some data sets need."""

import importlib
from types import ModuleType

from condensers.errors import DataMissing


def package(module: str, distribution: str, needed_by: str) -> ModuleType:
    """Import a module that only some data sets need, or say which package to install."""
    try:
        return importlib.import_module(module)
    except ImportError as fault:
        raise DataMissing(f"{needed_by}: the package {distribution} cannot be imported ({fault}); install it") from fault
