"""The images that learning begins with."""

import torch
from torch import Tensor

from condensers.clustering import central_points, coarse_clusters
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError

START = ("noise", "real", "k-means", "centroids")


def starting_images(
    data: ClassData,
    ipc: int,
    start: str,
    generator: torch.Generator,
    lent: Context | None = None,
) -> Tensor:
    """Return the images that learning begins with.

    Args:
        data: The real images.
        ipc: Images of a class; if it has fewer, they are repeated, in a new order each time.
        start: "noise", standard normal; "real", random real images; "k-means", the real images
            nearest to the centroids of as many clusters of their class's pixels; "centroids", the
            mean images of such clusters, found quickly: in images made smaller, in few rounds.
        generator: The only source of randomness.
        lent: Hears how far it is, and may stop it.

    Returns:
        (len(classes) * ipc, C, H, W) float32, normalised, ordered by class.

    Raises:
        UsageError: There is no such start.
    """
    if start == "noise":
        noise = torch.randn(len(data.classes) * ipc, *data.shape, generator=generator)
        return noise.to(data.device)
    if start not in START:
        raise UsageError(f"init '{start}' is not one of {', '.join(START)}")
    classes = (lent or Context()).each(data.classes, "starting images")
    return torch.cat([_of_class(data, label, ipc, start, generator) for label in classes])


def _of_class(
    data: ClassData, label: int, ipc: int, start: str, generator: torch.Generator
) -> Tensor:
    """The class's images (ipc, C, H, W); too few to be clustered, they are taken as for "real"."""
    if start == "real" or data.count(label) <= ipc:
        return _real(data, label, ipc, generator)
    images = data.normalise(data.images[data.members(label)])
    return (_central if start == "k-means" else _centroids)(images, ipc, generator)


def _real(data: ClassData, label: int, ipc: int, generator: torch.Generator) -> Tensor:
    rounds = [data.sample(label, ipc, generator) for _ in range(-(-ipc // data.count(label)))]
    return torch.cat(rounds)[:ipc]


def _central(images: Tensor, ipc: int, generator: torch.Generator) -> Tensor:
    return images[central_points(images.flatten(1), ipc, generator).to(images.device)]


def _centroids(images: Tensor, ipc: int, generator: torch.Generator) -> Tensor:
    cluster = coarse_clusters(images, ipc, generator)
    counts = torch.bincount(cluster, minlength=ipc).view(-1, 1, 1, 1)
    means = torch.zeros_like(images[:ipc]).index_add_(0, cluster, images) / counts.clamp(min=1)
    # A cluster that ran empty has no mean: an image of the class stands for it.
    return torch.where(counts > 0, means, images[:ipc])
