"""What the shell completes: names of parts, suites, sets and run directories.

Each function takes the beginning that was typed and gives the values that begin so. Nothing here
imports torch or reads a file's content: an answer must come before the next key.
"""

import io
import os
import sys
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from condensers.registry.registry import METHODS, NETWORKS, SELECTIONS, Registry
from harness import gallery, reference
from harness.catalogue.registries import REGISTRIES, kinds
from harness.suite.definition import built_in
from scenarios.datasets import DATASETS
from scenarios.datasets.naming import DOMAINS, FOLDER
from scenarios.registry import SCENARIOS, SPACES

SHELL = "_HARNESS_COMPLETE"  # set by the shell that asks
BASH = "complete_bash"
RUNS = "runs"
MOST_ENTRIES = 2000  # of a folder that is looked through


def complete_method(incomplete: str) -> list[str]:
    """Complete a method or selection."""
    return _matching([*_names(METHODS), *_names(SELECTIONS)], incomplete)


def complete_dataset(incomplete: str) -> list[str]:
    """Complete a data set."""
    return _matching([*_names(DATASETS), FOLDER, DOMAINS], incomplete)


def complete_scenario(incomplete: str) -> list[str]:
    """Complete a scenario."""
    return _matching(_names(SCENARIOS), incomplete)


def complete_space(incomplete: str) -> list[str]:
    """Complete a search space."""
    return _matching(_names(SPACES), incomplete)


def complete_network(incomplete: str) -> list[str]:
    """Complete a network."""
    return _matching(_names(NETWORKS), incomplete)


def complete_suite(incomplete: str) -> list[str]:
    """Complete a built-in suite, or a TOML file of the folder that is typed."""
    return _matching([*built_in(), *_files(incomplete, ".toml")], incomplete)


def complete_set(incomplete: str) -> list[str]:
    """Complete a set of the gallery, or a .safetensors file of the folder that is typed."""
    return _matching([*gallery.built_in(), *_files(incomplete, ".safetensors")], incomplete)


def complete_run(incomplete: str) -> list[str]:
    """Complete a run directory: below runs/, here, or in the folder that is typed."""
    folders = dict.fromkeys([RUNS, "", os.path.dirname(incomplete)])
    return _matching(dict.fromkeys(run for one in folders for run in _runs(one)), incomplete)


def complete_results(incomplete: str) -> list[str]:
    """Complete a run directory or reference results."""
    return [*complete_run(incomplete), *_matching(reference.built_in(), incomplete)]


def complete_set_or_run(incomplete: str) -> list[str]:
    """Complete what can be exported."""
    return [*complete_set(incomplete), *complete_run(incomplete)]


def complete_kind(incomplete: str) -> list[str]:
    """Complete a kind of part, as `list` takes it."""
    return _matching(kinds(), incomplete)


def complete_name(incomplete: str) -> list[str]:
    """Complete any name that `show` knows."""
    parts = [name for registry in REGISTRIES for name in _names(registry)]
    files = [*built_in(), *gallery.built_in(), *reference.built_in()]
    return _matching(dict.fromkeys([*parts, *files]), incomplete)


@contextmanager
def joined_colons() -> Iterator[None]:
    """Complete words with colons, such as `gallery:dm`, which Bash cuts at them.

    The words that Bash hands over are joined before Typer reads them, and of the answers only what
    follows the last colon is printed, since Bash replaces no more than that. Nothing happens where
    the process does not complete for Bash.
    """
    if os.environ.get(SHELL) != BASH:
        yield
        return
    typed = _join_words(os.environ)
    text = io.StringIO()
    try:
        with redirect_stdout(text):
            yield
    finally:
        cut = typed.rfind(":") + 1
        sys.stdout.write("".join(line[cut:] for line in text.getvalue().splitlines(keepends=True)))


def _join_words(environment: MutableMapping[str, str]) -> str:
    """Join the words in the environment at colons; the word that is completed."""
    words = environment.get("COMP_WORDS", "").split("\n")
    at = int(environment.get("COMP_CWORD") or 0)
    joined: list[str] = []
    place = len(words)
    for index, word in enumerate(words):
        if index > 1 and word and (word == ":" or joined[-1].endswith(":")):
            joined[-1] += word
        else:
            joined.append(word)
        if index == at:
            place = len(joined) - 1
    environment["COMP_WORDS"] = "\n".join(joined)
    environment["COMP_CWORD"] = str(place)
    return joined[place] if place < len(joined) else ""


def _names(registry: Registry) -> list[str]:
    return list(registry.entries())


def _matching(values: Iterable[str], incomplete: str) -> list[str]:
    return [value for value in values if value.startswith(incomplete)]


def _entries(folder: str) -> list[Path]:
    """What a folder holds, hidden entries left out; nothing where it cannot be read."""
    found: list[Path] = []
    try:
        with os.scandir(folder or ".") as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    found.append(Path(folder) / entry.name)
                if len(found) >= MOST_ENTRIES:
                    break
    except OSError:
        return []
    return sorted(found)


def _files(incomplete: str, suffix: str) -> list[str]:
    """The files of a kind in the folder that is typed, and the folders in it with a slash."""
    found = []
    for path in _entries(os.path.dirname(incomplete)):
        if path.is_dir() and incomplete:
            found.append(f"{path}/")
        elif path.suffix == suffix:
            found.append(str(path))
    return found


def _runs(folder: str) -> list[str]:
    return [str(path) for path in _entries(folder) if (path / "suite.json").is_file()]
