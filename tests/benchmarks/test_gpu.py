"""The command for a machine with a graphics card: what it needs, and that it runs to its end."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.helpers.plain import HIDER

ROOT = Path(__file__).parents[2]
ABSENT = [
    "avalanche",
    "nni",
    "pydantic",
    "mlxtend",
    "rich",
    "typer",
    "matplotlib",
    "pytest",
    "pandas",
]


def run_there(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process that has torch, torchvision, scipy, scikit-learn, safetensors
    and what they bring.
    """
    (folder / "sitecustomize.py").write_text(HIDER.format(names=ABSENT), encoding="utf-8")
    paths = ":".join(map(str, (folder, ROOT, ROOT / "tests")))
    command = [sys.executable, "-m", "benchmarks.gpu", *words]
    return subprocess.run(
        command,
        cwd=folder,
        env={"PYTHONPATH": paths, "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a graphics card")
def test_without_a_card_it_says_so(tmp_path: Path) -> None:
    done = run_there([], tmp_path)
    said = "make gpu: torch finds no graphics card on this machine; nothing was run\n"
    assert (done.returncode, done.stdout) == (3, said), done.stderr


def test_it_runs_to_its_end_with_few_packages(tmp_path: Path) -> None:
    words = ["--device", "cpu", "--quick", "--out", "gpu.json", "--only", "recorded", ": dm", "mtt"]
    done = run_there(words, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert found["failures"] == [] and (tmp_path / "gpu.json").stat().st_size < 2**20
    assert list(found["stages"]) == ["check: recorded steps", "speed: dm", "speed: mtt"]
    rows = found["stages"]["speed: mtt"]["found"]
    assert rows["goal"] == 5.0 and rows["rows"]["ours"]["median"] > 0
    assert rows["ratios"]["published"] == 1.0


def test_a_stage_that_fails_or_takes_long_keeps_no_other_from_running(tmp_path: Path) -> None:
    from benchmarks import gpu

    case = gpu.case_of("cpu", quick=True)
    report = gpu.Report(tmp_path / "gpu.json", case)

    def fail(case: object, seconds: float) -> None:
        raise RuntimeError("out of memory")

    def wait(case: object, seconds: float) -> None:
        while True:
            pass

    for name, work, share in (("a", fail, 0.5), ("b", wait, 1e-4), ("c", lambda *_: 1, 0.5)):
        report.take(gpu.Stage(name, work, share), case)
    written = json.loads((tmp_path / "gpu.json").read_text())
    rows = {name: row["status"] for name, row in written["stages"].items()}
    assert rows["a"] == "failed: RuntimeError: out of memory" and rows["c"] == "done"
    assert rows["b"].startswith("failed: TimeoutError") and written["failures"] == ["a", "b"]
