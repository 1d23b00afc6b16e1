"""What breaks, and how it is broken."""

from collections.abc import Callable
from pathlib import Path

import pytest

PLUGIN = '''
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from condensers.hyperparameters import hyper
from condensers.methods.distribution_matching.dm import DM

@dataclass(frozen=True)
class Faulty(DM):
    """DM that goes wrong."""
    how: str = hyper("kill", source="test", values=("kill", "memory"))
    times: int = hyper(1, source="test", minimum=0)
    marks: str = hyper("", source="test")
    registered = "faulty"

    def condense(self, data: Any, budget: Any, context: Any) -> Any:
        before = len(list(Path(self.marks).glob("*")))
        if before < self.times:
            (Path(self.marks) / str(before)).touch()
            if self.how == "memory":
                raise MemoryError("cannot allocate 1 TiB")
            os.kill(os.getpid(), 9)
        return DM.condense(self, data, budget, context)
'''

SUITE = """
data = ["digits"]
seeds = 1
ipc = [1]

[[condensers]]
method = "random"

[[condensers]]
method = "{place}:Faulty"
label = "faulty"
how = "{how}"
times = {times}
marks = "{marks}"
iterations = 3
batch_real = 8
network = {{ name = "convnet", depth = 2, width = 8 }}

[[scenarios]]
scenario = "accuracy"
references = []
network = {{ name = "convnet", depth = 2, width = 8 }}
networks = 1
epochs = 2
"""

WriteFaulty = Callable[..., Path]


@pytest.fixture
def faulty(tmp_path: Path) -> WriteFaulty:
    """`faulty(how, times)` writes a suite one of whose methods goes wrong the first `times`
    times.
    """

    def write(how: str, times: int) -> Path:
        marks = tmp_path / "marks"
        marks.mkdir(exist_ok=True)
        plugin = tmp_path / "plugin.py"
        plugin.write_text(PLUGIN, encoding="utf-8")
        suite = tmp_path / "faulty.toml"
        suite.write_text(
            SUITE.format(place=plugin, how=how, times=times, marks=marks), encoding="utf-8"
        )
        return suite

    return write


def flip(path: Path, place: float = 0.5) -> None:
    """Turn one bit of a file over, at a fraction of its length."""
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(bytes(content))
