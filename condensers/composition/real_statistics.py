"""What an objective reads from real images, kept for several steps.

L(S) = D( m, m(A_w(S)) ),  m = m(A_w(x)) for one network, one draw w and one real batch x, or x all
images of the class

A model schedule whose run sets a `slot` gives the same network again; its draw and its statistics
stand as long, but not beyond the end of a view that they were read under. A class's statistics are
means over its images, so those of a whole class are the weighted mean of those of its parts.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from condensers.parts.model_schedules.base import NetworkSlot
from condensers.parts.objectives.base import Pair, StatisticsObjective
from condensers.parts.samplers import SamplerRun
from condensers.parts.setting import RunSetting

if TYPE_CHECKING:
    from condensers.composition.composition import Composition

IMAGES_AT_ONCE = 256


class CachedStatistics(NamedTuple):
    """The statistics of the real images of one class.

    Attributes:
        seed: Gives the draw of augmentation.
        statistics: The objective's, a tensor for each layer.
    """

    seed: int
    statistics: list[Tensor]


class RealStatistics:
    """The statistics of one run.

    Attributes:
        slot: That of the present step; None: nothing is kept.
        cached: Slot number -> position of a class -> its statistics.
    """

    def __init__(self, method: "Composition", setting: RunSetting, sampler: SamplerRun) -> None:
        self.method, self.setting, self.sampler = method, setting, sampler
        self.slot: NetworkSlot | None = None
        self.cached: dict[int, dict[int, CachedStatistics]] = {}

    def enter_step(self, slot: NetworkSlot | None) -> None:
        """Begin a step with the network of `slot`."""
        self.slot = slot
        if slot is not None and slot.new:
            self.cached.pop(slot.number, None)

    def forget(self) -> None:
        """Read all statistics again, as the real images are others from now on."""
        self.cached.clear()

    def loss(
        self,
        objective: StatisticsObjective,
        network: nn.Module,
        index: int,
        images: dict[int, Tensor],
    ) -> tuple[Tensor, list[Pair]]:
        """Return the loss against kept statistics, and the pairs it was taken of.

        Pairs have real images only if there are regularisers to read them: a new batch at every
        step.

        Args:
            objective: The method's.
            network: That of the step.
            index: Step of the run, from 0.
            images: Position of a class -> its synthetic images.
        """
        statistics = self._statistics(objective, network, index, list(images))
        pairs = []
        for position, synthetic in images.items():
            label = self.setting.data.classes[position]
            seed = self._of_slot()[position].seed
            augmented = self._augment(synthetic, seed)
            real = (
                self._batch(network, index, label, seed)
                if self.method.image_terms
                else augmented.detach()[:0]
            )
            pairs.append(Pair(label, real, augmented))
        return objective.loss_against(network, statistics, pairs), pairs

    def _of_slot(self) -> dict[int, CachedStatistics]:
        assert self.slot is not None
        return self.cached.setdefault(self.slot.number, {})

    def _statistics(
        self,
        objective: StatisticsObjective,
        network: nn.Module,
        index: int,
        positions: Sequence[int],
    ) -> list[Tensor]:
        """(len(positions), ...) for each layer; what is missing is read first."""
        cached = self._of_slot()
        missing = [position for position in positions if position not in cached]
        if missing:
            cached.update(
                self._read_classes(objective, network, missing)
                if self.slot is not None and self.slot.whole
                else self._read_batches(objective, network, index, missing)
            )
        layers = zip(*(cached[position].statistics for position in positions), strict=True)
        return [torch.stack(layer) for layer in layers]

    def _read_batches(
        self,
        objective: StatisticsObjective,
        network: nn.Module,
        index: int,
        positions: Sequence[int],
    ) -> dict[int, CachedStatistics]:
        """Read a batch of each class."""
        seeds = {position: self._draw_seed() for position in positions}
        pairs = []
        for position, seed in seeds.items():
            label = self.setting.data.classes[position]
            real = self._batch(network, index, label, seed)
            pairs.append(Pair(label, real, real[:0]))
        layers = objective.statistics(network, pairs)
        return {
            position: CachedStatistics(seed, [layer[i] for layer in layers])
            for i, (position, seed) in enumerate(seeds.items())
        }

    def _read_classes(
        self, objective: StatisticsObjective, network: nn.Module, positions: Sequence[int]
    ) -> dict[int, CachedStatistics]:
        """Read all images of each class."""
        data, read = self.setting.data, {}
        for position in positions:
            label, seed = data.classes[position], self._draw_seed()
            members = data.members(label)
            total: list[Tensor] = []
            for part in torch.split(members, IMAGES_AT_ONCE):
                real = self._augment(data.normalise(data.images[part]), seed)
                layers = objective.statistics(network, [Pair(label, real, real[:0])])
                share = [layer[0] * (len(part) / len(members)) for layer in layers]
                total = [a + b for a, b in zip(total, share, strict=True)] if total else share
            read[position] = CachedStatistics(seed, total)
        return read

    def _batch(self, network: nn.Module, index: int, label: int, seed: int) -> Tensor:
        real = self.sampler.batch(label, self.method.batch_real, index, network)
        return self._augment(real, seed)

    def _augment(self, images: Tensor, seed: int) -> Tensor:
        """Images (n, C, H, W) under the draw that belongs to `seed`."""
        setting = self.setting
        draw = setting.augmentation.draw(1, setting.shape, torch.Generator().manual_seed(seed))
        return setting.augmentation.apply(images, draw)

    def _draw_seed(self) -> int:
        return int(torch.randint(2**62, (1,), generator=self.setting.generator))

    def state_dict(self) -> dict[str, Any]:
        """Return what is kept."""
        return {
            "kept": {
                slot: {p: [one.seed, one.statistics] for p, one in of_slot.items()}
                for slot, of_slot in self.cached.items()
            }
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.cached = {
            slot: {p: CachedStatistics(*one) for p, one in of_slot.items()}
            for slot, of_slot in state["kept"].items()
        }
