"""Several narrow ConvNets of one shape trained at once: the routine of
`condensers.training.classifier`, its draws shared by the networks.

Each network keeps its own initial weights and its own loss; the order of the images and the
augmentation of each batch are common random numbers. Where a batch is the whole set and nothing is
augmented, this is what training one by one does, to rounding. Elsewhere the accuracies of a group
are no longer independent: with DSA's augmentation their correlation within a group was 0.40 (24
groups of eight ConvNets of width 8, 300 epochs on one real digit of each class), so that an
interval over them is too narrow.

CPU time of one thread for 32 networks of width 8 and 16 on 1 x 28 x 28, against the published loop
over them: 4 to 6 times less on 10 images, 3 to 4 times less on 100, where convolutions are most of
the work (`make bench`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.networks import NetworkSpec
from condensers.networks.batched import NetworkStack
from condensers.networks.convnet import ConvNetSpec
from condensers.registry.registry import NETWORKS
from condensers.training.classifier import Trained, Training, predict, train

# Above this width arithmetic is what takes the time. Side by side pay at most so many channels, and
# so many numbers of a pixel of a batch: with more the first block's output leaves the cache.
WIDEST, CHANNELS, NUMBERS = 32, 256, 6400


def groups(spec: NetworkSpec | str | Mapping[str, Any], count: int, batch: int) -> list[range]:
    """Which of `count` networks of one spec are best trained together on batches of `batch` images:
    ConvNets of width 32 at most.

    All others are groups of one, and so is what is left over when it is one. The networks of a
    group are neighbours.
    """
    part = NETWORKS.create(spec)
    fits = isinstance(part, ConvNetSpec) and part.norm != "batch" and part.width <= WIDEST
    size = max(1, min(CHANNELS, NUMBERS // batch) // part.width) if fits else 1
    return [range(first, min(first + size, count)) for first in range(0, count, size)]


def draws_nothing(recipe: Training, images: int) -> bool:
    """Whether training on so many images is the same, to rounding, whatever is drawn: one batch,
    nothing augmented or mixed.
    """
    return recipe.augmentation == recipe.mix == "none" and images <= recipe.batch


def train_together(
    networks: Sequence[nn.Module],
    images: Tensor,
    labels: Tensor,
    recipe: Training,
    data: ClassData,
    context: Context,
    name: str,
) -> Trained:
    """Train several networks in place as one, as `condensers.training.classifier.train` does one.

    The figures are those of all together.

    UsageError where they cannot be trained together: see `condensers.networks.batched`.
    """
    together = NetworkStack(networks)
    trained = train(together, images, labels, recipe, data, context, name)
    together.give_back(networks)
    return trained._replace(images=trained.images * together.count)


def accuracies(
    networks: Sequence[nn.Module],
    data: ClassData,
    batch: int = 256,
    products: str = "fp32",
    lent: Context | None = None,
) -> list[float]:
    """Percentage of `data` that each network classifies correctly, 0 to 100; lent: as for
    `condensers.training.classifier.predict`.
    """
    return accuracies_of(NetworkStack(networks), data, batch, products, lent)


def accuracies_of(
    together: NetworkStack,
    data: ClassData,
    batch: int = 256,
    products: str = "fp32",
    lent: Context | None = None,
) -> list[float]:
    """Return what `accuracies` returns, of networks that are one already."""
    right = predict(together, data, batch, products, lent).argmax(2) == data.labels[:, None]
    return (right.double().mean(0) * 100).tolist()
