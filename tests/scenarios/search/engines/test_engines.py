"""Whatever a trial does, its architecture is listed; whatever the engine, the scores are the
same.
"""

import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted, UsageError
from scenarios.search.engines.engines import LocalEngine, SequentialEngine
from scenarios.search.judging import Judging, SearchPlan, limit_time
from scenarios.search.scenario import Search
from scenarios.search.spaces.convnet import SmallConvNetSpace
from scenarios.search.strategies import GridSearch

SPACE = SmallConvNetSpace(depths=(1, 2, 3), widths=(8,), norms=("none",), poolings=("max",))
LATE = "TimeoutError: it took longer than the limit of 0.2 seconds"


@pytest.fixture
def judging(monkeypatch: pytest.MonkeyPatch) -> Any:
    """judging(ways, seconds): all six architectures of SPACE, judged in odd ways."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    from odd_judges import Odd  # as the trials' processes import it

    return lambda ways, seconds=0.2: Judging(
        SearchPlan(SPACE, GridSearch(), 6, 0, seconds), Odd(ways), (1, 8, 8), 3
    )


def errors(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["id"]: row["error"] for row in rows if "error" in row}


def test_every_architecture_is_tried_and_listed(judging: Any, tmp_path: Path) -> None:
    ways = {
        "d1-w8-none-relu-max": "raise",
        "d1-w8-none-leakyrelu-max": "nothing",
        "d2-w8-none-relu-max": "hang",
        "d2-w8-none-leakyrelu-max": "not a number",
    }
    told: list[Progress] = []
    rows = SequentialEngine().explore(judging(ways), Context(folder=tmp_path, progress=told.append))
    assert errors(rows) == {
        "d1-w8-none-relu-max": "RuntimeError: out of memory",
        "d1-w8-none-leakyrelu-max": "ValueError: its judge gave no score but None",
        "d2-w8-none-relu-max": LATE,
        "d2-w8-none-leakyrelu-max": (
            "ValueError: its judge gave no score but {'score': nan, 'seconds': 0.0, 'images': 0}"
        ),
    }
    assert [row["score"] for row in rows if "score" in row] == [1.0, 1.0] and len(told) == 2


def test_processes_lose_nothing_either(judging: Any, tmp_path: Path) -> None:
    ways = {
        "d1-w8-none-relu-max": "raise",
        "d1-w8-none-leakyrelu-max": "deaf",
        "d2-w8-none-relu-max": "exit",
    }
    four = judging(ways)
    four = replace(four, plan=replace(four.plan, limit=4))
    rows = LocalEngine(trials=4).explore(four, Context(folder=tmp_path))
    assert [row["id"] for row in rows] == [*ways, "d2-w8-none-leakyrelu-max"]
    assert errors(rows) == {
        "d1-w8-none-relu-max": "RuntimeError: out of memory",
        "d1-w8-none-leakyrelu-max": (
            "TimeoutError: it hung past the limit of 0.2 seconds; its process was ended"
        ),
        "d2-w8-none-relu-max": "its trial ended without a score and without an error",
    }
    assert rows[3]["score"] == 1.0
    assert not list(tmp_path.rglob("task.pt")), "the images are not left behind"


def test_elsewhere_than_in_the_main_thread_a_deadline_stands_in(judging: Any) -> None:
    slow = judging({"d1-w8-none-relu-max": "slow"})
    choice = {"depth": 1, "width": 8, "norm": "none", "activation": "relu", "pooling": "max"}
    caught: list[Exception] = []

    def work(context: Context) -> None:
        try:
            slow.row(choice, context)
        except (TimeoutError, Interrupted) as fault:
            caught.append(fault)

    for context in (Context(), Context(stop=lambda: True)):
        thread = threading.Thread(target=work, args=(context,))
        thread.start()
        thread.join()
    assert [type(fault) for fault in caught] == [
        TimeoutError,
        Interrupted,
    ], "a wish to stop is not a limit"


def test_somebody_elses_alarm_still_rings() -> None:
    rung: list[int] = []
    handler = signal.signal(signal.SIGALRM, lambda number, frame: rung.append(number))
    earlier = signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(TimeoutError, match=r"limit of 0\.1 seconds"), limit_time(0.1):
            time.sleep(5)
        with limit_time(0.1):
            pass
        assert not rung
        time.sleep(0.5)
        assert rung == [signal.SIGALRM]
    finally:
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *earlier)


def test_wrong_engines_are_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'local'"):
        Search(engine="locl")
    with pytest.raises(UsageError, match="below the least allowed value"):
        Search(engine={"name": "local", "trials": 0})
