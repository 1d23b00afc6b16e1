"""The loops that are timed, by name: what one unit of each is, and what is asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks import our_sides, published_sides
from benchmarks.case import Case

LOSS_BOUNDS = {"fp32": 1e-4, "tf32": 5e-3, "bf16": 5e-3}
PROXY_BOUNDS = {"fp32": 2e-3, "tf32": 2e-2, "bf16": 2e-2}  # as over many epochs of narrow networks
WHOLE_BOUNDS = {
    "fp32": 2e-2,
    "tf32": 5e-2,
    "bf16": 5e-2,
}  # over 450 epochs the rounding of two kernels grows
GRADIENT_BOUND = 2e-3  # of fp32: a unit of a ReLU at zero may round either way


def proxy(width: int, ipc: int) -> dict[str, int]:
    """Sizes of a unit of proxy training."""
    return {"width": width, "ipc": ipc, "epochs": 20 // ipc + 2}


@dataclass(frozen=True)
class Load:
    """kind: which pair of sides; method: whose loop. title: what a unit is, of a case.

    bounds: the largest relative difference of losses, by precision; image gradients are compared
    too where `gradients` says so. sizes: fields of the case that this load has its own values for.
    """

    name: str
    title: str
    kind: str
    method: str
    bounds: Mapping[str, float] = field(default_factory=lambda: LOSS_BOUNDS)
    gradients: bool = False
    sizes: Mapping[str, int] = field(default_factory=dict)

    def of(self, case: Case) -> Case:
        """The case with the load's own sizes."""
        classwise = self.kind == "matching" and self.method != "dm"
        return replace(case, **self.sizes, few=case.few if classwise else 0)

    def titled(self, case: Case) -> str:
        """What a unit is, of a case."""
        own = self.of(case)
        title = self.title.format(**vars(own))
        return title.replace("all classes", f"{own.few} of the classes") if own.few else title

    def side(self, case: Case, precision: str | None) -> Any:
        """The published loop (None), or ours at a precision."""
        if precision is None:
            return published_sides.SIDES[self.kind](self.method, self.of(case))
        return our_sides.SIDES[self.kind](self.method, self.of(case), precision)


# Ratios asked for on a CPU, by precision; on a graphics card in the arithmetic that torch's
# convolutions have there, or bf16.
MATCHING_GOALS = {"fp32": 1.8, "bf16": 2.5}
GOALS = {
    "dm": {"fp32": 2.0, "bf16": 3.3},
    "dc": MATCHING_GOALS,
    "dsa": MATCHING_GOALS,
    "evaluation": {"fp32": 1.6, "bf16": 2.2},
}
GOALS |= {f"proxy-{width}-{ipc}": {"fp32": 3.0} for width in (8, 16) for ipc in (1, 10)}
PROXY = "proxy training, {networks} networks of width {width}, ipc {ipc}, {epochs} epochs, DSA"
CARD_GOALS = {name: {"tf32": 10.0, "bf16": 10.0} for name in ("dm", "dsa")}
LOADS = {
    load.name: load
    for load in (
        Load("dm", "DM iteration", "matching", "dm", gradients=True),
        Load("dc-matching", "DC matching step, all classes", "matching", "dc"),
        Load("dc-epochs", "DC training of the network, {epochs} epochs", "epochs", "dc"),
        Load("dsa-matching", "DSA matching step, all classes", "matching", "dsa"),
        Load("dsa-epochs", "DSA training of the network, {epochs} epochs", "epochs", "dsa"),
        Load("idc-matching", "IDC matching step, all classes", "matching", "idc"),
        Load("evaluation", "evaluation training, {epochs} epochs, DSA", "training", "dsa"),
        *(
            Load(
                f"proxy-{width}-{ipc}", PROXY, "many", "dsa", PROXY_BOUNDS, sizes=proxy(width, ipc)
            )
            for width in (8, 16)
            for ipc in (1, 10)
        ),
        Load("test", "test pass, {tests} images", "test", "dsa"),
    )
}
WHOLE = {
    name: Load(name, f"{name.upper()} iteration, run whole", "whole", name, WHOLE_BOUNDS)
    for name in ("dc", "dsa")
}
COMPOSED = {
    "dc": ("dc-matching", "dc-epochs"),
    "dsa": ("dsa-matching", "dsa-epochs"),
}


def goal_of(name: str, precision: str, card: bool) -> float | None:
    """The ratio asked for, where one is."""
    return (CARD_GOALS if card else GOALS).get(name, {}).get(precision)
