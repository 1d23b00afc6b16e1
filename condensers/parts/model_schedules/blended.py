"""Networks between an initialisation and what training on the real images made of it.

theta = l theta_first + (1 - l) theta_last,   l uniform in [0, 1),   of one of several networks,
drawn at each step

Source: Wang et al., "Dataset Distillation with Neural Characteristic Function" (NCFM, CVPR 2025),
section 4.2.3, and the authors' code (`update_feature_extractor`, and its settings for CIFAR-10 for
the training; DANCE, IJCAI 2024, has the same networks). Differences from that code: the rate falls
to a tenth at half of the epochs, where theirs falls to a fifth at two thirds and five sixths;
images are augmented as the method augments them.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import nn
from torch.nn.utils import vector_to_parameters

from condensers.data import ClassData
from condensers.engine.devices import send_all
from condensers.hyperparameters import hyper
from condensers.parts.model_schedules.base import ModelSchedule, ScheduleRun, SyntheticBatch
from condensers.parts.model_schedules.trained_paths import (
    PathTraining,
    TrainedPaths,
    build_network,
)
from condensers.parts.setting import RunSetting
from condensers.training.classifier import Training


@final
@dataclass(frozen=True)
class Blended(ModelSchedule):
    """Mixtures of the first and the last weights of networks trained on the real images."""

    networks: int = hyper(20, unit="networks", source="NCFM's settings, model_num", minimum=1)
    epochs: int = hyper(
        60,
        unit="epochs",
        help="epochs of training of each network",
        source="NCFM's settings, pertrain_epochs",
        minimum=1,
    )
    lr: float = hyper(
        0.01, help="learning rate of the networks", source="NCFM's settings", minimum=0.0
    )
    momentum: float = hyper(
        0.9, help="momentum of the networks' SGD", source="NCFM's settings", minimum=0.0
    )
    weight_decay: float = hyper(
        5e-4, help="weight decay of the networks", source="NCFM's settings", minimum=0.0
    )
    batch: int = hyper(
        128, unit="images", help="images in a batch", source="NCFM's settings", minimum=1
    )

    registered: ClassVar[str] = "blended"
    couples_classes: ClassVar[bool] = True
    learns_first: ClassVar[bool] = True

    def preparation(self, data: ClassData) -> float:
        """Image passes of the networks' training, which comes before the first step."""
        return float(self.networks * self.epochs * len(data.images))

    def train_first(self, setting: RunSetting) -> TrainedPaths:
        """Return the networks, trained or read."""
        recipe = Training(
            epochs=self.epochs,
            lr=self.lr,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            batch=self.batch,
        )
        return TrainedPaths(PathTraining(self.networks, recipe, ends=True), setting)

    def begin(self, setting: RunSetting) -> "BlendedNetworks":
        """Start a run."""
        return BlendedNetworks(self, setting)


class BlendedNetworks(ScheduleRun):
    """One run; has no state but that of the run's generator. prepared_seconds: what training all
    networks took, also earlier.
    """

    def __init__(self, schedule: Blended, setting: RunSetting) -> None:
        self.setting = setting
        trained = setting.trained or schedule.train_first(setting)
        assert isinstance(trained, TrainedPaths), "the run's networks are this schedule's"
        self.paths, self.prepared_seconds = trained.paths, trained.seconds
        self.network = build_network(setting, torch.Generator())

    def next(self, step: int, synthetic: SyntheticBatch) -> nn.Module:
        """Blend the weights of a network that the generator draws."""
        generator = self.setting.generator
        path = self.paths[int(torch.randint(len(self.paths), (1,), generator=generator))]
        part = float(torch.rand((), generator=generator))
        (blend,) = send_all([part * path[0] + (1 - part) * path[-1]], self.setting.data.device)
        vector_to_parameters(blend, self.network.parameters())
        return self.network.train()

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        return None
