"""The images that learning begins with."""

import torch
from torch import Tensor

from condensers.clustering import central_points, coarse_clusters
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.setting import TrainedNetworks

START = ("noise", "real", "k-means", "centroids", "classified")
IMAGES_AT_ONCE = 256


def starting_images(
    data: ClassData,
    ipc: int,
    start: str,
    generator: torch.Generator,
    lent: Context | None = None,
    trained: TrainedNetworks | None = None,
) -> Tensor:
    """Return the images that learning begins with.

    Args:
        data: The real images.
        ipc: Images of a class; if it has fewer, they are repeated, in a new order each time.
        start: "noise", standard normal; "real", random real images; "k-means", the real images
            nearest to the centroids of as many clusters of their class's pixels; "centroids", the
            mean images of such clusters, found quickly: in images made smaller, in few rounds;
            "classified", random real images that a network of `trained` classifies correctly.
        generator: The only source of randomness.
        lent: Hears how far it is, and may stop it.
        trained: Networks trained on the real images, for "classified".

    Returns:
        (len(classes) * ipc, C, H, W) float32, normalised, ordered by class.

    Raises:
        UsageError: There is no such start, or no network for it.
    """
    if start == "noise":
        noise = torch.randn(len(data.classes) * ipc, *data.shape, generator=generator)
        return noise.to(data.device)
    if start not in START:
        raise UsageError(f"init '{start}' is not one of {', '.join(START)}")
    classes = (lent or Context()).each(data.classes, "starting images")
    if start == "classified":
        if trained is None:
            raise UsageError(
                "init 'classified' needs networks that are trained before the first step"
            )
        return torch.cat([_classified(data, label, ipc, generator, trained) for label in classes])
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


@torch.no_grad()
def _classified(
    data: ClassData, label: int, ipc: int, generator: torch.Generator, trained: TrainedNetworks
) -> Tensor:
    """Images in a random order: those that the first network classifies correctly, then those that
    the next one does, then the others, as often as it takes (DATM, ICLR 2024, and its code).
    """
    members = data.members(label)
    order = members[torch.randperm(len(members), generator=generator).to(members.device)]
    chosen = order[:0]
    for index in range(trained.count):
        network = trained.finished(index)
        for part in torch.split(order, IMAGES_AT_ONCE):
            if len(chosen) >= ipc:
                break
            right = network(data.normalise(data.images[part])).argmax(1) == label
            new = part[right & ~torch.isin(part, chosen)]
            chosen = torch.cat([chosen, new])
    chosen = torch.cat([chosen, order[~torch.isin(order, chosen)]])
    chosen = chosen.repeat(-(-ipc // len(chosen)))[:ipc]
    return data.normalise(data.images[chosen])


def _central(images: Tensor, ipc: int, generator: torch.Generator) -> Tensor:
    return images[central_points(images.flatten(1), ipc, generator).to(images.device)]


def _centroids(images: Tensor, ipc: int, generator: torch.Generator) -> Tensor:
    cluster = coarse_clusters(images, ipc, generator)
    counts = torch.bincount(cluster, minlength=ipc).view(-1, 1, 1, 1)
    means = torch.zeros_like(images[:ipc]).index_add_(0, cluster, images) / counts.clamp(min=1)
    # A cluster that ran empty has no mean: an image of the class stands for it.
    return torch.where(counts > 0, means, images[:ipc])
