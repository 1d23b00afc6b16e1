"""A clean process in the plain installation: what only extras or the developer's tools bring is not
there.
"""

import os
import subprocess
import sys
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OURS = "condensation-harness"
HIDER = """
import sys

def hide(finder, names=frozenset({names!r})):
    class Hiding:
        @staticmethod
        def find_spec(name, path=None, target=None):
            return None if name.partition(".")[0] in names else finder.find_spec(name, path, target)

        def __getattr__(self, name):
            return getattr(finder, name)

    return Hiding()

sys.meta_path[:] = map(hide, sys.meta_path)
"""


@lru_cache(maxsize=1)
def plain_distributions() -> frozenset[str]:
    """Names of the distributions that `pip install condensation-harness` brings, without its
    extras.
    """
    found: set[str] = {canonicalize_name(OURS), "pip", "setuptools"}
    waiting = [(OURS, "")]
    seen: set[tuple[str, str]] = set()
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            requirements = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        found.add(canonicalize_name(name))
        for requirement in map(Requirement, requirements):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                waiting += [(requirement.name, extra) for extra in ("", *requirement.extras)]
    return frozenset(found)


def absent_modules() -> list[str]:
    """Importable names of this environment that the plain installation lacks."""
    plain = plain_distributions()
    owners = packages_distributions()
    return sorted(
        name
        for name, dists in owners.items()
        if not any(canonicalize_name(dist) in plain for dist in dists)
    )


def run_plain(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `python WORDS...` in `folder`, in a new process of the plain installation."""
    hooks = folder / ".plain"
    hooks.mkdir(exist_ok=True)
    (hooks / "sitecustomize.py").write_text(HIDER.format(names=absent_modules()), encoding="utf-8")
    ours = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{hooks}{os.pathsep}{ours}"},
        capture_output=True,
        text=True,
        check=False,
    )
