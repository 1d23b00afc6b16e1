"""Suites, runs, statistics and reports: how people use the condensers and the scenarios."""

from pathlib import Path
from runpy import run_path

run_path(str(Path(__file__).parents[1] / "condensers" / "siblings.py"))["require"](
    "condensers", "scenarios"
)

__version__ = "0.5.0"
