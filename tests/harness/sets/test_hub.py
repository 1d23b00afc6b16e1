"""`export --to hf --push`: what reaches the Hub, from whom, and what is said where it does not."""

import base64
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.command_line import Harness

TOKEN = "hf_notarealtoken"


class Hub(BaseHTTPRequestHandler):
    """The few answers of the Hub that an upload of small files needs."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        server: Any = self.server
        server.seen.append((self.path, self.headers.get("Authorization"), body))
        if server.refuses:
            self._answer({"error": f"Invalid credentials {TOKEN}"}, 401)
        elif self.path.endswith("/preupload/main"):
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            self._answer({"files": files})
        elif "/commit/" in self.path:
            address = f"http://127.0.0.1:{server.server_port}/datasets/me/dm/commit/1"
            self._answer(
                {"success": True, "commitUrl": address, "commitOid": "1", "hookOutput": ""}
            )
        else:
            self._answer({"url": f"http://127.0.0.1:{server.server_port}/datasets/me/dm"})

    def do_GET(self) -> None:
        server: Any = self.server
        server.seen.append((self.path, self.headers.get("Authorization"), b""))
        self._answer({"id": "me/dm", "private": True, "sha": "1", "siblings": [], "tags": []})

    def _answer(self, content: Any, status: int = 200) -> None:
        text = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A Hub on this machine, and a login to it."""
    constants = pytest.importorskip("huggingface_hub.constants")
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.seen, server.refuses = [], False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.chdir(tmp_path)
    yield server
    server.shutdown()
    server.server_close()


def committed(server: Any) -> dict[str, bytes]:
    """File -> content of the one commit."""
    (body,) = [body for path, _, body in server.seen if "/commit/" in path]
    lines = [json.loads(line) for line in body.splitlines()]
    return {
        line["value"]["path"]: base64.b64decode(line["value"]["content"])
        for line in lines
        if line["key"] == "file"
    }


@pytest.mark.parametrize(("words", "private"), [((), True), (("--public",), False)])
def test_the_folder_is_uploaded_in_one_commit(
    harness: Harness, hub: Any, words: tuple[str, ...], private: bool
) -> None:
    answer = harness("export", "gallery:dm", "--to", "hf", "--push", "me/dm", *words)
    assert answer.status == 0, answer.err
    assert "/datasets/me/dm (private): uploaded" in answer.out
    assert TOKEN not in answer.out + answer.err
    made = json.loads(next(body for path, _, body in hub.seen if path == "/api/repos/create"))
    assert (made["name"], made["type"]) == ("dm", "dataset")
    word = {True: "private", False: "public"}  # releases of the package say it in either way
    assert made.get("visibility", word[made.get("private", False)]) == word[private]
    assert {login for _, login, _ in hub.seen} == {f"Bearer {TOKEN}"}
    files = committed(hub)
    folder = Path("dm-hf")
    assert files.keys() == {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert all((folder / name).read_bytes() == content for name, content in files.items())


def test_what_the_hub_refuses_is_one_sentence_without_the_token(harness: Harness, hub: Any) -> None:
    hub.refuses = True
    answer = harness("export", "gallery:dm", "--to", "hf", "--push", "me/dm")
    assert answer.status == 2 and answer.err.count("\n") == 1, answer.err
    assert "error: --push me/dm: " in answer.err and "the folder dm-hf is whole" in answer.err
    assert TOKEN not in answer.out + answer.err


def test_what_is_missing_is_said_before_anything_is_written(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for words, told in (
        (("--to", "npz", "--push", "me/dm"), "--push uploads the folder of --to hf"),
        (("--to", "hf", "--public"), "add --push USER/NAME"),
        (("--to", "hf", "--push", "dm"), "is no repository; write USER/NAME"),
    ):
        answer = harness("export", "gallery:dm", *words)
        assert answer.status == 2 and answer.err.count("\n") == 1 and told in answer.err
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    answer = harness("export", "gallery:dm", "--to", "hf", "--push", "me/dm")
    assert answer.status == 2 and 'pip install "condensation-harness[hub]"' in answer.err
    assert not list(tmp_path.iterdir())


def test_no_login_is_one_sentence(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(package, "get_token", lambda: None)
    monkeypatch.chdir(tmp_path)
    answer = harness("export", "gallery:dm", "--to", "hf", "--push", "me/dm")
    assert answer.status == 2 and "no login to the Hub; run `hf auth login`" in answer.err
    assert not list(tmp_path.iterdir())
