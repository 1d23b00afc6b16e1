"""Commands talk to this machine alone: nothing is sent to makers of NNI, Ray, wandb or datasets, no
port is open to others.
"""

import sys
from pathlib import Path

import pytest

from tests.helpers.sockets import watch_command
from tests.helpers.suites import TINY

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
SEARCH = """
data = ["digits"]
seeds = 1
ipc = [1]

[[condensers]]
method = "random"

[[scenarios]]
scenario = "search"
references = []
space = "convnet-small"
architectures = 2
epochs = 1
seeds = 1
truth = "train"
truth_epochs = 1
engine = { name = "local", trials = 1 }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tiny.toml").write_text(TINY, encoding="utf-8")
    (tmp_path / "search.toml").write_text(SEARCH, encoding="utf-8")
    return tmp_path


def test_sockets_are_seen(folder: Path) -> None:
    """The watch itself: an address that is not this machine's is noticed, by name and by number."""
    (folder / "plugin.py").write_text(
        "import socket\n"
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9))\n"
        "waiting = socket.create_server(('0.0.0.0', 0))\n"
        "import time; time.sleep(1)\n",
        encoding="utf-8",
    )
    seen = watch_command(["show", "plugin.py:Nothing"], folder, 120)
    assert "192.0.2.1" in seen.outside() and "0.0.0.0" in seen.outside()


@pytest.mark.timeout(900)
def test_no_command_leaves_this_machine(folder: Path) -> None:
    for words in (
        [
            "run",
            "tiny.toml",
            "--out",
            "out",
            "--workers",
            "2",
            "--set",
            "seeds=1",
            "--log",
            "wandb",
        ],
        ["condense", "random", "--data", "digits", "--ipc", "1", "--out", "set.safetensors"],
        ["export", "set.safetensors", "--to", "hf", "--out", "hf"],
    ):
        seen = watch_command(words, folder, 300)
        assert seen.status == 0, (words, seen.errors)
        assert seen.outside() == set(), words


@pytest.mark.timeout(900)
def test_an_engine_listens_to_this_machine_alone(folder: Path) -> None:
    seen = watch_command(["run", "search.toml", "--out", "search", "--workers", "1"], folder, 400)
    assert seen.status == 0, seen.errors
    assert seen.listening and seen.outside() == set()


@pytest.mark.timeout(900)
def test_ray_asks_nobody_but_the_cloud_that_it_may_be_in(folder: Path) -> None:
    """Ray opens its ports on every address of the machine, whatever it is asked
    (docs/guide/robustness.md says so).
    """
    pytest.importorskip("ray")
    seen = watch_command(
        ["run", "tiny.toml", "--out", "ray", "--ray", "local", "--set", "seeds=1"], folder, 400
    )
    assert seen.status == 0, seen.errors
    own = {address for address, _ in seen.listening}
    assert seen.outside() - own <= {"169.254.169.254", "metadata.google.internal"}
