"""How the real batch of a class is drawn."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, ClassVar, cast, final

import torch
from torch import Tensor, nn

from condensers.clustering import central_points, coarse_clusters
from condensers.data import ClassData
from condensers.engine.devices import send
from condensers.hyperparameters import Part, hyper
from condensers.networks import Network
from condensers.parts.setting import RunSetting
from condensers.rows import draw_distinct

IMAGES_AT_ONCE = 512


class SamplerRun(ABC):
    """A sampler in a run. Its `batch` draws and reads; `choose` may draw alone."""

    def choose(self, label: int, n: int, step: int, network: nn.Module | None) -> Tensor:
        """Draw as `batch` does, and say which images, so that those of many classes are read at
        once.

        Returns:
            Positions (<= n,) int64 among the images of the class, on the processor or the data's
            device; or the images themselves, as `batch` gives them.
        """
        return self.batch(label, n, step, network)

    @abstractmethod
    def batch(self, label: int, n: int, step: int, network: nn.Module | None) -> Tensor:
        """Draw real images of a class.

        Args:
            label: The class.
            n: Number of images; all of the class if it has fewer.
            step: Step of the run, from 0.
            network: The network of the step, if the model schedule gives one.

        Returns:
            (<= n, C, H, W) float32, normalised; no image comes twice.
        """

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint; the generator's is kept elsewhere."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""


def read_batches(data: ClassData, labels: Sequence[int], chosen: Sequence[Tensor]) -> list[Tensor]:
    """Return the batches of several classes, (<= n, C, H, W) float32, normalised, each.

    On a graphics card they are read together: what costs there is the launch of an operation.

    Args:
        data: The real images.
        labels: The classes.
        chosen: What a sampler's `choose` gave for each of them.
    """
    positions = [one for one in chosen if not one.is_floating_point()]
    if data.device.type == "cpu" or len(positions) < len(chosen):
        return [
            one
            if one.is_floating_point()
            else data.normalise(data.images[data.members(label)[one]])
            for label, one in zip(labels, chosen, strict=True)
        ]
    members = [data.members(label) for label in labels]
    starts = [0, *accumulate(len(one) for one in members)]
    flat = torch.cat([one + start for one, start in zip(chosen, starts, strict=False)])
    together = torch.cat(members)[send(flat, data.device)]
    images = data.normalise(data.images[together])
    return list(torch.split(images, [len(one) for one in chosen]))


class Sampler(Part):
    """Draws the real batch of a class at each step."""

    @abstractmethod
    def begin(self, setting: RunSetting) -> SamplerRun:
        """Start a run."""


@final
@dataclass(frozen=True)
class KMeansSampler(Sampler):
    """Real batches of the images nearest to the centroids of their class.

    k-means: a class's real batch is one image for each of its clusters in the embedding of the
    present network.

    batch = { argmin_b || psi_theta(x_b) - m_k || : k = 1 ... n },  m_1 ... m_n the centroids of
    psi_theta(x) over the class

    Source: Liu et al., "DREAM: Efficient Dataset Distillation by Representative Matching" (ICCV
    2023), and the authors' code (new_strategy.py): n clusters for a batch of n, found anew every
    10 steps. Where two centroids have the same nearest image, the later one takes its next
    nearest, so that no image comes twice. A schedule that gives no network has its pixels
    clustered.
    """

    interval: int = hyper(
        10,
        unit="steps",
        help="steps between clusterings",
        source="DREAM's code, interval",
        minimum=1,
    )

    registered: ClassVar[str] = "k-means"

    def begin(self, setting: RunSetting) -> "ClusteredBatches":
        """Start a run."""
        return ClusteredBatches(self, setting)


class ClusteredBatches(SamplerRun):
    """One run: the choice of each class, kept between clusterings. chosen: label -> indices (n,)
    int64 into the data.
    """

    def __init__(self, sampler: KMeansSampler, setting: RunSetting) -> None:
        self.sampler, self.setting = sampler, setting
        self.chosen: dict[int, Tensor] = {}

    def batch(self, label: int, n: int, step: int, network: nn.Module | None) -> Tensor:
        """(<= n, C, H, W) float32 normalised: different real images of the class `label`; all of
        them where it has fewer.
        """
        data = self.setting.data
        if step % self.sampler.interval == 0 or label not in self.chosen:
            self.chosen[label] = self._choose(data.members(label), n, network)
        return data.normalise(data.images[self.chosen[label]])

    def _choose(self, members: Tensor, n: int, network: nn.Module | None) -> Tensor:
        if len(members) <= n:
            return members
        chosen = central_points(self._features(members, network), n, self.setting.generator)
        return members[chosen.to(members.device)]

    @torch.no_grad()
    def _features(self, members: Tensor, network: nn.Module | None) -> Tensor:
        """(n, D) of the images at `members`, as the network embeds them in evaluation mode; its own
        mode is given back.
        """
        data, found = self.setting.data, []
        modes = (
            {module: module.training for module in network.modules()} if network is not None else {}
        )
        for part in torch.split(members, IMAGES_AT_ONCE):
            images = data.normalise(data.images[part])
            found.append(
                images.flatten(1)
                if network is None
                else cast(Network, network.eval()).embed(images)
            )
        for module, mode in modes.items():
            module.training = mode
        return torch.cat(found)

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        return {"chosen": dict(self.chosen)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.chosen = dict(state["chosen"])


@final
@dataclass(frozen=True)
class RandomSampler(Sampler):
    """Random: a class's real batch is drawn anew at every step, without replacement within the
    batch.
    """

    registered: ClassVar[str] = "random"

    def begin(self, setting: RunSetting) -> "RandomBatches":
        """Start a run."""
        return RandomBatches(setting)


class RandomBatches(SamplerRun):
    """Draws from the run's generator; has no state of its own."""

    def __init__(self, setting: RunSetting) -> None:
        self.setting = setting

    def choose(self, label: int, n: int, step: int, network: nn.Module | None) -> Tensor:
        """Positions (<= n,) int64 among the images of the class, on the processor."""
        count = self.setting.data.count(label)
        return draw_distinct(count, n, self.setting.generator)

    def batch(self, label: int, n: int, step: int, network: nn.Module | None) -> Tensor:
        """(<= n, C, H, W) float32 normalised: real images of the class `label`."""
        return self.setting.data.sample(label, n, self.setting.generator)

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        return None


@final
@dataclass(frozen=True)
class StratifiedSampler(Sampler):
    """Real batches that take from every cluster of their class in proportion to its size.

    Stratified: a class's real batch has images of all of its clusters, as many of each as its size
    asks for, and no bias.

    batch = { x_(p) : p = floor( (u + i) N / n ), i = 0 ... n - 1 },  u uniform in [0, 1),  x_(0)
    ... x_(N-1) ordered by cluster

    Source: systematic sampling of an ordered list (Madow & Madow, "On the theory of systematic
    sampling", 1944), the list ordered by the clusters of the images' pixels, anew and at random
    within and among the clusters for every batch. Every image comes with probability n / N, so that
    the mean of the batch, of whatever function of an image, is that of the class in expectation,
    with the variance within clusters only. Clusters are found once, quickly: in coarse pixels.
    """

    clusters: int | None = hyper(
        None, unit="clusters per class", source="ours: as many as images in a batch", minimum=1
    )

    registered: ClassVar[str] = "stratified"

    def begin(self, setting: RunSetting) -> "StratifiedBatches":
        """Start a run."""
        return StratifiedBatches(self, setting)


class StratifiedBatches(SamplerRun):
    """One run. cluster: label -> cluster (N,) int64 of each image of the class, found when the
    class is first drawn from.
    """

    def __init__(self, sampler: StratifiedSampler, setting: RunSetting) -> None:
        self.sampler, self.setting = sampler, setting
        self.cluster: dict[int, Tensor] = {}

    def batch(self, label: int, n: int, step: int, network: nn.Module | None) -> Tensor:
        """(<= n, C, H, W) float32 normalised: different real images of the class `label`; all of
        them where it has fewer.
        """
        data = self.setting.data
        members = data.members(label)
        if len(members) > n:
            members = members[send(self._choose(label, members, n), members.device)]
        return data.normalise(data.images[members])

    def choose(self, label: int, n: int, step: int, network: nn.Module | None) -> Tensor:
        """Positions (<= n,) int64 among the images of the class, on the processor."""
        members = self.setting.data.members(label)
        if len(members) <= n:
            return torch.arange(len(members))
        return self._choose(label, members, n)

    def _choose(self, label: int, members: Tensor, n: int) -> Tensor:
        """Positions (n,) int64 among the members."""
        data, generator = self.setting.data, self.setting.generator
        if label not in self.cluster:
            images = data.normalise(data.images[members])
            k = min(self.sampler.clusters or n, len(members))
            self.cluster[label] = coarse_clusters(images, k, generator).cpu()
        cluster = self.cluster[label]
        shuffled = torch.randperm(len(members), generator=generator)
        rank = torch.randperm(int(cluster.max()) + 1, generator=generator)
        ordered = shuffled[torch.argsort(rank[cluster[shuffled]], stable=True)]
        start = torch.rand((), generator=generator, dtype=torch.float64)
        positions = ((start + torch.arange(n)) * (len(members) / n)).floor().long()
        return ordered[positions.clamp(max=len(members) - 1)]

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        return {"cluster": dict(self.cluster)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.cluster = {label: cluster.cpu() for label, cluster in state["cluster"].items()}
