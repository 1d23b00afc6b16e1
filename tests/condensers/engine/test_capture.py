"""Recorded steps are the steps themselves, what cannot be recorded is done without, and the flags
of determinism are set for a card alone, and set back.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from helpers.pretend_recorder import PretendRecorder
from helpers.tiny import tiny_spec
from torch import Tensor
from torch.nn import functional
from torch.utils._pytree import tree_leaves

from condensers.composition import matching_loop
from condensers.data import ClassData
from condensers.engine.capture import Captures, Function, captures_of
from condensers.engine.context import Context
from condensers.engine.determinism import deterministic
from condensers.parts.augmentations.transforms import sample_corners
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget

BATCH_NORM = ("dc, batch norm", "frepo, batch norm")
RECORDED = ("dc", "dsa", "idc", "mtt", "tesla", "dd", "frepo", *BATCH_NORM)


class FailingRecorder:
    def record(self, function: Function, inputs: Sequence[Tensor]) -> Any:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")


def steps(name: str, data: ClassData, device: torch.device) -> tuple[Tensor, list[Tensor]]:
    """How far four steps move what is learned, and the whole state afterwards."""
    method, _, norm = name.partition(", ")
    spec = tiny_spec(method) | {"iterations": 3, "parameterisation": "pixels"}
    if norm:
        spec["network"] = spec["network"] | {"norm": "batch"}
    if name == "mtt":  # the way back that is recorded; the other rounds otherwise
        spec["objective"] = spec["objective"] | {"reverse": "recomputed"}
    loop = create_condenser(spec).begin(data.to(device), 2, Context(seed=1, device=device))
    start = loop.set.tensors()
    for index in range(4):
        loop.step(index)
    moved = [one.sub(start[key]).flatten() for key, one in loop.set.tensors().items()]
    state = [one.cpu() for one in tree_leaves(loop.state_dict()) if isinstance(one, Tensor)]
    return torch.cat(moved).cpu(), state


def learned(name: str, data: ClassData, device: torch.device) -> Tensor:
    return steps(name, data, device)[0]


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_steps_are_the_eager_ones(
    name: str, colour32: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, recorder = torch.device("cpu"), PretendRecorder()
    eager = learned(name, colour32, here)
    monkeypatch.setattr(matching_loop, "captures_of", lambda device: Captures(recorder))
    recorded = learned(name, colour32, here)
    assert 0 < recorder.recorded < recorder.replayed
    assert float(eager.norm()) > 0 and float((recorded - eager).norm() / eager.norm()) < 1e-4


@pytest.mark.parametrize("name", BATCH_NORM)
def test_batch_norms_remember_what_they_would_have(
    name: str, colour32: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state is that of eager steps, though graphs are tried out before they are recorded."""
    here, recorder = torch.device("cpu"), PretendRecorder()
    eager = steps(name, colour32, here)[1]
    monkeypatch.setattr(matching_loop, "captures_of", lambda device: Captures(recorder))
    recorded = steps(name, colour32, here)[1]
    assert recorder.replayed > 0 and len(eager) == len(recorded)
    for ours, theirs in zip(recorded, eager, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a graphics card")
def test_recorded_steps_are_the_eager_ones_on_a_card(
    name: str, colour32: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = torch.device("cuda")
    with deterministic(card):
        recorded = learned(name, colour32, card)
        monkeypatch.setattr(matching_loop, "captures_of", lambda device: Captures(None, "off"))
        eager = learned(name, colour32, card)
    assert float((recorded - eager).norm() / eager.norm()) < 1e-3


def test_what_cannot_be_recorded_is_done_without(
    colour32: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    captures = Captures(FailingRecorder())
    eager = learned("dsa", colour32, torch.device("cpu"))
    monkeypatch.setattr(matching_loop, "captures_of", lambda device: captures)
    assert torch.equal(learned("dsa", colour32, torch.device("cpu")), eager)
    said = "not recorded: operation not permitted when stream is capturing"
    assert captures.describe() == f"eager ({said})"


class ForgetfulRecorder(PretendRecorder):
    """Its graphs leave out what was done last."""

    def record(
        self, function: Function, inputs: Sequence[Tensor]
    ) -> tuple[Sequence[Tensor], Callable[[], None]]:
        return super().record(lambda *given: [one * 0.9 for one in function(*given)], inputs)


def test_a_graph_with_other_results_is_not_taken() -> None:
    captures = Captures(ForgetfulRecorder())
    (found,) = captures.call("double", lambda x: [2 * x], [torch.ones(2)])
    assert found.tolist() == [2, 2]
    assert captures.describe() == "eager (not recorded: its results are others)"


def test_a_card_says_how_its_steps_were_taken(colour32: ClassData) -> None:
    assert captures_of(torch.device("cpu")).describe() == "eager (no graphics card)"
    captures = Captures(PretendRecorder())
    assert captures.describe() == "eager (nothing to record)"
    (found,) = captures.call("double", lambda x: [2 * x], [torch.ones(2)])
    (again,) = captures.call("double", lambda x: [2 * x], [torch.full((2,), 3.0)])
    assert (found.tolist(), again.tolist()) == ([2, 2], [6, 6])
    assert captures.describe() == "captured"
    made = create_condenser(tiny_spec("dm")).condense(colour32, Budget(ipc=1), Context())
    assert "steps" not in made.card  # a processor has nothing to say


def test_flags_are_set_for_a_card_alone_and_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    with deterministic(torch.device("cpu")):
        assert not torch.are_deterministic_algorithms_enabled()
    with deterministic(torch.device("cuda")):
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.backends.cudnn.deterministic
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert not torch.utils.deterministic.fill_uninitialized_memory
    assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.deterministic
    assert torch.utils.deterministic.fill_uninitialized_memory


def test_corners_give_what_torch_samples() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 2, 7, 5, dtype=torch.float64, generator=generator)
    theta = torch.tensor([[[0.9, -0.3, 0.1], [0.3, 1.2, -0.2]]], dtype=torch.float64)
    grid = functional.affine_grid(theta.expand(3, -1, -1), [3, 2, 7, 5], align_corners=True)
    upstream = torch.randn(3, 2, 7, 5, dtype=torch.float64, generator=generator)
    found = []
    for sample in (sample_corners, lambda x, g: functional.grid_sample(x, g, align_corners=True)):
        leaf = x.clone().requires_grad_()
        value = sample(leaf, grid)
        found.append((value, *torch.autograd.grad(value, leaf, upstream)))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)
