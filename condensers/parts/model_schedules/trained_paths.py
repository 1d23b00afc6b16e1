"""Networks trained on the real images before the first step, and their parameters at the ends of
epochs.

They are determined by the (viewed) data, network, augmentation and training alone, not by the run's
seed: runs that agree in these share them through the context's `cache`, whatever their seeds. The
seed decides what is drawn from them, so differences between seeds do not show what other networks
would have given. Without a cache they are trained anew, and kept in memory.

What is kept are float32 rows that are mapped into memory from a file for each network, so that they
may be larger than memory. The statistics of batch norms are not kept.
"""

import shutil
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from condensers import networks
from condensers.engine import files
from condensers.engine import loop as engine
from condensers.engine.cache import key_of, make_missing
from condensers.engine.context import Context, derive_seed
from condensers.engine.devices import send
from condensers.hyperparameters import settings_of
from condensers.parts.curricula import Curriculum, EveryImage
from condensers.parts.setting import RunSetting, TrainedNetworks
from condensers.registry.code_digest import code_of
from condensers.registry.registry import NETWORKS
from condensers.training.classifier import Training, TrainingLoop

FORMAT = 1
ROWS_WAITING = 32  # epochs whose parameters stay on a graphics card before they are fetched


@dataclass(frozen=True)
class PathTraining:
    """How networks are trained, and what of them is kept.

    Attributes:
        count: Networks.
        recipe: Of each.
        curriculum: The images of each epoch.
        ends: Whether only the parameters before the first and after the last epoch are kept.
    """

    count: int
    recipe: Training
    curriculum: Curriculum = EveryImage()
    ends: bool = False

    @property
    def kept(self) -> Sequence[int]:
        """The epochs whose parameters are kept, 0 for those before the first."""
        return (0, self.recipe.epochs) if self.ends else range(self.recipe.epochs + 1)


class TrainedPaths(TrainedNetworks):
    """The networks of a run.

    Attributes:
        paths: (len(kept), P) of each, on the CPU.
    """

    def __init__(self, training: PathTraining, setting: RunSetting) -> None:
        self.network = build_network(setting, torch.Generator())
        shape = (len(training.kept), len(_vector(self.network)))
        found = (
            [_read(path, shape) for path in _files(training, setting)]
            if setting.context.cache
            else _train_all(training, setting)
        )
        self.paths: list[Tensor] = [one["parameters"] for one in found]
        self.seconds = float(sum(one["seconds"] for one in found))
        self.device = setting.data.device

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.paths)

    def finished(self, index: int) -> nn.Module:
        """Return network `index` after its last epoch, in training mode; the same module at every
        call.
        """
        row = send(self.paths[index][-1].clone(), self.device)  # parameters are views of it
        vector_to_parameters(row, self.network.parameters())
        return self.network.train()


class PathLoop:
    """Ordinary training that keeps all parameters after some epochs.

    Attributes:
        rows: (len(kept), P) float32 on the CPU.
        waiting: Epoch -> a row that is not among them yet.
    """

    def __init__(
        self, training: TrainingLoop, plan: PathTraining, order: Tensor | None = None
    ) -> None:
        """Begin.

        Args:
            training: Trains the network.
            plan: Says which epochs are kept.
            order: What the curriculum has prepared.
        """
        self.training, self.plan, self.order = training, plan, order
        first = _vector(training.network)
        self.rows = torch.zeros(len(plan.kept), len(first))
        self.waiting = {0: first}

    @cached_property
    def ends(self) -> list[int]:
        """The number of steps that are done at the end of each epoch."""
        batch, images = self.plan.recipe.batch, len(self.training.images)
        sizes = [self._members(epoch) for epoch in range(self.plan.recipe.epochs)]
        return list(accumulate(-(-(images if one is None else len(one)) // batch) for one in sizes))

    def step(self, index: int) -> float | Tensor:
        """Take one step and return its loss."""
        epoch = bisect_right(self.ends, index)
        position = index - (self.ends[epoch - 1] if epoch else 0)
        if position == 0:
            self.training.members = self._members(epoch)
        whole = self.ends[-1] == len(self.ends) * self.training.per_epoch
        figure = self.training.step(index if whole else position)
        done = epoch + 1
        if index + 1 == self.ends[epoch] and done in self.plan.kept:
            self.waiting[done] = _vector(self.training.network)
        if len(self.waiting) == ROWS_WAITING:
            self.fetch()
        return figure

    def _members(self, epoch: int) -> Tensor | None:
        return self.plan.curriculum.members(epoch, self.training.data, self.order)

    def fetch(self) -> Tensor:
        """Return the rows, with all that was kept so far brought to the processor."""
        places = {epoch: place for place, epoch in enumerate(self.plan.kept)}
        for epoch, row in self.waiting.items():
            self.rows[places[epoch]] = row
        self.waiting = {}
        return self.rows

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        return {"training": self.training.state_dict(), "rows": self.fetch()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.training.load_state_dict(state["training"])
        self.rows, self.waiting = state["rows"].cpu(), {}


def _train_all(training: PathTraining, setting: RunSetting) -> list[dict[str, Any]]:
    order = _prepare(training, setting)
    return [_train(training, setting, index, order, None) for index in range(training.count)]


def _prepare(training: PathTraining, setting: RunSetting) -> Tensor | None:
    spec = NETWORKS.create(setting.network)
    return training.curriculum.prepare(setting.data, spec, setting.context)


def _files(training: PathTraining, setting: RunSetting) -> list[Path]:
    """The files of all networks, those that were not there made."""
    assert setting.context.cache is not None
    folder = setting.context.cache / "experts" / _key(training, setting)
    paths = [folder / f"expert-{index}.pt" for index in range(training.count)]
    order = None if all(path.exists() for path in paths) else _prepare(training, setting)

    def make(index: int) -> None:
        unfinished = folder / f"unfinished-{index}"
        files.write_state(paths[index], _train(training, setting, index, order, unfinished))
        shutil.rmtree(unfinished, ignore_errors=True)

    make_missing(paths, make, setting.context)
    for path in paths:
        files.require_intact(path)
    return paths


def _key(training: PathTraining, setting: RunSetting) -> str:
    """Stands for all that determines a network but its number.

    Devices and versions of torch round differently.
    """
    data, network, curriculum = setting.data, NETWORKS.create(setting.network), training.curriculum
    parts = [
        {"name": part.registered, **settings_of(part)}
        for part in (network, setting.augmentation, curriculum)
    ]
    seen = [data.digest, data.mean, data.std, data.mirror]
    machine = [data.device.type, torch.__version__]
    code = code_of(network, setting.augmentation, curriculum, modules=(__name__,))
    settings = [settings_of(training.recipe), training.ends]
    return key_of([FORMAT, seen, parts, *settings, machine, code])


def _train(
    plan: PathTraining,
    setting: RunSetting,
    index: int,
    order: Tensor | None,
    folder: Path | None,
) -> dict[str, Any]:
    """Network `index`: its parameters at the epochs that are kept, and the seconds that it took."""
    data = setting.data
    own = _own(setting.context, index, folder)
    training = TrainingLoop(
        build_network(setting, own.generator), data.images, data.labels, plan.recipe, data, own
    )
    training.augmentation = setting.augmentation
    loop = PathLoop(training, plan, order)
    seconds = engine.run(loop, loop.ends[-1], own, f"expert {index + 1} of {plan.count}")
    return {"parameters": loop.fetch(), "seconds": seconds}


def _own(context: Context, index: int, folder: Path | None) -> Context:
    """The context of a network: its generator is the same in every run."""
    return replace(context.fork("experts"), seed=derive_seed(index, "expert"), folder=folder)


def build_network(setting: RunSetting, generator: torch.Generator) -> nn.Module:
    """Return a network of the run's kind, with weights from `generator`."""
    return networks.build(
        setting.network, setting.shape, setting.classes, generator, setting.data.device
    )


def _vector(network: nn.Module) -> Tensor:
    return parameters_to_vector(network.parameters()).detach()


def _read(path: Path, shape: tuple[int, int]) -> dict[str, Any]:
    """What is in a network's file; its parameters, of `shape`, stay there until they are asked
    for.
    """
    with files.raise_damaged(path):
        state: dict[str, Any] = torch.load(path, weights_only=True, mmap=True, map_location="cpu")
        found = tuple(state["parameters"].shape)
        if found != shape:
            raise ValueError(f"parameters of shape {found}, not {shape}")
        state["seconds"] = float(state["seconds"])
    return state
