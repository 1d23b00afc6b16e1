"""Which addresses a command and its children listen on or talk to, whatever language they are
written in.
"""

import ipaddress
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

# Python's own processes also log what they try: names to look up, and addresses that never answer.
HOOK = """
import os, sys

def log(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        target = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
        with open({log!r}, "a") as file:
            print(event, target[0] if isinstance(target, tuple) else target, file=file)

sys.addaudithook(log)
"""
LISTEN = "0A"


@dataclass
class Traffic:
    """listening: (address, port) of sockets that waited for connections. reached: addresses and
    names that were asked for.
    """

    status: int = 0
    errors: str = ""
    listening: set[tuple[str, int]] = field(default_factory=set)
    reached: set[str] = field(default_factory=set)

    def outside(self) -> set[str]:
        """What is not this machine, or was not only for this machine."""
        addresses = {address for address, _ in self.listening} | self.reached
        return {address for address in addresses if not _is_here(address)}


def _is_here(address: str) -> bool:
    if address in ("", "localhost", "None") or address.startswith(("/", "\0", "b'")):
        return True  # a Unix socket, or no host
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _address(text: str) -> tuple[str, int]:
    """`0100007F:1F90` as /proc/net/tcp writes it -> ("127.0.0.1", 8080)."""
    host, _, port = text.partition(":")
    words = [bytes.fromhex(host[i : i + 8])[::-1] for i in range(0, len(host), 8)]
    found = ipaddress.ip_address(b"".join(words))
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found), int(port, 16)


def _family(root: int) -> set[int]:
    """A process and all that descend from it now."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
    found = {root}
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return found
        found |= more


def _sockets(process: int) -> set[str]:
    found = set()
    for path in Path(f"/proc/{process}/fd").glob("*"):
        try:
            target = os.readlink(path)
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found


def _look(root: int, known: set[int], traffic: Traffic) -> None:
    """Note the sockets that the family has now; members stay known when their parent is gone."""
    for process in set(known):
        known |= _family(process)
    known |= _family(root)
    owned = {inode for process in known for inode in _sockets(process)}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[9] not in owned:
                continue
            if words[3] == LISTEN:
                traffic.listening.add(_address(words[1]))
            else:
                traffic.reached.add(_address(words[2])[0])


def watch_command(words: list[str], folder: Path, seconds: float) -> Traffic:
    """Run `harness WORDS...` in `folder` and watch its sockets, and its children's, ten times a
    second.
    """
    log, hooks = folder / "network.log", folder / ".hooks"
    log.write_text("", encoding="utf-8")
    hooks.mkdir(exist_ok=True)
    (hooks / "sitecustomize.py").write_text(HOOK.format(log=str(log)), encoding="utf-8")
    ours = Path(__file__).parents[2]
    program = "import sys; from harness.cli.app import main; sys.argv[0] = 'harness'; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{hooks}{os.pathsep}{ours}"},
        stdout=subprocess.DEVNULL,
        stderr=(folder / "errors.txt").open("w"),
    )
    traffic, known, end = Traffic(), {process.pid}, time.monotonic() + seconds
    while process.poll() is None:
        _look(process.pid, known, traffic)
        if time.monotonic() > end:
            process.kill()
        time.sleep(0.1)
    traffic.status, traffic.errors = (
        process.wait(),
        (folder / "errors.txt").read_text(encoding="utf-8"),
    )
    traffic.reached |= {
        line.partition(" ")[2] for line in log.read_text(encoding="utf-8").splitlines()
    }
    return traffic
