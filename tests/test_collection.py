"""Tests have constant names: two workers of pytest-xdist collect the same ones, whatever the clock
and the hash seed are.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A plugin that turns the clock ten days on before any test module is imported.
LATER = "import time; _now = time.time; time.time = lambda: _now() + 864_000.0\n"


def test_a_later_collection_finds_the_same_tests(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    (tmp_path / "later_clock.py").write_text(LATER, encoding="utf-8")
    # One folder is enough to compare where only some tests were asked for.
    paths = dict.fromkeys(item.nodeid.partition("::")[0] for item in request.session.items)
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-p", "later_clock", *paths],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}",
            "PYTHONHASHSEED": "1234",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout[-2000:] + answer.stderr[-2000:]
    again = [line for line in answer.stdout.splitlines() if "::" in line]
    here = {item.nodeid for item in request.session.items}
    wanted = [line for line in again if line in here]
    assert sorted(here - set(again)) == []
    assert wanted == [item.nodeid for item in request.session.items]


def test_bytes_as_a_parameter_need_a_name(pytester: pytest.Pytester) -> None:
    pytester.makeconftest((ROOT / "tests" / "helpers" / "naming.py").read_text(encoding="utf-8"))
    pytester.makepyfile("""
        import pytest
        @pytest.mark.parametrize("content", [bytes(3)])
        def test_it(content): ...
        """)
    answer = pytester.runpytest_subprocess("--collect-only")
    answer.stdout.fnmatch_lines(["*content: give these parameters explicit ids*"])
