"""The kernels are built where nobody else can change them, and are used whole or not at all."""

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from condensers import notices, user_cache
from condensers.networks import fused
from condensers.networks.fused import compiler, native
from condensers.networks.fused.compiler import NoLibrary
from condensers.networks.fused.threads import POOL, KeptPool, over
from condensers.notices import Notice

pytestmark = pytest.mark.skipif(fused.library() is None, reason="no C compiler here")
MakeCompiler = Callable[..., Path]
SCRIPT = """#!/bin/sh
if [ "$1" = --version ]; then echo "fake {version}"; exit 0; fi
echo once >> {log}
while [ $# -gt 0 ]; do if [ "$1" = -o ]; then {action}; fi; shift; done
exit {status}
"""


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache and a temporary folder of the test's own, and nothing told yet."""
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "scratch").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    monkeypatch.setattr(native.tempfile, "tempdir", str(tmp_path / "scratch"))
    monkeypatch.setattr(notices, "_told", set())
    monkeypatch.setattr(notices, "_shown", set())
    monkeypatch.delenv("HARNESS_FUSED", raising=False)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "home" / "cache" / user_cache.NAME


@pytest.fixture
def make_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeCompiler:
    """`make_compiler(version, action, status)` is a compiler that copies a library that is there,
    as CC; returns a file with a line for each time it compiled.
    """
    found = fused.library()
    assert found is not None
    whole = shutil.copy(found._name, tmp_path / "whole.so")

    def make(version: str = "1", action: str = "", status: int = 0) -> Path:
        path, log = tmp_path / "fake-cc", tmp_path / "compiled"
        action = action or f'cp {whole} "$2"'
        path.write_text(SCRIPT.format(version=version, log=log, action=action, status=status))
        path.chmod(0o755)
        monkeypatch.setenv("CC", str(path))
        return log

    return make


def compiled(log: Path) -> int:
    return len(log.read_text().split()) if log.exists() else 0


def test_it_is_built_once_in_a_folder_for_the_user_alone(
    cache: Path, make_compiler: MakeCompiler
) -> None:
    log = make_compiler()
    for _ in range(2):
        assert native._kernels().library is not None
    assert compiled(log) == 1
    assert [path.stat().st_mode & 0o777 for path in (cache, cache.parent)] == [0o700, 0o700]
    assert [path.suffix for path in cache.iterdir()] == [".so"]


def test_another_version_of_the_compiler_builds_another_library(
    cache: Path, make_compiler: MakeCompiler
) -> None:
    for version in ("1", "2", "1"):
        log = make_compiler(version)
        native._kernels()
    assert compiled(log) == 2 and len(list(cache.iterdir())) == 2


def test_a_compiler_of_two_words(
    tmp_path: Path, make_compiler: MakeCompiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = make_compiler()
    wrapper = tmp_path / "my ccache"
    wrapper.write_text('#!/bin/sh\nexec "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("CC", f"'{wrapper}' {tmp_path / 'fake-cc'}")
    assert native._kernels().library is not None and compiled(log) == 1
    monkeypatch.setenv("CC", "cc 'open")
    assert "cannot be read" in native._kernels().sentence


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b[:-9] + b"x" + b[-8:]])
def test_a_damaged_library_is_built_anew_and_never_loaded(
    damage: Callable[[bytes], bytes],
    cache: Path,
    make_compiler: MakeCompiler,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = make_compiler()
    native._kernels()
    (path,) = cache.iterdir()
    spoilt = damage(path.read_bytes())
    path.unlink()  # the first one is loaded: its file must stay as it is
    path.write_bytes(spoilt)
    loaded: list[bytes] = []
    load = native._load
    monkeypatch.setattr(native, "_load", lambda p: [loaded.append(p.read_bytes()), load(p)][1])
    assert native._kernels().library is not None
    assert compiled(log) == 2
    assert [native._digest(path) for path in cache.iterdir()] == [path.stem.rpartition("-")[2]]
    assert loaded == [path.read_bytes()]


def test_a_compiler_that_stops_half_way_leaves_nothing(
    tmp_path: Path, cache: Path, make_compiler: MakeCompiler
) -> None:
    log = make_compiler(action='echo half > "$2"', status=1)
    found = native._kernels()
    assert found.library is None and "cannot compile" in found.sentence
    assert compiled(log) == len(native.NATIVE)
    assert not list(cache.iterdir()) and not list((tmp_path / "scratch").iterdir())


@pytest.mark.parametrize("place", ["folder", "parent"])
def test_a_folder_in_which_others_can_write_is_refused_and_told(
    place: str, tmp_path: Path, cache: Path, make_compiler: MakeCompiler
) -> None:
    log = make_compiler()
    cache.mkdir(parents=True, mode=0o700)
    (cache if place == "folder" else cache.parent).chmod(0o777)
    with pytest.warns(Notice, match=r"others can write in it; chmod go-w it"):
        assert native._kernels().library is not None
    native._kernels()
    assert compiled(log) == 2 and not list(cache.iterdir())
    assert not list((tmp_path / "scratch").iterdir())


def test_a_folder_of_another_user_is_refused(
    cache: Path, make_compiler: MakeCompiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_compiler()
    cache.mkdir(parents=True, mode=0o700)
    monkeypatch.setattr(user_cache.os, "geteuid", lambda: cache.stat().st_uid + 1)
    with pytest.warns(Notice, match="belongs to another user"):
        native._kernels()
    assert not list(cache.iterdir())


def test_where_nothing_can_be_kept_nothing_is_left(
    tmp_path: Path, make_compiler: MakeCompiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_compiler()
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.warns(Notice, match="cannot be made"):
        found = native._kernels()
    assert found.sentence == "compiled by this process for itself"
    assert found.library is not None and found.library.forward_float32.argtypes
    assert not list((tmp_path / "scratch").iterdir())


def test_that_it_is_off_is_told_once_unless_it_was_wished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(2):
            native.kernels.__wrapped__()
    (line,) = [str(one.message) for one in told]
    assert "module by module" in line and "no C compiler (no-such-compiler)" in line
    monkeypatch.setattr(notices, "_told", set())
    monkeypatch.setenv("HARNESS_FUSED", "off")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert native.kernels.__wrapped__().by_wish


def test_without_a_compiler_the_wheels_library_is_taken(
    tmp_path: Path, make_compiler: MakeCompiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_compiler()
    monkeypatch.setattr(native, "FOLDER", tmp_path)
    monkeypatch.setattr(native.platform, "machine", lambda: "x86_64")
    for name in ("x86-64-v4", "x86-64-v3", "x86-64"):
        shutil.copy(tmp_path / "whole.so", tmp_path / f"kernels-{name}.so")
    assert "compiled by" in native._kernels().sentence
    monkeypatch.setenv("CC", "no-such-compiler")
    for flags, wanted in ((compiler.V4, "v4"), (compiler.V3, "v3"), (frozenset[str](), "x86-64")):
        monkeypatch.setattr(native, "instructions", lambda flags=flags: flags)
        found = native._kernels()
        assert found.library is not None and found.sentence.endswith(wanted)


def test_a_library_that_lacks_a_function_is_not_used(
    make_compiler: MakeCompiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_compiler()
    monkeypatch.setitem(native.FUNCTIONS, "sideways", (native.P,))
    assert native._kernels().library is None and "has no sideways" in native._kernels().sentence


def test_a_compiler_that_hangs_or_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "false")
    with pytest.raises(NoLibrary):
        compiler.compile_library(compiler.Compiler(("false",), ""), Path("nowhere"), [()])
    monkeypatch.setattr(compiler, "SECONDS", 0.05)
    with pytest.raises(NoLibrary, match="cannot be run"):
        compiler._run(["sleep", "5"])


def test_networks_run_without_it(tmp_path: Path) -> None:
    script = (
        "import torch; from condensers.networks import build, fused; assert fused.library() is"
        " None; n = build('convnet', (1, 8, 8), 2, torch.Generator());"
        " print(n(torch.zeros(2, 1, 8, 8)).shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"CC": "false", "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "[2, 2]" in done.stdout and done.stderr.count("module by module") == 1


def test_threads_are_kept_and_share_all_images(monkeypatch: pytest.MonkeyPatch) -> None:
    assert KeptPool().executor is None
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    for images in (24, 25, 100):
        seen: list[int] = []
        over(images, lambda first, last, seen=seen: seen.extend(range(first, last)))
        assert sorted(seen) == list(range(images))
    kept = POOL.executor
    assert kept is not None and POOL.at_least(2) is kept
    with pytest.raises(ZeroDivisionError):
        over(24, lambda first, last: 1 // (first - 8))


def test_a_forked_child_has_threads_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    over(16, lambda first, last: None)
    child = os.fork()
    if child == 0:
        seen: list[int] = []
        over(16, lambda first, last: seen.extend(range(first, last)))
        os._exit(0 if sorted(seen) == list(range(16)) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
