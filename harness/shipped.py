"""Files that ship with the package, each named PREFIX:NAME on the command line."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from condensers.errors import UsageError, suggestion


def list_shipped(folder: str, suffix: str, prefix: str) -> dict[str, Path]:
    """Name the files of a folder of this package.

    Args:
        folder: the folder in `harness`.
        suffix: how the files' names end.
        prefix: what stands before a name, with its colon.

    Returns:
        "PREFIX:NAME" -> file, in the order of the names.
    """
    place = Path(str(resources.files("harness") / folder))
    return {
        f"{prefix}{path.stem}": path
        for path in sorted(place.glob(f"*{suffix}"), key=lambda path: path.stem)
    }


def locate_shipped(path: Path, prefix: str, known: Mapping[str, Path], missing: str) -> Path:
    """Find the file that is named PREFIX:NAME; any other path is returned as it is.

    Args:
        path: a path, or such a name. A file of that name comes first.
        prefix: as `list_shipped` takes it.
        known: what `list_shipped` returned.
        missing: what is said where there is none of that name.

    Raises:
        UsageError: there is none of that name; a near one is suggested.
    """
    if not str(path).startswith(prefix) or path.exists():
        return path
    if str(path) not in known:
        raise UsageError(f"{path}: {missing}; {suggestion(str(path), known)}")
    return known[str(path)]
