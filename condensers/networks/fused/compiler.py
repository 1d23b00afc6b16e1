"""The C compiler, and how it makes the kernels of this folder into one library.

It needs nothing but Python, so that a wheel is built without torch.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

FLAGS = (
    "-O2",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fassociative-math",
    "-fno-signed-zeros",
    "-freciprocal-math",
)
FOLDER = Path(__file__).parent
SECONDS = 300
V3 = frozenset(["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"])
V4 = V3 | frozenset(["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"])


class NoLibrary(Exception):
    """There is no compiler, or it cannot compile the kernels; the text says why."""


class Compiler(NamedTuple):
    """The words of its command, and what it says of its version."""

    command: tuple[str, ...]
    version: str


class Variant(NamedTuple):
    """A library for processors of some instructions, which a wheel carries.

    Attributes:
        name: Of the file, `kernels-NAME.so`.
        options: Of the compiler.
        needs: What the processor must have, by Linux's names.
    """

    name: str
    options: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset()


def variants(machine: str) -> Sequence[Variant]:
    """Return what a wheel carries for machines of a kind, the fastest first."""
    if machine not in ("x86_64", "AMD64"):
        return (Variant(machine),)
    return (
        Variant("x86-64-v4", ("-march=x86-64-v4",), V4),
        Variant("x86-64-v3", ("-march=x86-64-v3",), V3),
        Variant("x86-64"),
    )


def library_file(variant: Variant) -> str:
    """Return how the library of a variant is called."""
    return f"kernels-{variant.name}.so"


def find_compiler() -> Compiler:
    """Return the compiler that CC names, words and all (`ccache gcc`), else cc.

    Raises:
        NoLibrary: It is not there, or does not say its version.
    """
    named = os.environ.get("CC") or "cc"
    try:
        words = shlex.split(named)
    except ValueError as fault:
        raise NoLibrary(f"CC={named} cannot be read ({fault})") from None
    if not words or shutil.which(words[0]) is None:
        raise NoLibrary(f"there is no C compiler ({named})")
    done = _run([*words, "--version"])
    if done.returncode:
        raise NoLibrary(f"{named} is no working C compiler")
    return Compiler(tuple(words), done.stdout)


def source_files() -> list[Path]:
    """Return the C files and their headers."""
    return sorted([*FOLDER.glob("*.c"), *FOLDER.glob("*.h")])


def source_digest() -> str:
    """Return a digest of the C files, their names and the compiler's flags."""
    sha = hashlib.sha256(repr(FLAGS).encode())
    for path in source_files():
        content = path.read_bytes()
        sha.update(f"{path.name} {len(content)} ".encode() + content)
    return sha.hexdigest()[:16]


def compile_library(compiler: Compiler, target: Path, choices: Sequence[Sequence[str]]) -> None:
    """Compile all C files into the library `target`.

    Args:
        compiler: What compiles them.
        target: The file to be written.
        choices: Options beside `FLAGS`; the first that the compiler takes are used.

    Raises:
        NoLibrary: It cannot compile them.
    """
    files = [str(path) for path in source_files() if path.suffix == ".c"]
    for options in choices:
        words = [*compiler.command, *FLAGS, *options, "-shared", "-fPIC"]
        done = _run([*words, *files, "-o", str(target), "-lm"])
        if done.returncode == 0 and target.is_file():
            return
    said = (done.stderr.strip().splitlines() or ["nothing was said"])[0]
    raise NoLibrary(f"{shlex.join(compiler.command)} cannot compile {FOLDER} ({said[:200]})")


def _run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.SubprocessError) as fault:
        raise NoLibrary(f"{shlex.join(command[:1])} cannot be run ({fault})") from None
