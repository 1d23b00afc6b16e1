"""Where a set is used: accuracy, replay memory, architecture search and more."""

from pathlib import Path
from runpy import run_path

run_path(str(Path(__file__).parents[1] / "condensers" / "siblings.py"))["require"]("condensers")
