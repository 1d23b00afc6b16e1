"""Initial weights that the architectures of a space share: those of one network of all of them,
trained on a set first.

w = argmin E[L(N(a, w))] over architectures a that are drawn uniformly, one a gradient step; a
network of a then begins from w(a), its part of w, and is trained as any other.

Source: Guo et al., "Single Path One-Shot Neural Architecture Search with Uniform Sampling" (ECCV
2020), equations 5 to 7. Difference: there w(a) scores a as it is; here it is trained on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from condensers import networks
from condensers.data import ClassData
from condensers.engine import loop
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.networks.base import NetworkSpec
from condensers.training.recipe import Training
from scenarios.search.curve import ReadLoop
from scenarios.search.spaces.base import SearchSpace, WeightSharingSpace, draw_choice
from scenarios.search.spaces.frozen import FrozenSpec


class PathChoice(nn.Module):
    """Several layers, of which one is used: `used`, by its name."""

    def __init__(self, label: str, layers: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.label, self.used = label, next(iter(layers))
        self.layers = nn.ModuleDict(layers)

    def forward(self, *inputs: Any) -> Any:
        return self.layers[self.used](*inputs)


class PathNetwork(nn.Module):
    """All architectures of a space in one network, which computes one of them.

    Args:
        supernet: A fresh NNI ModelSpace; it is changed, and its LayerChoices become `PathChoice`s.
    """

    def __init__(self, supernet: nn.Module) -> None:
        super().__init__()
        from scenarios.search.nni_imports import LayerChoice  # NNI takes seconds to import

        for name, choice in reversed(list(supernet.named_modules())):  # inner ones before outer
            if isinstance(choice, LayerChoice):
                parent, _, own = name.rpartition(".")
                layers = {str(key): choice[key] for key in choice.names}
                supernet.get_submodule(parent).add_module(own, PathChoice(choice.label, layers))
        self.supernet = supernet
        self.paths = {
            name: part for name, part in supernet.named_modules() if isinstance(part, PathChoice)
        }

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, K) of images (N, C, H, W) by the architecture that `choose` was given."""
        logits: Tensor = self.supernet(x)
        return logits

    def choose(self, sample: Mapping[str, Any]) -> None:
        """Compute the architecture of `sample` from now on: a value for each of NNI's labels."""
        for part in self.paths.values():
            part.used = str(sample[part.label])


@dataclass(frozen=True)
class SupernetSpec(NetworkSpec):
    """The network of all architectures of `space`."""

    space: WeightSharingSpace

    def module(self, shape: tuple[int, int, int], classes: int) -> PathNetwork:
        """A `PathNetwork`; UsageError where more is chosen than layers."""
        supernet = self.space.supernet(shape, classes)
        labels = list(supernet.simplify())
        network = PathNetwork(supernet)
        layers = {part.label for part in network.paths.values()}
        other = next((label for label in labels if label not in layers), None)
        if other is not None:
            raise UsageError(
                f"search.initial_weights: shared weights need a space that chooses layers alone,"
                f" and '{other}' of {self.space.registered} chooses something else; take"
                ' initial_weights = "own", or nas-bench-201'
            )
        return network


@dataclass(frozen=True)
class SharedWeights:
    """What was trained.

    Attributes:
        state: All weights and statistics, by their names in a `PathNetwork`.
        paths: Where it chooses, and by which of NNI's labels.
        seconds: What each architecture has to bear of the training, by the work clock.
        images: How many images each has to bear.
    """

    state: Mapping[str, Tensor]
    paths: Mapping[str, str]
    seconds: float
    images: float

    def copy_to(self, network: nn.Module, spec: NetworkSpec) -> None:
        """Give the network of an architecture its part of the weights."""
        assert isinstance(spec, FrozenSpec)
        network.load_state_dict(self.select(spec.sample))

    def select(self, sample: Mapping[str, Any]) -> dict[str, Tensor]:
        """Return the part of an architecture, by the names in a network of it alone."""
        found = dict(self.state)
        for path, label in sorted(self.paths.items(), key=lambda item: -item[0].count(".")):
            inside, used = f"{path}.layers.", f"{path}.layers.{sample[label]}."
            found = {
                f"{path}.{name.removeprefix(used)}" if name.startswith(used) else name: value
                for name, value in found.items()
                if name.startswith(used) or not name.startswith(inside)
            }
        return found


class PathLoop(ReadLoop):
    """Trains a `PathNetwork`, each step the part of an architecture that is drawn uniformly."""

    def share(self, space: WeightSharingSpace) -> None:
        """Draw from the architectures of `space`, and read nothing but the cost."""
        self.space, self.choices = space, space.choices()
        self.read_at((), dict, 1)

    def _optimiser(self, lr: float) -> torch.optim.Optimizer:
        """SGD that is not fused: torch's fused one takes no step in which some weights, of paths
        that come for the first time, have no momentum yet.
        """
        recipe = self.recipe
        return torch.optim.SGD(
            self.network.parameters(),
            lr=lr,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
        )

    def step(self, index: int) -> Tensor:
        assert isinstance(self.network, PathNetwork)
        self.network.choose(self.space.sample(draw_choice(self.choices, self.generator)))
        return super().step(index)


def require_weight_sharing(space: SearchSpace) -> WeightSharingSpace:
    """Return the space; UsageError if its architectures share no weights."""
    if not isinstance(space, WeightSharingSpace):
        raise UsageError(
            f"search.initial_weights: {space.registered} shares no weights; take nas-bench-201, an"
            ' NNI ModelSpace, or initial_weights = "own"'
        )
    return space


def require_layer_choices(space: SearchSpace, shape: tuple[int, int, int]) -> WeightSharingSpace:
    """Return the space; UsageError if more is chosen in it than layers, for images of `shape`."""
    sharing = require_weight_sharing(space)
    with torch.device("meta"):
        SupernetSpec(sharing).module(shape, 10)
    return sharing


def train_shared_weights(
    space: WeightSharingSpace,
    images: Tensor,
    labels: Tensor,
    recipe: Training,
    data: ClassData,
    context: Context,
    architectures: int,
) -> SharedWeights:
    """Train the weights that all architectures begin from.

    Args:
        space: Fits the images.
        images: (N, C, H, W) uint8, or float32 normalised.
        labels: (N,) int64, or (N, K) float32.
        recipe: How long and how.
        data: Gives mean and std, classes, and whether a mirrored image keeps its label.
        context: Its folder keeps what is trained, on the way and at the end.
        architectures: How many share the cost.

    Raises:
        Interrupted: The context says stop.
        UsageError: The space chooses more than layers.
    """
    spec, classes = SupernetSpec(space), len(data.class_names)
    network = networks.build(spec, data.shape, classes, context.generator, context.device)
    assert isinstance(network, PathNetwork)
    training = PathLoop(network, images, labels, recipe, data, context)
    training.share(space)
    done = training.train_to_end(context, "train shared weights")
    loop.write_checkpoint(training, training.total, context, done["seconds"])
    return SharedWeights(
        {key: value.clone() for key, value in network.supernet.state_dict().items()},
        {path: part.label for path, part in network.paths.items()},
        done["seconds"] / architectures,
        done["images"] / architectures,
    )
