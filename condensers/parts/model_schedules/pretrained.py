"""Networks that were trained on the real images before the first step, and stay what they are.

Step i takes network i mod n, in evaluation mode. Each is trained once, by SGD at a rate that falls
along a cosine, on padded crops and mirror images.

Source: Yin, Xing & Shen, SRe2L (NeurIPS 2023), section 3.2 ("squeeze"), and its code for CIFAR
(squeeze_cifar.py); Shao et al., G-VBSM (CVPR 2024), section 3.3, for several networks in turn.

The networks are determined by the (viewed) data, their settings and their training alone, not by
the run's seed: runs that agree in these share them through the context's `cache`, whatever their
seeds, and so do the labels that they give. Differences between seeds do not show what other
networks would have given. Without a cache they are trained anew.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, final

import torch
from torch import nn

from condensers import networks
from condensers.data import ClassData
from condensers.engine import files
from condensers.engine.cache import key_of, make_missing
from condensers.engine.context import derive_seed
from condensers.hyperparameters import hyper, settings_of
from condensers.networks import NetworkSpec
from condensers.parts.model_schedules.base import ModelSchedule, ScheduleRun, SyntheticBatch
from condensers.parts.objectives.input_statistics import InputStatistics, carry, measure
from condensers.parts.setting import RunSetting, TrainedNetworks
from condensers.registry.code_digest import code_of
from condensers.registry.registry import NETWORKS
from condensers.training.classifier import Training, train

FORMAT = 1
MEASURED_AT_ONCE = 64  # images, as in G-VBSM's code: what it averages depends on it


class Trained(NamedTuple):
    """A network that was trained.

    Attributes:
        network: In evaluation mode; it carries what was measured.
        seconds: What its training took, even if an earlier run did it.
    """

    network: nn.Module
    seconds: float


@final
@dataclass(frozen=True)
class Pretrained(ModelSchedule):
    """Networks trained on the real images first, one at each step, in turn."""

    epochs: int = hyper(
        200,
        unit="epochs",
        help="epochs of training of each network",
        source="SRe2L's code for CIFAR",
        minimum=1,
    )
    lr: float = hyper(
        0.1, help="learning rate of the networks", source="SRe2L's code for CIFAR", minimum=0.0
    )
    batch: int = hyper(128, unit="images", source="SRe2L's code for CIFAR", minimum=1)
    networks: tuple[NetworkSpec, ...] = hyper(
        (),
        help="the networks; none: one of the method's",
        source="SRe2L: one (G-VBSM: several kinds)",
        part="network",
    )
    measure: bool = hyper(
        False,
        help="measure what convolutions read of the real images, for statistics all",
        source="SRe2L (G-VBSM: true)",
    )

    registered: ClassVar[str] = "pretrained"
    couples_classes: ClassVar[bool] = True
    learns_first: ClassVar[bool] = True

    @property
    def gives_measurements(self) -> bool:
        """Whether what convolutions read is measured."""
        return self.measure

    def networks_of(self, network: NetworkSpec) -> Sequence[NetworkSpec]:
        """Return the networks that take turns."""
        return self.networks or (network,)

    def preparation(self, data: ClassData) -> float:
        """Return the image passes of the networks' training."""
        each = self.epochs + (1 / 3 if self.measure else 0)
        return float(max(1, len(self.networks)) * each * len(data.images))

    def train_first(self, setting: RunSetting) -> "WholeNetworks":
        """Return the networks, trained or read."""
        specs = enumerate(self.networks_of(setting.network))
        return WholeNetworks([_obtain(self, spec, index, setting) for index, spec in specs])

    def begin(self, setting: RunSetting) -> "PretrainedNetworks":
        """Start a run."""
        return PretrainedNetworks(setting.trained or self.train_first(setting))


class WholeNetworks(TrainedNetworks):
    """Networks with all that they have learned, the statistics of batch norms included."""

    def __init__(self, found: Sequence[Trained]) -> None:
        self.networks = [one.network for one in found]
        self.seconds = sum(one.seconds for one in found)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.networks)

    def finished(self, index: int) -> nn.Module:
        """Return network `index`, in evaluation mode."""
        return self.networks[index].eval()


class PretrainedNetworks(ScheduleRun):
    """One run; has no state. prepared_seconds: what training all networks took, also earlier."""

    def __init__(self, trained: TrainedNetworks) -> None:
        self.trained, self.prepared_seconds = trained, trained.seconds

    def next(self, step: int, synthetic: SyntheticBatch) -> nn.Module:
        """The network whose turn it is."""
        return self.trained.finished(step % self.trained.count)

    def state_dict(self) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take nothing up."""


def _obtain(schedule: Pretrained, spec: NetworkSpec, index: int, setting: RunSetting) -> Trained:
    """Network `index`, from the cache where it is there."""
    cache = setting.context.cache
    if cache is None:
        return _restore(_train(schedule, spec, index, setting, None), spec, setting)
    folder = cache / "pretrained"
    path = folder / f"{_key(schedule, spec, index, setting)}.pt"

    def make(_: int) -> None:
        unfinished = folder / f"unfinished-{path.stem}"
        files.write_state(path, _train(schedule, spec, index, setting, unfinished))
        shutil.rmtree(unfinished, ignore_errors=True)

    make_missing([path], make, setting.context)
    files.require_intact(path)
    with files.raise_damaged(path):
        state = torch.load(path, weights_only=True, map_location="cpu")
        return _restore(state, spec, setting)


def _key(schedule: Pretrained, spec: NetworkSpec, index: int, setting: RunSetting) -> str:
    """Stands for all that determines a network.

    Devices and versions of torch round differently.
    """
    data, network = setting.data, NETWORKS.create(spec)
    kind = {"name": network.registered, **settings_of(network)}
    seen = [data.digest, data.mean, data.std, data.mirror]
    machine = [data.device.type, torch.__version__]
    own = [schedule.epochs, schedule.lr, schedule.batch, schedule.measure, index]
    return key_of([FORMAT, seen, kind, own, machine, code_of(network, modules=(__name__,))])


def _train(
    schedule: Pretrained, spec: NetworkSpec, index: int, setting: RunSetting, folder: Path | None
) -> dict[str, Any]:
    """Train network `index`; its generator is the same in every run."""
    data, seed = setting.data, derive_seed(index, "pretrained")
    own = replace(setting.context.fork("pretrained"), seed=seed, folder=folder)
    recipe = Training(
        epochs=schedule.epochs,
        lr=schedule.lr,
        batch=schedule.batch,
        augmentation="crop",
        schedule="cosine",
    )
    network = _fresh(spec, setting, own.generator)
    name = f"network {index + 1} of {len(schedule.networks_of(setting.network))}"
    done = train(network, data.images, data.labels, recipe, data, own, name)
    measured = measure(network.eval(), data, MEASURED_AT_ONCE) if schedule.measure else []
    return {
        "network": network.state_dict(),
        "measured": [list(one) for one in measured],
        "seconds": done.seconds,
    }


def _restore(state: dict[str, Any], spec: NetworkSpec, setting: RunSetting) -> Trained:
    """The network of what `_train` gave."""
    network = _fresh(spec, setting, torch.Generator())
    network.load_state_dict(state["network"])
    device = setting.data.device
    carry(network, [InputStatistics(*(one.to(device) for one in of)) for of in state["measured"]])
    return Trained(network.eval(), float(state["seconds"]))


def _fresh(spec: NetworkSpec, setting: RunSetting, generator: torch.Generator) -> nn.Module:
    return networks.build(spec, setting.shape, setting.classes, generator, setting.data.device)
