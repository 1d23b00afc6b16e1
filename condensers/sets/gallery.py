"""Sets that ship with the distribution, each named `gallery:NAME` wherever a set's file is named.

They lie in `harness/gallery`, beside this package (`condensers.siblings` sees to that), and are
found there as files: nothing of harness is imported.
"""

from pathlib import Path

from condensers.errors import UsageError, suggestion
from condensers.siblings import TREE

PREFIX = "gallery:"
FOLDER = TREE / "harness" / "gallery"


def built_in() -> dict[str, Path]:
    """Return "gallery:NAME" -> file, in the order of the names."""
    files = sorted(FOLDER.glob("*.safetensors"), key=lambda path: path.stem)
    return {f"{PREFIX}{path.stem}": path for path in files}


def locate(file: Path) -> Path:
    """Find the file of a set.

    Args:
        file: `gallery:NAME`, or any other path, which is returned as it is. A file that is really
            called so comes first.

    Raises:
        UsageError: The gallery has no set of that name; a near one is suggested.
    """
    if not str(file).startswith(PREFIX) or file.exists():
        return file
    known = built_in()
    if str(file) not in known:
        raise UsageError(f"{file}: the gallery has no such set; {suggestion(str(file), known)}")
    return known[str(file)]
