"""The compiled kernels of this folder, loaded by ctypes: built for this very processor by its C
compiler and kept in the user's cache, else those that the wheel carries.

Where there are none, or HARNESS_FUSED is "off", networks run module by module.
"""

import ctypes
import hashlib
import os
import platform
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from condensers.networks.fused.compiler import (
    FOLDER,
    Compiler,
    NoLibrary,
    compile_library,
    find_compiler,
    library_file,
    source_digest,
    variants,
)
from condensers.notices import tell
from condensers.processor import instructions, processor_key
from condensers.user_cache import usable_cache

P, L = ctypes.c_void_p, ctypes.c_long
ARGUMENTS = {  # sizes and images are in the middle
    "measure": (P, P, L, L, P, P),
    "forward": (P, P, P, P, P, L, L, P, P, P, P),
    "gather": (P, P, P, P, P, L, L, P, P, P, P, P, P),
    "backward": (P, P, P, P, P, L, L, *(11 * (P,))),
    "convolve": (P, P, P, L, L, L, P, P),
    "correlate": (P, P, P, L, L, P, P),
}
FORMATS = ("float32", "bfloat16")
# Every function of the library, by its name in C, with the types of its arguments; none returns.
FUNCTIONS = {f"{name}_{form}": types for name, types in ARGUMENTS.items() for form in FORMATS}
NATIVE = (("-march=native",), ())


class Kernels(NamedTuple):
    """The library, None where there is none, and a sentence on where it is from or why it is off.

    Attributes:
        library: Has the functions of `FUNCTIONS`.
        sentence: For people.
        by_wish: Whether the user turned it off.
    """

    library: ctypes.CDLL | None
    sentence: str
    by_wish: bool = False


def library() -> ctypes.CDLL | None:
    """The functions of `FUNCTIONS`; None where they cannot be had."""
    return kernels().library


@lru_cache(maxsize=1)
def kernels() -> Kernels:
    """The library and where it is from; where it is off against the user's wish, that is told."""
    found = _kernels()
    if found.library is None and not found.by_wish:
        tell(
            f"networks run module by module, up to twice as slow: {found.sentence};"
            " HARNESS_FUSED=off stops this line"
        )
    return found


def _kernels() -> Kernels:
    if os.environ.get("HARNESS_FUSED") == "off":
        return Kernels(None, "HARNESS_FUSED is off", by_wish=True)
    faults, compiler = [], None
    try:
        compiler, folder = find_compiler(), usable_cache()
        if folder is not None:
            return _kept(compiler, folder)
    except NoLibrary as fault:
        faults.append(str(fault))
        compiler = None  # it was tried
    except OSError as fault:
        faults.append(str(fault))
    try:
        return _carried()
    except (NoLibrary, OSError) as fault:
        faults.append(str(fault))
    try:
        if compiler is not None:
            return _compiled_for_once(compiler)
    except (NoLibrary, OSError) as fault:
        faults.append(str(fault))
    return Kernels(None, "; ".join(faults))


def _kept(compiler: Compiler, folder: Path) -> Kernels:
    """The library for this source, compiler and processor, compiled (seconds) where it is not
    kept yet.

    Its name ends with the digest of its content: what is damaged, or is only half there, is never
    loaded.
    """
    parts = (compiler, source_digest(), processor_key())
    key = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    for path in sorted(folder.glob(f"kernels-{key}-*.so")):
        if path.stem.endswith(f"-{_digest(path)}"):
            return Kernels(_load(path), f"compiled by {' '.join(compiler.command)}, {path}")
        path.unlink()
    with tempfile.TemporaryDirectory(prefix="build-", dir=folder) as scratch:
        made = Path(scratch) / "kernels.so"
        compile_library(compiler, made, NATIVE)
        path = folder / f"kernels-{key}-{_digest(made)}.so"
        made.replace(path)  # whole or not at all, also when several processes build it at once
    return Kernels(_load(path), f"compiled by {' '.join(compiler.command)}, {path}")


def _carried() -> Kernels:
    """What the wheel has for this processor."""
    for variant in variants(platform.machine()):
        path = FOLDER / library_file(variant)
        if variant.needs <= instructions() and path.is_file():
            return Kernels(_load(path), f"the wheel's, for {variant.name}")
    raise NoLibrary("this installation carries no compiled kernels for this processor")


def _compiled_for_once(compiler: Compiler) -> Kernels:
    """A library that this process alone uses: its file is gone once it is loaded."""
    with tempfile.TemporaryDirectory(prefix="condensation-harness-") as scratch:
        made = Path(scratch) / "kernels.so"
        compile_library(compiler, made, NATIVE)
        return Kernels(_load(made), "compiled by this process for itself")


def _load(path: Path) -> ctypes.CDLL:
    """OSError where it cannot be loaded, or lacks a function."""
    found = ctypes.CDLL(str(path))
    for name, types in FUNCTIONS.items():
        try:
            function = getattr(found, name)
        except AttributeError:
            raise OSError(f"{path}: has no {name}") from None
        function.argtypes, function.restype = types, None
    return found


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
