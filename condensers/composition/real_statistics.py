"""The real side of matching, kept: what an objective reads from real images, computed once and used
for several steps.

L(S) = D( m, m(A_w(S)) ),  m = m(A_w(x)) for one network, one draw w and one real batch x, or x all
images of the class

A schedule whose run has a `slot` says by it that a network is given more than once, and that its
draw and its statistics stand as long. A class's statistics are means over its images, so those of a
whole class are the weighted mean of those of its parts.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from condensers.parts.objectives.base import Pair
from condensers.parts.setting import Setting

IMAGES_AT_ONCE = 256


class Slot(NamedTuple):
    """Where the real side of a network is kept. new: another network was there. whole: of all real
    images, not of a batch.
    """

    number: int
    new: bool
    whole: bool


class Kept(NamedTuple):
    """seed: gives the draw of augmentation. statistics: of the real images of one class, the
    objective's, one tensor a layer.
    """

    seed: int
    statistics: list[Tensor]


class RealSide:
    """One run. slot: of the present step; None: nothing is kept. kept: slot -> position of a class
    -> what was read.
    """

    def __init__(self, method: Any, setting: Setting, sampler: Any) -> None:
        self.method, self.setting, self.sampler = method, setting, sampler
        self.slot: Slot | None = None
        self.kept: dict[int, dict[int, Kept]] = {}

    def turn(self, slot: Slot | None) -> None:
        """A step begins with the network of `slot`."""
        self.slot = slot
        if slot is not None and slot.new:
            self.kept.pop(slot.number, None)

    def pairs(
        self, network: nn.Module, index: int, wanted: Sequence[int], images: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Pair]]:
        """Statistics (len(wanted), ...) for each layer, and pairs, of the classes at the positions
        `wanted`.

        images: the synthetic ones of each. Pairs have real images only where terms read them: a new
        batch at every step.
        """
        assert self.slot is not None
        here = self.kept.setdefault(self.slot.number, {})
        missing = [position for position in wanted if position not in here]
        if missing:
            here.update(
                self._of_classes(network, missing)
                if self.slot.whole
                else self._of_batches(network, index, missing)
            )
        layers = zip(*(here[position].statistics for position in wanted), strict=True)
        pairs = []
        for position, own in zip(wanted, images, strict=True):
            label, seed = self.setting.data.classes[position], here[position].seed
            synthetic = self._varied(own, seed)
            real = (
                self._batch(network, index, label, seed)
                if self.method.regularisers
                else synthetic.detach()[:0]
            )
            pairs.append(Pair(label, real, synthetic))
        return [torch.stack(layer) for layer in layers], pairs

    def _of_batches(
        self, network: nn.Module, index: int, positions: Sequence[int]
    ) -> dict[int, Kept]:
        """From a batch of each class."""
        seeds = {position: self._seed() for position in positions}
        pairs = []
        for position, seed in seeds.items():
            label = self.setting.data.classes[position]
            real = self._batch(network, index, label, seed)
            pairs.append(Pair(label, real, real[:0]))
        layers: list[Tensor] = self.method.objective.statistics(network, pairs)
        return {
            position: Kept(seed, [layer[i] for layer in layers])
            for i, (position, seed) in enumerate(seeds.items())
        }

    def _of_classes(self, network: nn.Module, positions: Sequence[int]) -> dict[int, Kept]:
        """From all images of each class."""
        data, found = self.setting.data, {}
        for position in positions:
            label, seed = data.classes[position], self._seed()
            members = data.members(label)
            total: list[Tensor] = []
            for part in torch.split(members, IMAGES_AT_ONCE):
                real = self._varied(data.normalise(data.images[part]), seed)
                layers = self.method.objective.statistics(network, [Pair(label, real, real[:0])])
                share = [layer[0] * (len(part) / len(members)) for layer in layers]
                total = [a + b for a, b in zip(total, share, strict=True)] if total else share
            found[position] = Kept(seed, total)
        return found

    def _batch(self, network: nn.Module, index: int, label: int, seed: int) -> Tensor:
        return self._varied(self.sampler.batch(label, self.method.batch_real, index, network), seed)

    def _varied(self, images: Tensor, seed: int) -> Tensor:
        """Images (n, C, H, W) under the draw that belongs to `seed`."""
        setting = self.setting
        draw = setting.augmentation.draw(1, setting.shape, torch.Generator().manual_seed(seed))
        return torch.as_tensor(setting.augmentation.apply(images, draw))

    def _seed(self) -> int:
        return int(torch.randint(2**62, (1,), generator=self.setting.generator))

    def state_dict(self) -> dict[str, Any]:
        kept = {
            slot: {p: [one.seed, one.statistics] for p, one in here.items()}
            for slot, here in self.kept.items()
        }
        return {"kept": kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.kept = {
            slot: {p: Kept(*one) for p, one in here.items()} for slot, here in state["kept"].items()
        }
