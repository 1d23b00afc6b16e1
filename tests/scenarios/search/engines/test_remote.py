"""A search over SSH to this very machine: needs an SSH server, which is started here on a port of
its own.
"""

import getpass
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from condensers.engine.context import Context
from condensers.errors import UsageError
from scenarios.protocol import Reference, Splits
from scenarios.search.engines.engines import RemoteEngine
from scenarios.search.scenario import Search

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin") or shutil.which("sshd")
CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/key.pub
PidFile none
StrictModes no
UsePAM no
Subsystem sftp internal-sftp
SetEnv HOME={folder} PYTHONPATH={paths}
"""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The settings that reach an SSH server here, whose home directory is below `tmp_path`."""
    assert SSHD
    folder = tmp_path / "there"
    folder.mkdir()
    for name in ("host", "key"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "rsa", "-m", "PEM", "-N", "", "-f", folder / name],
            check=True,
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    paths = ":".join(str(Path(entry).absolute()) for entry in sys.path)
    (folder / "config").write_text(CONFIG.format(port=port, folder=folder, paths=paths))
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "config"], stderr=log)
    try:
        for _ in range(100):
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            pytest.skip(f"sshd does not start here: {(folder / 'log').read_text().strip()}")
        key = str(folder / "key")
        yield {
            "name": "remote",
            "host": "127.0.0.1",
            "port": port,
            "user": getpass.getuser(),
            "key": key,
            "python": sys.executable,
        }
    finally:
        server.terminate()
        server.wait()


@pytest.mark.timeout(600)
@pytest.mark.skipif(
    SSHD is None, reason="no SSH server (sshd) is installed, so nothing can be reached over SSH"
)
def test_rows_come_back_over_ssh(
    search: Search, splits: Splits, tmp_path: Path, machine: dict[str, Any]
) -> None:
    here = replace(search, architectures=2).run(Reference("truth"), splits, Context(seed=4))
    there = replace(search, architectures=2, engine=machine).run(
        Reference("truth"), splits, Context(seed=4, folder=tmp_path / "cell")
    )
    timeless = [
        [
            {key: value for key, value in row.items() if key != "seconds"}
            for row in found.detail["architectures"]
        ]
        for found in (here, there)
    ]
    assert timeless[0] == timeless[1] and not there.detail["failures"]
    assert len(list((tmp_path / "cell").rglob("row.json"))) == 2, (
        "what came over the network is kept here"
    )
    assert (tmp_path / "there" / "nni-experiments").is_dir(), "the trials ran on the other side"


def test_what_reaches_no_machine_is_refused(search: Search, splits: Splits, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`user` is missing"):
        replace(search, engine={"name": "remote", "host": "localhost"})
    engine = {"name": "remote", "host": "localhost", "user": "me", "key": str(tmp_path / "none")}
    with pytest.raises(UsageError, match="none is no file; give the path of a private key"):
        replace(search, engine=engine).run(Reference("parameters"), splits, Context())


def test_a_machine_that_does_not_answer_is_named(
    search: Search, splits: Splits, tmp_path: Path
) -> None:
    (tmp_path / "key").touch()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        machine = {
            "host": "127.0.0.1",
            "port": closed.getsockname()[1],
            "user": "me",
            "key": str(tmp_path / "key"),
        }
        with pytest.raises(RuntimeError, match=r"NNI's training service failed: .*ERROR"):
            replace(search, engine={"name": "remote", **machine}).run(
                Reference("parameters"), splits, Context()
            )


def test_only_other_machines_need_the_network() -> None:
    assert RemoteEngine("127.0.0.1", "me").advice() == ""
    assert "through the firewall" in RemoteEngine("192.0.2.1", "me").advice()
