"""Taking up an optimiser's state: one of other parameters is refused, for a fused step would write
beyond their memory.

A parameter that no gradient has reached, such as one of an operation that a cell leaves out, has no
entry.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, Optimizer


def take_up(optimiser: Optimizer, state: Mapping[str, Any]) -> None:
    """Load the state of an optimiser.

    Args:
        optimiser: Is changed.
        state: What `state_dict` of an optimiser of the same kind and parameters returned.

    Raises:
        ValueError: The state is of another kind, or of other parameters.
    """
    before = [dict(group) for group in optimiser.param_groups]
    optimiser.load_state_dict(dict(state))
    for old, new in zip(before, optimiser.param_groups, strict=True):
        for name in {*old, *new} - {"params"}:
            if name not in old or name not in new or _kind(old[name]) != _kind(new[name]):
                raise ValueError(f"the optimiser's setting {name} is not of its kind")
    kinds = _kinds(optimiser)
    for name, found in kinds.items():
        if len(found) != len(optimiser.state) or set(found) not in ({"tensor"}, {"nothing"}):
            raise ValueError(
                f"the optimiser's {name} is no tensor of each parameter that has a state"
            )
    if isinstance(optimiser, SGD) and "tensor" in kinds.get("momentum_buffer", ()):
        _begin_momentum(optimiser)


def _kinds(optimiser: Optimizer) -> dict[str, list[str]]:
    """Name -> the kinds of what the parameters' states hold by it; ValueError for a tensor of
    another shape than its own.
    """
    kinds: dict[str, list[str]] = {}
    for parameter, held in optimiser.state.items():
        if not isinstance(parameter, Tensor):
            raise ValueError("the optimiser holds a state of no parameter")
        for name, value in held.items():
            kinds.setdefault(name, []).append(_kind(value))
            if (
                isinstance(value, Tensor)
                and name != "step"
                and (value.shape, value.dtype) != (parameter.shape, parameter.dtype)
            ):
                raise ValueError(
                    f"the optimiser's {name} has the shape {tuple(value.shape)}, not"
                    f" {tuple(parameter.shape)}"
                )
    return kinds


def _begin_momentum(optimiser: SGD) -> None:
    """Give a momentum of zero, with which it begins, to parameters without one: a fused step takes
    those of all or of none.
    """
    for parameter in (
        one for group in optimiser.param_groups if group.get("fused") for one in group["params"]
    ):
        optimiser.state[parameter].setdefault("momentum_buffer", torch.zeros_like(parameter))


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return (
        "tensor"
        if isinstance(value, Tensor)
        else "nothing"
        if value is None
        else type(value).__name__
    )
