"""Packages that only some parts or data sets need, imported when they are needed."""

import importlib
from typing import Any

from condensers.errors import HarnessError, UsageError

PROJECT = "condensation-harness"


def require_package(
    module: str,
    package: str,
    needed_by: str,
    *,
    extra: str = "",
    error: type[HarnessError] = UsageError,
) -> Any:
    """Import a module that is not always installed.

    Args:
        module: Its import path.
        package: The package that brings it, as people know it.
        needed_by: What needs it, for the message.
        extra: The extra of this project that installs it; the package itself if empty.
        error: What is raised.

    Returns:
        The module.

    Raises:
        HarnessError: Of the class `error`, with the command that installs the package.
    """
    try:
        return importlib.import_module(module)
    except ImportError as fault:
        wanted = f'"{PROJECT}[{extra}]"' if extra else package
        raise error(f"{needed_by} needs {package} ({fault}); run pip install {wanted}") from fault
