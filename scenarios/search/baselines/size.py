"""Baselines that train nothing: numbers of parameters and of operations."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch.utils.flop_counter import FlopCounterMode

from condensers import networks
from condensers.engine.clock import read_work_clock
from condensers.engine.context import Context
from condensers.networks.base import NetworkSpec
from condensers.networks.precision import by_modules
from scenarios.protocol import Splits
from scenarios.search.baselines.base import Baseline, Judge
from scenarios.search.candidate import parameter_count

if TYPE_CHECKING:
    from scenarios.search.scenario import Search


CPU = torch.device("cpu")  # where operations are counted


@dataclass(frozen=True)
class ParameterJudge(Judge):
    """Judges by the number of trainable parameters."""

    shape: tuple[int, int, int]
    classes: int

    measures: ClassVar[str] = "trainable parameters"
    unit: ClassVar[str] = "parameters"
    independent_seed: ClassVar[bool] = False

    def judge(self, spec: NetworkSpec, name: str, context: Context) -> dict[str, Any]:
        return {
            "score": float(parameter_count(spec, self.shape, self.classes)),
            "seconds": 0.0,
            "images": 0,
        }


@dataclass(frozen=True)
class Parameters(Baseline):
    """Parameter count: the more trainable numbers, the better."""

    registered: ClassVar[str] = "parameters"

    def judge(self, settings: "Search", data: Splits) -> ParameterJudge:
        return ParameterJudge(data.train.shape, len(data.train.class_names))

    def images(self, settings: "Search", data: Splits) -> float:
        return 0.0


def flop_count(spec: NetworkSpec, shape: tuple[int, int, int], classes: int) -> int:
    """Floating point operations of one image (C, H, W) forward; without memory where the network
    can do without.
    """
    try:
        with torch.device("meta"):
            return _count_flops(spec.module(shape, classes), torch.zeros(1, *shape))
    except RuntimeError:  # a module that makes tensors of its own on the CPU, or looks at values
        return _count_flops(
            networks.build(spec, shape, classes, torch.Generator()), torch.zeros(1, *shape)
        )


@torch.no_grad()
def _count_flops(network: torch.nn.Module, image: torch.Tensor) -> int:
    counter = FlopCounterMode(display=False)
    with by_modules(), counter:
        network.eval()(image)
    return int(counter.get_total_flops())


@dataclass(frozen=True)
class FlopJudge(Judge):
    """Judges by the floating point operations of one image."""

    shape: tuple[int, int, int]
    classes: int

    measures: ClassVar[str] = "floating point operations of an image"
    unit: ClassVar[str] = "FLOPs"
    independent_seed: ClassVar[bool] = False

    def judge(self, spec: NetworkSpec, name: str, context: Context) -> dict[str, Any]:
        begun = read_work_clock(CPU)
        score = float(flop_count(spec, self.shape, self.classes))
        return {"score": score, "seconds": read_work_clock(CPU) - begun, "images": 0}


@dataclass(frozen=True)
class Flops(Baseline):
    """The number of floating point operations that one image takes.

    FLOPs: the more operations an image takes, the better.

    FLOPs = 2 x multiply-adds of convolutions and matrix products, forward, one image; norms,
    activations and pooling are not counted

    Source: counted by torch.utils.flop_counter; a baseline of Abdelfattah et al. (ICLR 2021).
    """

    registered: ClassVar[str] = "flops"

    def judge(self, settings: "Search", data: Splits) -> FlopJudge:
        return FlopJudge(data.train.shape, len(data.train.class_names))

    def images(self, settings: "Search", data: Splits) -> float:
        return 0.0
