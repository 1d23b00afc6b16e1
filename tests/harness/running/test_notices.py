"""What a cell tells its user is shown once a run, whichever process it is told in."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from condensers import notices
from condensers.engine.context import Progress
from condensers.notices import Notice, heard_by, show, tell
from harness.cli import app
from harness.running import cell_work, run
from harness.running.cell_work import Event


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "_told", set())
    monkeypatch.setattr(notices, "_shown", set())


def test_a_sentence_is_told_once(recwarn: pytest.WarningsRecorder) -> None:
    for sentence in ("slow", "slow", "off"):
        tell(sentence)
    assert [str(one.message) for one in recwarn] == ["slow", "off"]


def test_a_worker_hands_it_on_and_the_run_shows_it_once(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    heard: list[str] = []
    with heard_by(heard.append):
        tell("slow")
        tell("slow")
    assert heard == ["slow"] and not list(recwarn)
    for _ in range(2):  # of two workers
        show("slow")
    assert [one.category for one in recwarn] == [Notice]


def test_a_cell_sends_it_as_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[Event] = []

    def compute(work: Any) -> str:
        tell("slow")
        return "done"

    class Claimed:
        def __enter__(self) -> bool:
            return True

        def __exit__(self, *_: object) -> None:
            return None

    store = SimpleNamespace(claim=lambda *_: Claimed())
    work = SimpleNamespace(store=store, context=SimpleNamespace(must_stop=None))
    monkeypatch.setattr(cell_work, "_compute", compute)
    monkeypatch.setattr(cell_work, "_refuse_other_code", lambda cell: None)
    monkeypatch.setattr(cell_work, "cell_context", lambda *_: None)
    monkeypatch.setattr(cell_work, "CellWork", lambda *_: work)
    cell = cast(Any, SimpleNamespace(key="k"))
    nothing = cast(Any, None)
    assert cell_work.run_cell(cell, nothing, events.append, nothing, nothing) == "done"
    assert [(event.state, event.progress and event.progress.name) for event in events] == [
        ("started", None),
        ("notice", "slow"),
    ]


def test_the_command_shows_a_sentence_and_no_place(capsys: pytest.CaptureFixture[str]) -> None:
    app._show_warning(Notice("networks are slow"), Notice, "file.py", 7)
    assert capsys.readouterr().err == "warning: networks are slow\n"


def test_a_run_shows_what_two_workers_send_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    def run_cells(cells: Any, settings: Any, workers: Any, listen: Any, *_: Any) -> None:
        for key in ("a", "b"):
            listen(Event(key, "notice", Progress("slow", 0, 0)))

    monkeypatch.setattr(run, "run_cells", run_cells)
    settings = cast(Any, SimpleNamespace(root=tmp_path))
    run.compute([], {}, settings, run.RunOptions(quiet=True), {})
    assert [str(one.message) for one in recwarn if one.category is Notice] == ["slow"]
