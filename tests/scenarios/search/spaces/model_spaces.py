"""NNI model spaces as users write them, and what is none."""

import nni
import torch
from nni.mutable import ExpressionConstraint, ensure_frozen
from nni.nas.nn.pytorch import LayerChoice, ModelSpace, MutableConv2d, MutableLinear
from torch import Tensor, nn


class Written(ModelSpace):  # type: ignore[misc]
    """Any images and classes; a choice of layers and one of channels."""

    def __init__(
        self, shape: tuple[int, int, int], classes: int, widths: tuple[int, ...] = (4, 6)
    ) -> None:
        super().__init__()
        width = nni.choice("width", list(widths))
        self.first = MutableConv2d(shape[0], width, 3, padding=1)
        self.second = LayerChoice({"relu": nn.ReLU(), "leaky relu": nn.LeakyReLU()}, label="act")
        self.third = MutableConv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.third(self.second(self.first(x))).mean((2, 3))
        return logits


class Inherited(Written):
    """A subclass without a constructor of its own."""


class ThreeChannels(ModelSpace):  # type: ignore[misc]
    """Three channels and ten classes, come what may."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.body = LayerChoice(
            [nn.Conv2d(channels, 10, 1), nn.Conv2d(channels, 10, 3)], label="kernel"
        )

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.body(x).mean((2, 3))
        return logits


class Constrained(ModelSpace):  # type: ignore[misc]
    """Two layers, of which the first is not the wider one."""

    def __init__(self) -> None:
        super().__init__()
        first, second = nni.choice("first", [2, 3, 4]), nni.choice("second", [2, 3, 4])
        self.add_mutable(ExpressionConstraint(first <= second, label="order"))
        self.body = nn.Sequential(
            nn.Flatten(),
            MutableLinear(64, first),
            MutableLinear(first, second),
            MutableLinear(second, 3),
        )

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.body(x)
        return logits

    def freeze(self, sample: dict[str, object]) -> "Constrained":
        with nni.nas.space.model_context(sample):
            return Constrained()


class Range(ModelSpace):  # type: ignore[misc]
    """A choice without a list of values."""

    def __init__(self) -> None:
        super().__init__()
        self.add_mutable(nni.uniform("rate", 0, 1))


class Fixed(ModelSpace):  # type: ignore[misc]
    """Nothing to choose."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(4, 2)


class Depths(ModelSpace):  # type: ignore[misc]
    """A choice that the constructor reads, as NNI's documentation writes it, with its own way to
    freeze.
    """

    def __init__(self) -> None:
        super().__init__()
        depth = ensure_frozen(self.add_mutable(nni.choice("depth", [1, 2, 3])))
        self.body = nn.Sequential(
            nn.Flatten(),
            nn.LazyLinear(5),
            *(nn.Linear(5, 5) for _ in range(depth)),
            nn.Linear(5, 3),
        )

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.body(x)
        return logits

    def freeze(self, sample: dict[str, object]) -> "Depths":
        with nni.nas.space.model_context(sample):
            return Depths()


NOT_A_CLASS = torch.zeros(1)
