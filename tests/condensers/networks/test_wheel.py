"""A wheel carries the kernels, compiled for several kinds of processors, and uses them where there
is no compiler.
"""

import os
import platform
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LEFT_OUT = shutil.ignore_patterns(".*", "runs", "build", "*.egg-info", "tests", "docs", "site")
COMPARE = """
import torch
from condensers.networks import build
from condensers.networks.fused import native
from condensers.networks.precision import by_modules
print(native.kernels().sentence)
network = build("convnet", (3, 16, 16), 4, torch.Generator().manual_seed(1))
images = torch.randn(8, 3, 16, 16)
with torch.no_grad():
    fused = network(images)
    with by_modules():
        apart = network(images)
assert torch.allclose(fused, apart, atol=1e-4, rtol=1e-4)
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
    return folder


def build_wheel(sources: Path, compiler: object) -> tuple[Path, str]:
    """The wheel, and what was said meanwhile."""
    command = [sys.executable, "-m", "pip", "-v", "wheel", "--no-build-isolation", "--no-deps"]
    done = subprocess.run(
        [*command, "--disable-pip-version-check", "--wheel-dir", sources.parent, sources],
        env={name: value for name, value in os.environ.items() if name != "HARNESS_FUSED"}
        | {"CC": str(compiler)},
        capture_output=True,
        text=True,
        check=True,
    )
    (wheel,) = sources.parent.glob("*.whl")
    return wheel, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here")
@pytest.mark.skipif(sys.platform != "linux", reason="chooses by what Linux says of the processor")
def test_a_wheel_of_this_platform_runs_its_kernels_without_a_compiler(
    sources: Path, tmp_path: Path
) -> None:
    compiler = tmp_path / "quick-cc"  # what it compiles is slow, and the same
    compiler.write_text('#!/bin/bash\nexec cc "${@/-O2/-O0}"\n')
    compiler.chmod(0o755)
    wheel, _ = build_wheel(sources, compiler)
    assert wheel.name.endswith(f"-py3-none-linux_{platform.machine()}.whl")
    installed = tmp_path / "installed"
    shutil.unpack_archive(wheel, installed, "zip")
    libraries = sorted(path.name for path in installed.rglob("kernels-*.so"))
    if platform.machine() == "x86_64":
        assert libraries == [f"kernels-x86-64{one}.so" for one in ("-v3", "-v4", "")]
    torch = find_spec("torch")
    assert torch is not None and torch.origin is not None
    others = Path(torch.origin).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", COMPARE],
        cwd=tmp_path,
        env={"PATH": "", "HOME": str(tmp_path), "PYTHONPATH": f"{installed}:{others}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("the wheel's, for ") and not done.stderr


@pytest.mark.slow
def test_without_a_compiler_the_wheel_is_for_any_machine_and_that_is_said(sources: Path) -> None:
    stale = sources / "build/lib/condensers/networks/fused/kernels-x86-64.so"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"of another build")
    wheel, said = build_wheel(sources, "no-such-compiler")
    assert wheel.name.endswith("-py3-none-any.whl")
    assert "carries no compiled kernels: there is no C compiler (no-such-compiler)" in said
    shutil.unpack_archive(wheel, sources.parent / "installed", "zip")
    assert not list((sources.parent / "installed").rglob("*.so"))
