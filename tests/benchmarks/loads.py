"""The loops that are timed, by name: what one unit of each is, and what is asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks import our_sides, published_sides
from benchmarks.case import Case, Mode

LOSS_BOUNDS = {"fp32": 1e-4, "bf16": 5e-3}
WHOLE_BOUNDS = {"fp32": 2e-2, "bf16": 5e-2}  # over 450 epochs the rounding of two kernels grows
GRADIENT_BOUND = 2e-3  # of fp32: a unit of a ReLU at zero may round either way


@dataclass(frozen=True)
class Load:
    """kind: which pair of sides; method: whose loop. goals: ratio asked for, by precision.

    bounds: the largest relative difference of losses, by precision; image gradients are compared too where `gradients` says so.
    """

    name: str
    title: str
    kind: str
    method: str
    goals: Mapping[str, float] = field(default_factory=dict)
    bounds: Mapping[str, float] = field(default_factory=lambda: LOSS_BOUNDS)
    gradients: bool = False

    def side(self, case: Case, mode: Mode | None) -> Any:
        """The published loop, or ours in a mode."""
        if mode is None:
            return published_sides.SIDES[self.kind](self.method, case)
        return our_sides.SIDES[self.kind](self.method, case, mode)

    def precisions(self) -> list[str]:
        """Those that ours can be run in here."""
        return our_sides.precisions(self.kind)


MATCHING_GOALS = {"fp32": 1.8, "bf16": 2.5}
LOADS = {
    load.name: load
    for load in (
        Load("dm", "DM iteration", "matching", "dm", {"fp32": 2.0, "bf16": 3.3}, gradients=True),
        Load("dc-matching", "DC matching step, all classes", "matching", "dc"),
        Load("dc-epochs", "DC training of the network, {epochs} epochs", "epochs", "dc"),
        Load("dsa-matching", "DSA matching step, all classes", "matching", "dsa"),
        Load("dsa-epochs", "DSA training of the network, {epochs} epochs", "epochs", "dsa"),
        Load("idc-matching", "IDC matching step, all classes", "matching", "idc"),
        Load("evaluation", "evaluation training, {epochs} epochs, DSA", "training", "dsa", {"fp32": 1.6, "bf16": 2.2}),
        Load("test", "test pass, {tests} images", "test", "dsa"),
    )
}
WHOLE = {
    name: Load(name, f"{name.upper()} iteration, run whole", "whole", name, MATCHING_GOALS, WHOLE_BOUNDS)
    for name in ("dc", "dsa")
}
COMPOSED = {
    "dc": ("dc-matching", "dc-epochs"),
    "dsa": ("dsa-matching", "dsa-epochs"),
}
