"""The command `harness`, under a name that no other project has.

Other projects have packages that are called harness, scenarios or condensers, and PYTHONPATH may
put them before ours. So this module looks whose package `harness` is before it imports it, and says
in one sentence what is wrong.
"""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

FOREIGN = (
    "Python finds {place} in place of our package harness; rename it, or take its folder out of"
    " PYTHONPATH"
)
MISSING = (
    "{fault}; install what is missing: pip install condensation-harness, or -e . in its folder"
)


def main() -> None:
    """Run the command; status 2, with one sentence, where its packages are another project's or
    cannot be imported.
    """
    sentence = foreign()
    if not sentence:
        try:
            run = _load()
        except ImportError as fault:
            if "--debug" in sys.argv:
                raise
            ours = fault.name in ("condensers", "scenarios")
            sentence = str(fault) if ours else MISSING.format(fault=fault)
        else:
            return run()
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(2)


def _load() -> Callable[[], None]:
    """Import the verbs; Ctrl-C and SIGTERM are heard before what takes time to import is
    imported.
    """
    from harness.process import Stopped, deafen, raise_on_signals, resume_advice

    try:
        with raise_on_signals():
            from harness.cli.app import main as run
    except Stopped:
        deafen()
        print(f"interrupted: {resume_advice()}", file=sys.stderr)
        sys.exit(130)
    return run


def foreign() -> str:
    """What to say of another project's `harness`; "" where it is ours. Nothing is imported."""
    spec = find_spec("harness")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    place = Path(folders[0]) if folders else Path(spec.origin) if spec and spec.origin else None
    if (
        place
        and (place / "cli" / "app.py").is_file()
        and (place.parent / "condensers" / "siblings.py").is_file()
    ):
        return ""
    return FOREIGN.format(place=place or "nothing")
