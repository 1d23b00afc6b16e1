"""The compiled kernels of block.c: built once for this machine by its C compiler, kept in the
user's cache, loaded by ctypes.

Where there is no compiler, or HARNESS_FUSED is "off", there is no library and networks run module
by module.
"""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

FLAGS = (
    "-O3",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fassociative-math",
    "-fno-signed-zeros",
    "-freciprocal-math",
)
FOLDER = Path(__file__).parent
SECONDS = 120
P, L = ctypes.c_void_p, ctypes.c_long
ARGUMENTS = {  # the form and the images are in the middle
    "measure": (P, P, L, L, P, P),
    "forward": (P, P, P, P, P, L, L, P, P, P, P),
    "gather": (P, P, P, P, P, L, L, P, P, P, P, P, P),
    "backward": (P, P, P, P, P, L, L, *(11 * (P,))),
}
SOURCES = ("vector.h", "rows.h", "block.h", "block.c")
FORMATS = ("float32", "bfloat16")


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL | None:
    """The kernels `NAME_FORMAT` of `ARGUMENTS` and `FORMATS`; None where they cannot be had."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if os.environ.get("HARNESS_FUSED") == "off" or compiler is None:
        return None
    try:
        return _declare(ctypes.CDLL(str(_built(compiler))))
    except (OSError, subprocess.SubprocessError):
        return None


def _declare(found: ctypes.CDLL) -> ctypes.CDLL:
    for name, types in ARGUMENTS.items():
        for form in FORMATS:
            function = getattr(found, f"{name}_{form}")
            function.argtypes, function.restype = types, None
    return found


def _built(compiler: str) -> Path:
    """The shared object for this source and this processor, compiled (about two seconds) where it
    is not there yet.
    """
    sha = hashlib.sha256(repr((compiler, FLAGS, _processor())).encode())
    for name in SOURCES:
        sha.update((FOLDER / name).read_bytes())
    path = _cache() / f"block-{sha.hexdigest()[:16]}.so"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            made = Path(scratch) / "block.so"
            for own in (("-march=native",), ()):
                command = [
                    compiler,
                    *FLAGS,
                    *own,
                    "-shared",
                    "-fPIC",
                    str(FOLDER / "block.c"),
                    "-o",
                    str(made),
                    "-lm",
                ]
                done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
                if done.returncode == 0:
                    made.replace(
                        path
                    )  # whole or not at all, also when several processes build it at once
                    return path
            raise OSError(f"{compiler} cannot compile {FOLDER / 'block.c'}")
    return path


def _cache() -> Path:
    """A folder of this user's; one for this process alone where the home cannot be written."""
    base = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(base) if base else Path.home() / ".cache") / "condensation-harness"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="condensation-harness-"))


def _processor() -> str:
    """What code made for this processor needs: its name and its instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    wanted = ("model name", "flags", "Features")
    return " ".join(next((line for line in lines if line.startswith(key)), "") for key in wanted)
