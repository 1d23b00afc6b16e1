"""k-means: a class's real batch is one image for each of its clusters in the embedding of the present network.

batch = { argmin_b || psi_theta(x_b) - m_k || : k = 1 ... n },  m_1 ... m_n the centroids of psi_theta(x) over the class

Source: Liu et al., "DREAM: Efficient Dataset Distillation by Representative Matching" (ICCV 2023), section 3.3 as we recall,
and the authors' code: n clusters for a batch of n, found anew every 10 steps. Where two centroids have the same nearest
image, the later one takes its next nearest, so that no image comes twice. A schedule that gives no network has its pixels
clustered.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from condensers.fields import hyper
from condensers.networks import Network
from condensers.selections.k_means import KMeans as Nearest
from condensers.setting import Setting

IMAGES_AT_ONCE = 512


@dataclass(frozen=True)
class KMeans:
    """Real batches of the images nearest to the centroids of their class."""

    interval: int = hyper(10, unit="steps between clusterings", source="DREAM's code, interval", minimum=1)

    registered: ClassVar[str] = "k-means"

    def begin(self, setting: Setting) -> "ClusteredBatches":
        return ClusteredBatches(self, setting)


class ClusteredBatches:
    """One run: the choice of each class, kept between clusterings. chosen: label -> indices (n,) int64 into the data."""

    def __init__(self, sampler: KMeans, setting: Setting) -> None:
        self.sampler, self.setting = sampler, setting
        self.chosen: dict[int, Tensor] = {}

    def batch(self, label: int, n: int, step: int, network: nn.Module | None) -> Tensor:
        """(<= n, C, H, W) float32 normalised: different real images of the class `label`; all of them where it has fewer."""
        data = self.setting.data
        if step % self.sampler.interval == 0 or label not in self.chosen:
            self.chosen[label] = self._choose(data.members(label), n, network)
        return data.normalise(data.images[self.chosen[label]])

    def _choose(self, members: Tensor, n: int, network: nn.Module | None) -> Tensor:
        if len(members) <= n:
            return members
        found = Nearest().choose(self._features(members, network), n, self.setting.generator)
        return members[found.to(members.device)]

    @torch.no_grad()
    def _features(self, members: Tensor, network: nn.Module | None) -> Tensor:
        """(n, D) of the images at `members`, as the network embeds them in evaluation mode; its own mode is given back."""
        data, found = self.setting.data, []
        modes = {module: module.training for module in network.modules()} if network is not None else {}
        for part in torch.split(members, IMAGES_AT_ONCE):
            images = data.normalise(data.images[part])
            found.append(images.flatten(1) if network is None else cast(Network, network.eval()).embed(images))
        for module, mode in modes.items():
            module.training = mode
        return torch.cat(found)

    def state_dict(self) -> dict[str, Any]:
        return {"chosen": dict(self.chosen)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.chosen = dict(state["chosen"])
