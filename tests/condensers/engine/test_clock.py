import time
from collections.abc import Iterator

import pytest
import torch

from condensers.engine.clock import is_one_thread, read_work_clock

CPU = torch.device("cpu")


@pytest.fixture
def threads() -> Iterator[None]:
    """Give back the number of threads that the tests run with."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def _time(work: float, wait: float) -> float:
    """Seconds by the work clock of computing for `work` seconds and doing nothing for `wait`."""
    begun, own = read_work_clock(CPU), time.process_time()
    while time.process_time() - own < work:
        pass
    time.sleep(wait)
    return read_work_clock(CPU) - begun


@pytest.mark.usefixtures("threads")
def test_waiting_is_no_work_of_one_thread() -> None:
    torch.set_num_threads(1)
    assert is_one_thread(CPU) and 0.05 <= _time(0.05, 0.3) < 0.25


@pytest.mark.usefixtures("threads")
def test_the_work_of_several_threads_is_timed_by_the_clock() -> None:
    torch.set_num_threads(2)
    assert not is_one_thread(CPU) and _time(0.05, 0.3) >= 0.35
    torch.set_num_threads(1)
    assert not is_one_thread(torch.device("cuda"))
