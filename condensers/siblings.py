"""Whose packages are found under the names condensers, scenarios and harness, which other projects
use too.

Run by its path, with `runpy`, before any of the three is imported: each must come from the tree
that this file is in.
"""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
FOREIGN = (
    "Python finds {place} in place of our package {name}, which is {ours}; rename it, or take its"
    " folder out of PYTHONPATH"
)


def require(*names: str) -> None:
    """ImportError, in one sentence, unless each of the packages `names` is that of this tree.

    Imports none of them.
    """
    for name in names:
        sentence = foreign(name)
        if sentence:
            raise ImportError(sentence, name=name)


def foreign(name: str) -> str:
    """What to say of another's package or module that stands for ours; "" where it is ours."""
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None) if module else find_spec(name)
    place = place_of(spec) if spec else None
    if place is not None and place.resolve() == TREE / name:
        return ""
    return FOREIGN.format(name=name, place=place or "nothing", ours=TREE / name)


def place_of(spec: ModuleSpec) -> Path | None:
    """The folder of a package, or the file of a module."""
    folders = list(spec.submodule_search_locations or ())
    return Path(folders[0]) if folders else Path(spec.origin) if spec.origin else None
