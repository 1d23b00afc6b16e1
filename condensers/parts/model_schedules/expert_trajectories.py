"""Segments of experts' paths: networks trained on the real data, their parameters kept after every
epoch.

At each step an expert e and an epoch t < max_start are drawn; given are theta*_t and theta*_{t+M}
of that expert.

Source: MTT (CVPR 2022), section 3.2 and the authors' code: SGD without momentum, weight decay or a
falling rate. Differences from that code: expert and epoch are drawn uniformly at every step, where
the code goes through a shuffled buffer; what is kept are float32 rows that are mapped into memory
from a file for each expert, so that a buffer may be larger than memory.

Experts are determined by the (viewed) data, network, augmentation and training alone, not by the
run's seed: runs that agree in these share them through the context's `cache`, whatever their seeds.
The seed decides which segments are drawn, so differences between seeds do not show what other
experts would have given. Without a cache they are trained anew, and kept in memory.
"""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from condensers import networks
from condensers.data import ClassData
from condensers.engine import files
from condensers.engine import loop as engine
from condensers.engine.cache import key_of, make_missing
from condensers.engine.context import Context, derive_seed
from condensers.engine.devices import send_all
from condensers.errors import UsageError
from condensers.hyperparameters import hyper, settings_of
from condensers.parts.model_schedules.base import ModelSchedule, ScheduleRun, SyntheticBatch
from condensers.parts.setting import Needs, RunSetting, Segment
from condensers.registry.code_digest import code_of
from condensers.registry.registry import NETWORKS
from condensers.training.classifier import Training, TrainingLoop

FORMAT = 1
ROWS_WAITING = 32  # epochs whose parameters stay on a graphics card before they are fetched


@final
@dataclass(frozen=True)
class Experts(ModelSchedule):
    """Stretches of the paths that networks took when they were trained on the real data."""

    experts: int = hyper(100, unit="networks", source="MTT's code", minimum=1)
    epochs: int = hyper(
        50, unit="epochs", help="epochs of training of each expert", source="MTT's code", minimum=1
    )
    expert_epochs: int = hyper(
        2,
        unit="epochs",
        help="epochs of a segment, M",
        source="TESLA's example; 3 in MTT's for CIFAR-100",
        minimum=1,
    )
    max_start: int = hyper(
        20,
        unit="epochs",
        help="segments begin before this epoch",
        source="MTT's example for CIFAR-100",
        minimum=1,
    )
    lr: float = hyper(0.01, help="learning rate of the experts", source="MTT's code", minimum=0.0)
    batch: int = hyper(256, unit="images", source="MTT's code", minimum=1)

    registered: ClassVar[str] = "experts"
    gives: ClassVar[Needs] = Needs.SEGMENT
    couples_classes: ClassVar[bool] = True
    learns_first: ClassVar[bool] = True

    def __post_init__(self) -> None:
        last = self.max_start - 1 + self.expert_epochs
        if last > self.epochs:
            raise UsageError(
                f"experts: a segment that begins at epoch {self.max_start - 1} ends at {last}, but"
                f" experts are trained for {self.epochs} epochs; raise epochs or lower max_start"
            )

    def preparation(self, data: ClassData) -> float:
        """Image passes of the experts' training, which comes before the first step."""
        return float(self.experts * self.epochs * len(data.images))

    def begin(self, setting: RunSetting) -> "Segments":
        """Start a run."""
        return Segments(self, setting)


class Segments(ScheduleRun):
    """One run; has no state but that of the run's generator. prepared_seconds: what training all
    experts took, also earlier.
    """

    def __init__(self, schedule: Experts, setting: RunSetting) -> None:
        self.schedule, self.setting = schedule, setting
        self.network = _network(setting, torch.Generator())
        shape = (schedule.epochs + 1, len(_vector(self.network)))
        found = (
            [_read(path, shape) for path in _files(schedule, setting)]
            if setting.context.cache
            else None
        )
        found = found or [
            _train(schedule, setting, index, None) for index in range(schedule.experts)
        ]
        self.paths: list[Tensor] = [one["parameters"] for one in found]
        self.prepared_seconds = float(sum(one["seconds"] for one in found))

    def next(self, step: int, synthetic: SyntheticBatch) -> Segment:
        """A stretch of `expert_epochs` epochs that the generator draws."""
        generator, device = self.setting.generator, self.setting.data.device
        path = self.paths[int(torch.randint(len(self.paths), (1,), generator=generator))]
        first = int(torch.randint(self.schedule.max_start, (1,), generator=generator))
        start, target = send_all(
            [path[epoch].clone() for epoch in (first, first + self.schedule.expert_epochs)], device
        )
        vector_to_parameters(start.clone(), self.network.parameters())
        return Segment(self.network.train(), start, target)

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        return None


class ExpertLoop:
    """Ordinary training that keeps all parameters after each epoch. rows: (epochs + 1, P) float32
    on the CPU. waiting: epoch -> a row that is not among them yet.
    """

    def __init__(self, training: TrainingLoop, epochs: int) -> None:
        self.training = training
        first = _vector(training.network)
        self.rows = torch.zeros(epochs + 1, len(first))
        self.waiting = {0: first}

    def step(self, index: int) -> float | Tensor:
        """Take one step and return its loss."""
        figure = self.training.step(index)
        epoch, rest = divmod(index + 1, self.training.per_epoch)
        if rest == 0:
            self.waiting[epoch] = _vector(self.training.network)
        if len(self.waiting) == ROWS_WAITING:
            self.fetch()
        return figure

    def fetch(self) -> Tensor:
        """Return the rows, with all that was kept so far brought to the processor."""
        for epoch, row in self.waiting.items():
            self.rows[epoch] = row
        self.waiting = {}
        return self.rows

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        return {"training": self.training.state_dict(), "rows": self.fetch()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.training.load_state_dict(state["training"])
        self.rows, self.waiting = state["rows"].cpu(), {}


def _files(schedule: Experts, setting: RunSetting) -> list[Path]:
    """The files of all experts, those that were not there made."""
    assert setting.context.cache is not None
    folder = setting.context.cache / "experts" / _key(schedule, setting)
    paths = [folder / f"expert-{index}.pt" for index in range(schedule.experts)]

    def make(index: int) -> None:
        files.write_state(
            paths[index], _train(schedule, setting, index, folder / f"unfinished-{index}")
        )
        shutil.rmtree(folder / f"unfinished-{index}", ignore_errors=True)

    make_missing(paths, make, setting.context)
    for path in paths:
        files.require_intact(path)
    return paths


def _key(schedule: Experts, setting: RunSetting) -> str:
    """Stands for all that determines an expert but its number.

    Devices and versions of torch round differently.
    """
    data, network = setting.data, NETWORKS.create(setting.network)
    parts = [
        {"name": part.registered, **settings_of(part)} for part in (network, setting.augmentation)
    ]
    seen = [data.digest, data.mean, data.std, data.mirror]
    machine = [data.device.type, torch.__version__]
    code = code_of(network, setting.augmentation, modules=(__name__,))
    settings = [schedule.epochs, schedule.lr, schedule.batch]
    return key_of([FORMAT, seen, parts, *settings, machine, code])


def _train(
    schedule: Experts, setting: RunSetting, index: int, folder: Path | None
) -> dict[str, Any]:
    """Expert `index`: its parameters before the first and after each epoch, and the seconds that it
    took.
    """
    data = setting.data
    own = _own(setting.context, index, folder)
    recipe = Training(
        epochs=schedule.epochs,
        lr=schedule.lr,
        momentum=0.0,
        weight_decay=0.0,
        batch=schedule.batch,
        drop=False,
    )
    training = TrainingLoop(
        _network(setting, own.generator), data.images, data.labels, recipe, data, own
    )
    training.augmentation = setting.augmentation
    loop = ExpertLoop(training, schedule.epochs)
    seconds = engine.run(loop, training.total, own, f"expert {index + 1} of {schedule.experts}")
    return {"parameters": loop.fetch(), "seconds": seconds}


def _own(context: Context, index: int, folder: Path | None) -> Context:
    """The context of an expert: its generator is the same in every run."""
    return replace(context.fork("experts"), seed=derive_seed(index, "expert"), folder=folder)


def _network(setting: RunSetting, generator: torch.Generator) -> nn.Module:
    return networks.build(
        setting.network, setting.shape, setting.classes, generator, setting.data.device
    )


def _vector(network: nn.Module) -> Tensor:
    return parameters_to_vector(network.parameters()).detach()


def _read(path: Path, shape: tuple[int, int]) -> dict[str, Any]:
    """What is in an expert's file; its parameters, of `shape`, stay there until they are asked
    for.
    """
    with files.raise_damaged(path):
        state: dict[str, Any] = torch.load(path, weights_only=True, mmap=True, map_location="cpu")
        found = tuple(state["parameters"].shape)
        if found != shape:
            raise ValueError(f"parameters of shape {found}, not {shape}")
        state["seconds"] = float(state["seconds"])
    return state
