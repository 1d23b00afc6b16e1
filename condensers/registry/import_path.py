"""Parts without a registered name: "FILE.py:Name" or "package.module:Name", wherever a suite may
name a method.

A file's parts are then known as "FILE.py:Name@DIGEST". The digest of the file's code, without
comments and docstrings, enters the hash keys of a run in this way, so that results of an older
version of the file are never taken for results of the present one.
"""

import dataclasses
import hashlib
import importlib
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from condensers.errors import HarnessError, UsageError, shown
from condensers.registry.code_digest import digest_of

DIGITS = 8
LOCATED = "located_"  # how the modules of files are called


class LoadedFile(NamedTuple):
    """place: of a file, as it was named. content: of the version that was loaded."""

    place: str
    content: bytes


class Location(NamedTuple):
    """place: a file that ends in .py, or a module. digest: what the file's content must have; ""
    for any.
    """

    place: str
    name: str
    digest: str

    @property
    def in_file(self) -> bool:
        return self.place.endswith(".py")


def parse(where: str) -> Location:
    """UsageError where the text is not of the form FILE.py:Name or package.module:Name."""
    place, _, rest = where.rpartition(":")
    name, _, digest = rest.partition("@")
    module = all(part.isidentifier() for part in place.split("."))
    if not name.isidentifier() or not (place.endswith(".py") or module):
        raise UsageError(
            f"{shown(where)} is neither a known name nor a place; write FILE.py:Name or"
            " package.module:Name"
        )
    return Location(place, name, digest)


def content(location: Location) -> bytes:
    """The source of a file; UsageError where it is not there or is not the version that was asked
    for.
    """
    try:
        found = Path(location.place).expanduser().read_bytes()
    except OSError as fault:
        raise UsageError(
            f"{location.place}: cannot be read ({fault.strerror}); name the file of {location.name}"
        ) from fault
    if location.digest and location.digest != _digest(found):
        raise UsageError(
            f"{location.place}: has changed since {location.name}@{location.digest} was named;"
            " start the command again to use it as it is now"
        )
    return found


def load(
    where: str, known: Callable[[str], bool], lacks: Callable[[type], str] = lambda _: ""
) -> Any:
    """The class at `where`; every part of its module that no registry has gets its location for a
    name.

    known: whether a part at "module:Name" is registered. lacks: why the class cannot be a part; ""
    if it can. UsageError where the file, the module or the class is missing, is no part, or raises
    something while it is loaded.
    """
    location = parse(where)
    module = _file_module(location) if location.in_file else _module(location.place)
    _label_parts(module, location.place, known)
    found = getattr(module, location.name, None)
    if found is None:
        raise UsageError(
            f"{location.place}: has no class {location.name}; write {location.place}:ITS_NAME"
        )
    if not isinstance(found, type):
        raise unusable(where, "it is no class")
    fault = lacks(found) if dataclasses.is_dataclass(found) else "it is no dataclass"
    if fault:
        raise unusable(where, fault)
    return found


def unusable(where: str, why: str) -> UsageError:
    """The refusal of a class that cannot be a part."""
    return UsageError(
        f"{where}: cannot be used ({why}); make it a frozen dataclass as `harness new` writes one"
    )


def find(where: str) -> Any:
    """What stands at "FILE.py:Name", whatever it is; None where there is no such name.

    UsageError where the file fails.
    """
    location = parse(where)
    return getattr(_file_module(location), location.name, None)


def sources() -> list[LoadedFile]:
    """The files that parts were loaded from in this process, for another process to load the
    same.
    """
    modules = [module for name, module in list(sys.modules.items()) if name.startswith(LOCATED)]
    return [LoadedFile(vars(module)["__place__"], vars(module)["__source__"]) for module in modules]


def load_sources(found: Iterable[LoadedFile], known: Callable[[str], bool]) -> None:
    """Load what `sources` gave in another process, so that objects of these parts can be unpickled
    here.
    """
    for place, content in found:
        _label_parts(_run(place, content), place, known)


def _label_parts(module: ModuleType, place: str, known: Callable[[str], bool]) -> None:
    for name, value in list(vars(module).items()):
        if (
            isinstance(value, type)
            and value.__module__ == module.__name__
            and dataclasses.is_dataclass(value)
        ):
            _label(value, f"{place}:{name}", known, getattr(module, "__digest__", ""))


def _label(part: Any, location: str, known: Callable[[str], bool], digest: str) -> None:
    """Name the class by where it stands: that is how a suite's cells, in this process and in
    others, find it again.
    """
    if not known(location) and vars(part).get("registered") != location:
        part.registered = f"{location}@{digest}" if digest else location


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except HarnessError:
        raise
    except Exception as fault:
        said = f"{type(fault).__name__}: {fault}"
        raise UsageError(
            f"{name}: cannot be imported ({said}); install what it needs, or name a file"
        ) from fault


def _file_module(location: Location) -> ModuleType:
    source = content(location)
    return _run(location.place, source)


@lru_cache
def _run(place: str, source: bytes) -> ModuleType:
    """Run a file as a module of its own; the same file in the same version is run once."""
    digest = _digest(source)
    name = f"{LOCATED}{hashlib.sha256(place.encode()).hexdigest()[:DIGITS]}_{digest}"
    module = module_from_spec(spec_from_loader(name, None) or ModuleSpec(name, None))
    module.__file__ = str(Path(place).expanduser())
    vars(module).update(__digest__=digest, __place__=place, __source__=source)
    sys.modules[name] = module  # dataclasses look up their module there
    try:
        exec(compile(source, module.__file__, "exec"), vars(module))
    except HarnessError:
        raise
    except Exception as fault:
        sys.modules.pop(name, None)
        raise UsageError(
            f"{place}: cannot be loaded ({type(fault).__name__}: {fault}); mend the file"
        ) from fault
    return module


def _digest(source: bytes) -> str:
    return digest_of(source)[:DIGITS]
