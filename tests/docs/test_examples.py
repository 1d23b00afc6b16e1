"""Every example under docs/examples runs, in an empty folder and in a clean process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "examples"
# Example -> settings that take less time, and what it prints.
FASTER = {
    "condense_and_look.ipynb": {'"iterations": 100': '"iterations": 3', "epochs=100": "epochs=2"},
    "results_into_pandas.ipynb": {'"epochs": 30': '"epochs": 2'},
}
PRINTS = {
    "avalanche_replay.ipynb": "replay: ",
    "condense_and_look.ipynb": "dm: ",
    "nni_proxy.ipynb": "trained on all images: ",
    "own_method.py": "20 images of 10 classes",
    "results_into_pandas.ipynb": "",
}


def code_of(path: Path) -> str:
    """The code of a script, or that of a notebook's cells one after the other."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    return "\n\n".join("".join(cell["source"]) for cell in cells) + "\n"


def run_code(code: str, folder: Path) -> str:
    """Run a script in a new process, and return what it printed."""
    (folder / "example.py").write_text(code, encoding="utf-8")
    answer = subprocess.run(
        [sys.executable, "example.py"],
        cwd=folder,
        env={
            **os.environ,
            "HOME": str(folder),  # NNI keeps its experiments there
            "MPLBACKEND": "agg",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-3000:]
    return answer.stdout


def test_every_example_is_run_here() -> None:
    found = {path.name for path in FOLDER.iterdir() if path.suffix in (".py", ".ipynb")}
    assert found == set(PRINTS)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", PRINTS)
def test_the_example_runs(name: str, tmp_path: Path) -> None:
    code = code_of(FOLDER / name)
    for long, short in FASTER.get(name, {}).items():
        assert long in code
        code = code.replace(long, short)
    printed = run_code(code, tmp_path)
    assert PRINTS[name] in printed
    if name == "avalanche_replay.ipynb":
        require_help_of_memories(printed)


def require_help_of_memories(printed: str) -> None:
    """The condensed set helps in our plugin and in another strategy's buffer."""
    accuracies = {
        line.split(":")[0]: float(line.split()[1]) for line in printed.splitlines() if "%" in line
    }
    for name in ("replay", "ER-ACE"):
        assert accuracies[name] > accuracies["naive"] + 20


def test_notebooks_hold_what_their_cells_gave() -> None:
    for path in FOLDER.glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        outputs = [one for cell in cells for one in cell.get("outputs", [])]
        assert outputs, f"{path.name}: run its cells before you commit it"
        assert not [one for one in outputs if one["output_type"] == "error"]
        assert str(ROOT) not in json.dumps(outputs)
