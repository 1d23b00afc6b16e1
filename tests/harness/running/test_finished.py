"""The same command again on a finished run is answered without a plan; anything new is planned."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.running import finished
from tests.helpers.command_line import Harness

HEAVY = "torch", "scipy", "matplotlib", "avalanche", "nni", "sklearn", "pandas"
AGAIN = f"""
import sys
sys.argv[0] = 'harness'
from condensation_harness import main
try:
    main()
except SystemExit as end:
    assert not end.code, end
print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
PLANNED = "harness.suite.plan.plan_suite"


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is planned, a plan each."""
    from harness.suite.plan import plan_suite

    plans: list[object] = []

    def plan(*words: object, **options: object) -> object:
        plans.append(plan_suite(*words, **options))  # type: ignore[arg-type]
        return plans[-1]

    monkeypatch.setattr(PLANNED, plan)
    return plans


def test_a_finished_run_answers_as_before_and_imports_nothing_heavy(
    tiny: Path, tmp_path: Path
) -> None:
    words = ["run", tiny, "--out", tmp_path / "out", "--workers", 1]
    command = [sys.executable, "-c", AGAIN, *map(str, words)]

    def run() -> subprocess.CompletedProcess[str]:
        """In a process of its own, with nothing on its path that other tests left there."""
        places = {**os.environ, "COLUMNS": "80"}
        return subprocess.run(command, capture_output=True, text=True, check=True, env=places)

    first = run()
    page = (tmp_path / "out" / "report.html").read_bytes()
    again = run()
    assert "10 cells, 0 to do" in again.stderr and again.stderr.rstrip().endswith("[]")
    assert again.stdout == first.stdout
    assert (tmp_path / "out" / "report.html").read_bytes() == page


def test_what_is_new_is_planned(
    harness: Harness,
    tiny: Path,
    tmp_path: Path,
    planned: list[object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    words = ["run", tiny, "--out", out, "--workers", 1, "--quiet"]

    def plans(*more: object) -> int:
        planned.clear()
        assert harness(*words, *more).status == 0
        return len(planned)

    assert (plans(), plans()) == (1, 0)
    assert plans("--repair") == 1
    assert plans("--set", "seeds=1") == 1
    assert (plans(), plans()) == (1, 0)  # the description was another's
    next(out.glob("cells/*/record.json")).unlink()
    assert (plans(), plans()) == (1, 0)
    tiny.write_text(tiny.read_text().replace('"seconds"', '"other words"'))
    assert (plans(), plans()) == (1, 0)
    monkeypatch.setattr(finished, "digest_installation", lambda: "other code")
    assert (plans(), plans()) == (1, 0)
    monkeypatch.setattr(finished, "fingerprint", lambda name, folder: f"other files of {name}")
    assert (plans(), plans()) == (1, 0)
    monkeypatch.setattr(finished, "fingerprint", lambda name, folder: None)
    assert (plans(), plans()) == (1, 1)


def test_parts_from_elsewhere_are_planned_each_time(
    harness: Harness, tiny: Path, tmp_path: Path, planned: list[object]
) -> None:
    place = tmp_path / "mine.py"
    place.write_text(
        "from condensers.selections.base import RandomSelection\n\n\nclass Mine(RandomSelection):\n"
        '    """Random images by another name."""\n'
    )
    tiny.write_text(tiny.read_text().replace('method = "random"', f'method = "{place}:Mine"'))
    words = ["run", tiny, "--out", tmp_path / "out", "--workers", 1, "--quiet"]
    assert harness(*words).status == 0 and harness(*words).status == 0
    assert len(planned) == 2


def test_a_finished_run_with_a_damaged_record_is_refused(
    harness: Harness, tiny: Path, tmp_path: Path
) -> None:
    words = ["run", tiny, "--out", tmp_path / "out", "--workers", 1, "--quiet"]
    harness(*words)
    record = next((tmp_path / "out").glob("cells/*/record.json"))
    record.write_bytes(record.read_bytes()[:-30])
    answer = harness(*words)
    assert answer.status == 1 and f"{record}: damaged" in answer.err
