"""Our loops as units of work, built as a run builds them: `prepare(index)` begins unit `index`,
`run()` is timed.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.case import Case, kept, mean_loss
from condensers import networks
from condensers.composition.initialisation import starting_images
from condensers.engine.context import Context
from condensers.networks.batched import NetworkStack
from condensers.networks.precision import precision
from condensers.registry.registry import create_condenser
from condensers.training.batched import groups
from condensers.training.classifier import Training, TrainingLoop, predict


class OurSide:
    """A method's loop on a case, with a schedule of its own; every unit starts from the same
    images.
    """

    def __init__(self, name: str, case: Case, arithmetic: str, schedule: Any = "fresh") -> None:
        self.case, self.data = case, case.train()
        self.context = Context(seed=0, device=self.data.device)
        spec = {
            "name": name,
            "batch_real": case.batch_real,
            "network": case.network,
            "model_schedule": schedule,
        }
        self.loop = create_condenser(spec | {"precision": arithmetic}).begin(
            self.data, case.ipc, self.context
        )
        self.start, self.total = kept(self.loop.state_dict()), 0.0

    def prepare(self, index: int) -> None:
        self.loop.load_state_dict(kept(self.start))
        self.context.generator.manual_seed(index)

    def loss(self) -> float:
        return float(self.total)

    def gradient(self) -> Tensor:
        return self.loop.set.leaves[0].grad.cpu()


class OurMatching(OurSide):
    """One step on the images with a new network."""

    def run(self) -> None:
        self.total = self.loop.step(0)


class OurWhole(OurSide):
    """All steps with one network, and its training between them."""

    def __init__(self, name: str, case: Case, arithmetic: str) -> None:
        super().__init__(
            name,
            case,
            arithmetic,
            {"name": "trained-on-synthetic", "outer": case.outer, "inner": case.inner},
        )

    def run(self) -> None:
        self.total = sum(self.loop.step(index) for index in range(self.case.outer))


class OurEpochs(OurSide):
    """Epochs of the network's own training between two steps, which the schedule does at the
    beginning of the second.
    """

    def __init__(self, name: str, case: Case, arithmetic: str) -> None:
        super().__init__(
            name,
            case,
            arithmetic,
            {"name": "trained-on-synthetic", "outer": case.outer, "inner": case.epochs},
        )

    def prepare(self, index: int) -> None:
        super().prepare(index)
        self.network = self.loop.schedule.next(self.case.outer, self.loop.set.present)

    def run(self) -> None:
        with precision(self.loop.precision):
            self.network = self.loop.schedule.next(self.case.outer + 1, self.loop.set.present)

    def loss(self) -> float:
        return mean_loss(self.network, *self.loop.set.present())


class OurNetwork:
    """A network that every unit begins with new weights."""

    def __init__(self, case: Case, arithmetic: str) -> None:
        self.case, self.data, self.arithmetic = case, case.train(), arithmetic
        self.context = Context(seed=0, device=self.data.device)
        self.network = self.fresh()

    def fresh(self) -> torch.nn.Module:
        case, data = self.case, self.data
        return networks.build(
            case.network, data.shape, len(data.class_names), self.context.generator, data.device
        )

    def prepare(self, index: int) -> None:
        self.context.generator.manual_seed(index)
        self.network.load_state_dict(self.fresh().state_dict())


class OurTraining(OurNetwork):
    """Epochs of a network's training for evaluation."""

    def __init__(self, name: str, case: Case, arithmetic: str) -> None:
        super().__init__(case, arithmetic)
        start = starting_images(self.data, case.ipc, "real", torch.Generator().manual_seed(0))
        labels = torch.arange(
            len(self.data.class_names), device=self.data.device
        ).repeat_interleave(case.ipc)
        recipe = Training(augmentation="dsa", epochs=1000, precision=arithmetic)
        self.loop = TrainingLoop(self.network, start, labels, recipe, self.data, self.context)
        self.start = kept(self.loop.state_dict())

    def prepare(self, index: int) -> None:
        self.loop.load_state_dict(kept(self.start))
        super().prepare(index)

    def run(self) -> None:
        for index in range(self.case.epochs * self.loop.per_epoch):
            self.loop.step(index)

    def loss(self) -> float:
        return mean_loss(self.network, self.loop.images, self.loop.labels)


class OurMany(OurNetwork):
    """Epochs of several networks' training, together in the groups that an evaluation makes of
    them, with the same draws.
    """

    def __init__(self, name: str, case: Case, arithmetic: str) -> None:
        super().__init__(case, arithmetic)
        self.images = starting_images(self.data, case.ipc, "real", torch.Generator().manual_seed(0))
        self.labels = torch.arange(
            len(self.data.class_names), device=self.data.device
        ).repeat_interleave(case.ipc)

    def prepare(self, index: int) -> None:
        self.context.generator.manual_seed(index)
        self.networks = [self.fresh() for _ in range(self.case.networks)]
        recipe = Training(augmentation="dsa", epochs=1000, precision=self.arithmetic)
        given = self.images, self.labels, recipe, self.data
        chosen = groups(self.case.network, self.case.networks, len(self.images))
        members = [[self.networks[i] for i in group] for group in chosen]
        self.loops = [
            TrainingLoop(NetworkStack(some), *given, Context(seed=index, device=self.data.device))
            for some in members
        ]

    def run(self) -> None:
        for loop in self.loops:
            for index in range(self.case.epochs * loop.per_epoch):
                loop.step(index)

    def loss(self) -> float:
        with torch.no_grad():
            logits = torch.cat([loop.network(self.images) for loop in self.loops], 1)
        return functional.cross_entropy(
            logits.flatten(0, 1), self.labels.repeat_interleave(logits.shape[1])
        ).item()


class OurTest(OurNetwork):
    """A pass of test images."""

    def __init__(self, name: str, case: Case, arithmetic: str) -> None:
        super().__init__(case, arithmetic)
        self.test, self.logits = case.test(), torch.empty(0)

    def run(self) -> None:
        self.logits = predict(self.network, self.test, products=self.arithmetic)

    def loss(self) -> float:
        return functional.cross_entropy(self.logits, self.test.labels).item()


SIDES: dict[str, Any] = {
    "matching": OurMatching,
    "whole": OurWhole,
    "epochs": OurEpochs,
    "training": OurTraining,
    "many": OurMany,
    "test": OurTest,
}
