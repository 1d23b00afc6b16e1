"""An optimiser takes up its own state and no other: a fused step on buffers of another shape writes
beyond them.
"""

import copy
from typing import Any

import pytest
import torch

from condensers.engine.optimiser_state import take_up


def stepped(fused: bool = True) -> torch.optim.SGD:
    parameters = [torch.nn.Parameter(torch.ones(3, 4)), torch.nn.Parameter(torch.ones(4))]
    optimiser = torch.optim.SGD(parameters, lr=0.1, momentum=0.5, fused=fused)
    sum(parameter.square().sum() for parameter in parameters).backward()  # type: ignore[union-attr]
    optimiser.step()
    return optimiser


def test_its_own_state_is_taken_up() -> None:
    first, second = stepped(), stepped()
    first.step()
    take_up(second, first.state_dict())
    assert torch.equal(
        second.state_dict()["state"][0]["momentum_buffer"],
        first.state_dict()["state"][0]["momentum_buffer"],
    )


def test_a_parameter_that_no_gradient_reaches_has_no_state_and_may_learn_later() -> None:
    pairs = [[torch.nn.Parameter(torch.ones(3)) for _ in range(2)] for _ in range(2)]
    first, second = (torch.optim.SGD(pair, lr=0.1, momentum=0.5, fused=True) for pair in pairs)
    used, unused = first.param_groups[0]["params"]
    used.square().sum().backward()
    first.step()
    assert list(first.state) == [used]
    take_up(second, first.state_dict())
    with torch.no_grad():
        second.param_groups[0]["params"][0].copy_(used)
    for optimiser in (first, second):
        used, unused = optimiser.param_groups[0]["params"]
        unused.grad = None
        used.grad = torch.ones(3)
        optimiser.step()
    assert torch.equal(*(optimiser.param_groups[0]["params"][0] for optimiser in (first, second)))
    unused.grad = torch.ones(3)
    second.step()
    assert torch.allclose(unused, torch.full((3,), 0.9)), (
        "as at a first step, and no byte beyond its memory is written"
    )


@pytest.mark.parametrize(
    ("where", "new"),
    [
        (("state", 0, "momentum_buffer"), torch.tensor(0.0)),
        (("state", 0, "momentum_buffer"), torch.zeros(1)),
        (("state", 1, "momentum_buffer"), None),
        (("state", 1, "momentum_buffer"), "x"),
        (("state", 1), {}),
        (("param_groups", 0, "lr"), "fast"),
        (("param_groups", 0, "momentum"), None),
    ],
    ids=["no shape", "shape", "none", "text", "lost", "setting", "no setting"],
)
def test_a_state_of_another_shape_is_refused(where: tuple[Any, ...], new: Any) -> None:
    state = copy.deepcopy(stepped().state_dict())
    place: Any = state
    for step in where[:-1]:
        place = place[step]
    place[where[-1]] = new
    with pytest.raises((ValueError, RuntimeError)):
        take_up(stepped(), state)
