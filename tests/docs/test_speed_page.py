"""The page on speed is made of the records of the bench, one for each kind of processor."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "speed.py"
WORDS = "A {{products}} B {{figures}}"


@pytest.fixture
def speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, on a folder of the test's own."""
    spec = importlib.util.spec_from_file_location("speed", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "words.txt").write_text(WORDS)
    for name, place in (("RECORDS", "speed"), ("PAGE", "speed.md"), ("WORDS", "words.txt")):
        monkeypatch.setattr(module, name, tmp_path / place)
    return module


def bench(ratio: float, *names: str, **more: Any) -> dict[str, Any]:
    rows = [
        {
            "name": name,
            "title": f"{name} iteration",
            "precision": "fp32",
            "ratio": ratio,
            "low": ratio - 0.1,
            "high": ratio + 0.1,
            "n": 3,
            "plain_seconds": 2 * ratio,
            "ours_seconds": 2.0,
            "seconds": {"plain": [1.0], "ours": [2.0]},
        }
        for name in names
    ]
    return {
        "command": ["/somewhere/python", "-m", "benchmarks", "--short", "--out", "/somewhere/b"],
        "environment": {"torch": "2.15.0", "threads": 1, "blocks": "compiled", "cpu": "P"},
        "version": "0.7.0",
        "seconds": "CPU (user + system)",
        "data": "fashion-mnist",
        "processor": "Some CPU, avx2",
        "product_gflops": {"fp32": 70.123456, "bf16": 1.0},
        "left_out": {"bf16": "too slow"},
        "failures": [],
        "rows": rows,
    } | more


def kept(speed: ModuleType, found: dict[str, Any], tmp_path: Path) -> int:
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(found))
    return int(speed.main([str(path)]))


def test_the_page_that_ships_is_not_stale() -> None:
    answer = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, check=False)
    assert answer.returncode == 0, answer.stderr


def test_each_processor_has_its_record_and_its_table(speed: ModuleType, tmp_path: Path) -> None:
    assert kept(speed, bench(2.0, "dm", "test"), tmp_path) == 0
    assert kept(speed, bench(3.0, "dm", processor="Another", left_out={}), tmp_path) == 0
    assert [path.name for path in sorted((tmp_path / "speed").iterdir())] == [
        "another.json",
        "some-cpu-avx2.json",
    ]
    page = (tmp_path / "speed.md").read_text()
    assert page.index("### Another") < page.index("### Some CPU, avx2")
    assert "| Some CPU, avx2 | 70.1 | 1 |" in page
    assert "| dm iteration | 4 | 2 | 2.00 x [1.90, 2.10] | - |" in page
    assert "bf16 was left out: too slow." in page
    assert "`PYTHONPATH=tests python -m benchmarks --short`, version 0.7.0" in page
    assert "/somewhere" not in (tmp_path / "speed" / "another.json").read_text()


def test_a_run_of_some_rows_leaves_the_others(speed: ModuleType, tmp_path: Path) -> None:
    kept(speed, bench(2.0, "dm", "test"), tmp_path)
    kept(speed, bench(5.0, "dm"), tmp_path)
    record = json.loads((tmp_path / "speed" / "some-cpu-avx2.json").read_text())
    assert {row["name"]: row["ratio"] for row in record["rows"]} == {"dm": 5.0, "test": 2.0}


@pytest.mark.parametrize(
    ("more", "said"),
    [({"failures": ["FAILED dm"]}, "FAILED dm"), ({"seconds": "wall"}, "graphics cards")],
)
def test_what_is_no_measurement_is_not_kept(
    more: dict[str, Any],
    said: str,
    speed: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert kept(speed, bench(2.0, "dm", **more), tmp_path) == 1
    assert said in capsys.readouterr().err and not (tmp_path / "speed").exists()


def test_a_stale_page_is_refused(
    speed: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(speed, bench(2.0, "dm"), tmp_path)
    assert speed.main(["--check"]) == 0
    (tmp_path / "speed.md").write_text("old")
    assert speed.main(["--check"]) == 1
    assert "run `python docs/speed.py`" in capsys.readouterr().err
