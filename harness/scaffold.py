"""What `harness new` writes: a part of a kind that runs as it is, and its test, which passes as it
is.

The texts are in templates/, KIND.txt and KIND_test.txt: NAME stands for the part's name, CLASS for
its class, MODULE for its file.
"""

import keyword
import re
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from condensers.engine.files import write_atomically
from condensers.errors import StorageFailed, UsageError, suggestion
from condensers.registry.registry import METHODS, NETWORKS, SELECTIONS, Registry
from scenarios.continual.strategies import STRATEGIES
from scenarios.datasets import DATASETS
from scenarios.registry import SCENARIOS, SPACES

KINDS: dict[str, tuple[Registry, ...]] = {
    "method": (METHODS, SELECTIONS),
    "network": (NETWORKS,),
    "dataset": (DATASETS,),
    "space": (SPACES,),
    "scenario": (SCENARIOS,),
    "strategy": (STRATEGIES,),
}
# How each is used from where it stands, and the line of a suite that names it: {0} is its location
# as a shell or a suite is given it, {1} as TOML.
USES = {
    "method": ("harness condense {0} --data mnist-5k --ipc 1", "method = {0}"),
    "network": ("harness condense dm --data mnist-5k --ipc 1 --set network={0}", "network = {0}"),
    "dataset": ("harness condense dm --data {0} --ipc 1", "data = [{0}]"),
    "space": ("harness evaluate SET.safetensors --scenario search --set space={0}", "space = {0}"),
    "scenario": ("harness evaluate SET.safetensors --scenario {0}", "scenario = {0}"),
    "strategy": (
        "harness evaluate SET.safetensors --scenario continual --set 'strategies=[{1}]'",
        "strategies = [{1}]",
    ),
}


class WrittenPart(NamedTuple):
    """location: how a suite and the command line name the part."""

    part: Path
    test: Path
    location: str


def new_part(kind: str, name: str, folder: Path) -> WrittenPart:
    """Write NAME.py and test_NAME.py into `folder`; UsageError where the name is taken or no name,
    or a file is there.
    """
    if kind not in KINDS:
        raise UsageError(
            f"new {kind}: there is no template of that kind; {suggestion(kind, KINDS)}"
        )
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise UsageError(
            f"'{name}' cannot be a {kind}'s name; take small letters, digits and hyphens, such as"
            f" my-{kind}"
        )
    if any(name in registry.entries() for registry in KINDS[kind]):
        raise UsageError(f"'{name}' is registered already; choose another name")
    module = name.replace("-", "_")
    if keyword.iskeyword(module):
        raise UsageError(f"'{name}' is a word of Python itself; choose another name")
    part, test = folder / f"{module}.py", folder / f"test_{module}.py"
    for path in (part, test):
        if path.exists():
            raise UsageError(f"{path}: is there already; choose another name or --dir")
    cls = "".join(word.capitalize() for word in name.split("-"))
    try:
        for path, template in ((part, kind), (test, f"{kind}_test")):
            text = (resources.files("harness") / "templates" / f"{template}.txt").read_text(
                encoding="utf-8"
            )
            write_atomically(
                path,
                text.replace("NAME", name).replace("CLASS", cls).replace("MODULE", module).encode(),
            )
    except StorageFailed as fault:
        raise UsageError(f"--dir {folder}: {fault}") from None
    return WrittenPart(part, test, f"{part}:{cls}")
