"""Stratified: a class's real batch has images of all of its clusters, as many of each as its size asks for, and no bias.

batch = { x_(p) : p = floor( (u + i) N / n ), i = 0 ... n - 1 },  u uniform in [0, 1),  x_(0) ... x_(N-1) ordered by cluster

Source: systematic sampling of an ordered list (Madow & Madow, "On the theory of systematic sampling", 1944), the list ordered by
the clusters of the images' pixels, anew and at random within and among the clusters for every batch. Every image comes with
probability n / N, so that the mean of the batch, of whatever function of an image, is that of the class in expectation, with
the variance within clusters only. Clusters are found once, quickly: in coarse pixels.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from condensers.fields import hyper
from condensers.selections.clustering import coarse_clusters
from condensers.setting import Setting


@dataclass(frozen=True)
class Stratified:
    """Real batches that take from every cluster of their class in proportion to its size."""

    clusters: int | None = hyper(None, unit="clusters per class", source="ours: as many as images in a batch", minimum=1)

    registered: ClassVar[str] = "stratified"

    def begin(self, setting: Setting) -> "StratifiedBatches":
        return StratifiedBatches(self, setting)


class StratifiedBatches:
    """One run. cluster: label -> cluster (N,) int64 of each image of the class, found when the class is first drawn from."""

    def __init__(self, sampler: Stratified, setting: Setting) -> None:
        self.sampler, self.setting = sampler, setting
        self.cluster: dict[int, Tensor] = {}

    def batch(self, label: int, n: int, step: int, network: nn.Module | None) -> Tensor:
        """(<= n, C, H, W) float32 normalised: different real images of the class `label`; all of them where it has fewer."""
        data = self.setting.data
        members = data.members(label)
        if len(members) > n:
            members = members[self._choose(label, members, n).to(members.device)]
        return data.normalise(data.images[members])

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
        return {"cluster": dict(self.cluster)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.cluster = {label: cluster.cpu() for label, cluster in state["cluster"].items()}
