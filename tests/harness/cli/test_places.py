"""Paths with spaces and letters of other scripts on every verb, and an evaluation under a decimal
comma.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.command_line import Harness

SUITE = """
about = "Größe „eins“"
data = ["teile ñ/daten.py:Daten"]
seeds = 1
ipc = [1]

[[condensers]]
method = "random"
label = "zufällig 東"

[[scenarios]]
scenario = "teile ñ/maß.py:Mass"
label = "maß"
"""
SET, RUN = "menge ß/ein satz ж.safetensors", "läufe 東/eins"
# Each verb in an order in which it has what it needs; all paths have spaces and letters beyond
# Latin.
VERBS = (
    ("show", "teile ñ/daten.py:Daten"),
    ("condense", "random", "--data", "teile ñ/daten.py:Daten", "--ipc", 1, "--out", SET),
    ("evaluate", SET, "--scenario", "teile ñ/maß.py:Mass", "--data", "teile ñ/daten.py:Daten"),
    ("export", SET, "--to", "npz", "--out", "aus é.npz"),
    ("export", SET, "--to", "png", "--out", "aus é"),
    ("export", SET, "--to", "hf", "--out", "für 東"),
    ("import", "aus é.npz", "--data", "teile ñ/daten.py:Daten", "--out", "zurück 1.safetensors"),
    ("plan", "suite ж.toml", "--out", RUN),
    ("run", "suite ж.toml", "--out", RUN, "--workers", 1),
    ("report", RUN, "--format", "md,csv,json,latex,html", "--out", "tafeln é"),
    ("runs", "läufe 東"),
    ("diff", RUN, RUN),
)


@pytest.fixture
def here(harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of such a name, with a data set, a scenario and a suite."""
    folder = tmp_path / "Ünï 東京 'q'"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert harness("new", "dataset", "daten", "--dir", "teile ñ").status == 0
    assert harness("new", "scenario", "mass", "--dir", "teile ñ").status == 0
    (folder / "teile ñ" / "mass.py").rename(folder / "teile ñ" / "maß.py")
    (folder / "suite ж.toml").write_text(SUITE, encoding="utf-8")
    return folder


def test_paths_of_any_script_on_every_verb(harness: Harness, here: Path) -> None:
    for words in VERBS:
        answer = harness(*words)
        assert answer.status == 0, (words, answer.err)
    rows = json.loads((here / "tafeln é" / "report.json").read_text(encoding="utf-8"))["rows"]
    assert {row["scenario"] for row in rows} >= {"maß"} and "zufällig 東" in {
        row["condenser"] for row in rows
    }


COMMA = """
import locale, sys
locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
assert locale.format_string("%.1f", 1.5) == "1,5"
from harness.cli.app import main
main()
"""


@pytest.mark.skipif(
    not shutil.which("localedef"), reason="no tool here makes a locale with a decimal comma"
)
def test_an_evaluation_under_a_decimal_comma_gives_the_same(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "UTF-8", str(tmp_path / "de_DE.UTF-8")],
        capture_output=True,
        check=False,
    )
    if made.returncode not in (0, 1):
        pytest.skip("localedef has no sources of de_DE here")
    monkeypatch.chdir(tmp_path)
    assert (
        harness(
            "condense", "random", "--data", "digits", "--ipc", 1, "--out", "a.safetensors"
        ).status
        == 0
    )
    words = [
        "evaluate",
        "a.safetensors",
        "--json",
        *("--set", "epochs=2", "--set", "networks=2", "--set", "network.width=8"),
    ]
    environment = {**os.environ, "LOCPATH": str(tmp_path), "LC_ALL": "de_DE.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-c", COMMA, *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    plain = json.loads(harness(*words).out)
    assert json.loads(done.stdout)["measurements"] == plain["measurements"]
