"""On a pretend graphics card no run mixes devices, and no step waits for the card, nor copies
meanwhile: every method, selection and view, and parts that no method has by default.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import pytest
import torch
from helpers.pretend_accelerator import DEVICE, Watch, watched
from helpers.pretend_recorder import PretendRecorder
from helpers.pretend_runs import SMALL, Counts, condensations, condense, counted, images
from helpers.tiny import tiny_spec
from torch import Tensor

from condensers.clustering import ITERATIONS, ROUNDS_A_LOOK
from condensers.composition import matching_loop
from condensers.engine.capture import Captures, Function
from condensers.engine.context import Context
from condensers.engine.devices import send_all, send_network
from condensers.errors import HarnessError
from condensers.networks import build
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget

# What is read in a step. A gate decides by a network's accuracy; a rate and its coder count bytes;
# PAD's curriculum sorts.
DECISIONS = {"cafe": 1, "dm-transform": 7, "pad": 1}
SENT = 24  # of a step, each of them a launch: positions, augmentation, new networks


def require_quiet_steps(found: Counts, waits: int = 0) -> None:
    assert found.total["mixed"] == 0, found.places
    for loop, most in found.steps.items():
        if loop == "grabcut":  # works on the processor, image by image
            continue
        assert (loop, most["copies"]) == (loop, 0), found.places
        assert (loop, max(most["waits"] - waits, 0)) == (loop, 0), found.places
        assert most["sent"] <= SENT and most["shown"] <= 1


@pytest.mark.parametrize("name", condensations())
def test_no_step_waits(name: str) -> None:
    found = counted(condensations()[name])
    require_quiet_steps(found, DECISIONS.get(name, 0))
    assert found.total["launches"] > 0


def test_a_clustering_waits_once_in_ten_rounds() -> None:
    """In each class, ten times at most; rounds of so few points end at the first look."""
    classes = 2
    sampler = {"name": "k-means", "interval": 2}
    spec = tiny_spec("dream") | {"iterations": 3, "network": SMALL, "sampler": sampler}
    found = counted(partial(condense, spec, classes=classes))
    require_quiet_steps(found, classes * ITERATIONS // ROUNDS_A_LOOK)
    looks = [n for (_, place, _), n in found.places.items() if "/clustering.py:" in place]
    assert sum(looks) == 2 * classes, "two of the three clusterings come after the first step"
    assert found.steps["dream"]["waits"] == classes


class WatchedRecorder(PretendRecorder):
    """Counts what recorded functions ask for."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch, self.found = watch, Counter[str]()

    def record(
        self, function: Function, inputs: Sequence[Tensor]
    ) -> tuple[Sequence[Tensor], Callable[[], None]]:
        def counted(*given: Tensor) -> Sequence[Tensor]:
            before = Counter(self.watch.counts)
            results = function(*given)
            self.found += self.watch.counts - before
            return results

        return super().record(counted, inputs)


@pytest.mark.parametrize("name", ["dsa", "idc", "mtt", "frepo"])
def test_nothing_that_is_recorded_has_to_do_with_the_processor(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A graph would read what was sent once from memory that is another's by then."""
    with watched() as watch:
        recorder = WatchedRecorder(watch)
        captures = Captures(recorder)
        monkeypatch.setattr(matching_loop, "captures_of", lambda device: captures)
        condensations()[name](Context(seed=0, device=DEVICE))
    assert captures.describe() == "captured" and recorder.replayed > recorder.recorded
    assert set(recorder.found) == {"launches"}


@pytest.mark.parametrize("device", [DEVICE, torch.device("cpu")])
def test_a_kernel_matrix_without_a_factor_is_told_as_such(device: torch.device) -> None:
    """On a graphics card where the loss is shown; on a processor in the step."""
    noise = images()
    data = replace(noise, images=noise.images[:1].expand_as(noise.images).clone())
    objective = {"name": "kernel-regression", "ridge": 0.0, "dtype": "float32"}
    condenser = create_condenser(tiny_spec("kip") | {"objective": objective})
    told = (
        "objective kernel-regression: the kernel matrix of the synthetic images is not positive"
        " definite (images that are equal, or not finite); raise `ridge`, take dtype float64, or"
        " lower `lr`"
    )
    with ExitStack() as stack:
        if device.type == "cuda":
            stack.enter_context(watched())
            told = f"kip: the loss is nan at step 1; {told}"
        fault = stack.enter_context(pytest.raises(HarnessError))
        condenser.condense(data, Budget(ipc=2), Context(seed=0, device=device))
    assert str(fault.value) == told


def test_what_is_counted() -> None:
    """The pretend card sees each kind of event."""
    ready = torch.ones(3)
    with watched() as watch:
        there = ready.to(DEVICE)
        there.to(DEVICE)
        ready.to(DEVICE, non_blocking=True)
        torch.tensor([1.0], device=DEVICE)
        assert (watch.counts["copies"], watch.counts["sent"]) == (2, 1)
        assert there[torch.tensor([0])].device == DEVICE and watch.counts["copies"] == 3
        assert float(there.sum()) == 3 and bool(there[0] > 0)
        assert len(there[there > 0]) == 3 and there.cpu().device.type == "cpu"
        assert watch.counts["waits"] == 4 and watch.counts["mixed"] == 0
        assert (there + 1).device == DEVICE and (there + torch.tensor(1.0)).device == DEVICE
        assert watch.counts["mixed"] == 0
        torch.add(there, ready)
        assert watch.counts["mixed"] == 1
    torch.add(ready, ready)
    assert watch.counts["mixed"] == 1


def test_a_network_is_sent_at_once_and_unchanged() -> None:
    spec = {"name": "convnet", "depth": 2, "width": 4, "norm": "batch"}
    here = build(spec, (1, 8, 8), 3, torch.Generator().manual_seed(1))
    with watched() as watch:
        there = build(spec, (1, 8, 8), 3, torch.Generator().manual_seed(1), DEVICE)
        assert (watch.counts["copies"], watch.counts["sent"]) == (0, 2)  # floats, and counters
        assert all(one.device == DEVICE for one in there.state_dict().values())
        found = {name: one.cpu() for name, one in there.state_dict().items()}
    assert found.keys() == here.state_dict().keys()
    assert all(torch.equal(one, found[name]) for name, one in here.state_dict().items())
    assert send_network(here, torch.device("cpu")) is here


def test_tensors_that_are_sent_together_keep_shape_and_order() -> None:
    tensors = [torch.rand(2, 3), torch.arange(4), torch.tensor(5.0), torch.arange(2)]
    with watched() as watch:
        sent = send_all(tensors, DEVICE)
        assert watch.counts["sent"] == 2
        back = [one.cpu() for one in sent]
    assert all(torch.equal(a, b) and a.dtype == b.dtype for a, b in zip(tensors, back, strict=True))
    assert send_all(tensors, torch.device("cpu"))[1] is tensors[1]
