"""What selections by a score share: networks trained on the real images at hand, a score of each
image, the first of the ranking.

Every network is a fresh one, trained by `condensers.training.classifier` at a constant rate and
without augmentation; scores of several networks are averaged. Training and scoring are one run of
the engine, so both stop and resume, and both count in the seconds.

Scores of real images, kept by what determines them: a set of another size is another part of the
same ranking.
"""

import hashlib
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, NamedTuple

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from condensers import networks
from condensers.condenser import Condenser
from condensers.data import ClassData
from condensers.engine import loop as engine
from condensers.engine.cache import key_of, make_missing
from condensers.engine.context import Context
from condensers.engine.files import raise_damaged, write_atomically
from condensers.hyperparameters import hyper, settings_of
from condensers.networks import NetworkSpec
from condensers.parts.parameterisations.pixels import Pixels, stored_bytes
from condensers.registry.code_digest import code_of
from condensers.registry.registry import with_parts
from condensers.selections.base import STORED, as_set, refuse_too_many
from condensers.sets.origins import REAL
from condensers.sets.synthetic_set import Budget, SyntheticSet
from condensers.training.classifier import Training, TrainingLoop

FORMAT = 1
AFTER = ("keep",)  # read once the scores are there; all other settings determine them


class Scores(NamedTuple):
    """values: (N,) float64 on the CPU. seconds: what making them took, also where they were
    found.
    """

    values: Tensor
    seconds: float


def load_or_compute_scores(
    method: "ScoredSelection", data: ClassData, context: Context, compute: Callable[[], Scores]
) -> Scores:
    """compute(), or what an equal run left in the context's cache; the context's generator is then
    where computing leaves it.
    """
    if context.cache is None:
        return compute()
    path = context.cache / "scores" / f"{_key(method, data, context)}.safetensors"

    def make(_: int) -> None:
        made = compute()
        seconds = torch.tensor(made.seconds, dtype=torch.float64)
        state = context.generator.get_state()
        write_atomically(
            path, save({"scores": made.values, "seconds": seconds, "generator": state})
        )

    make_missing([path], make, context)
    with raise_damaged(path):
        found = load_file(path)
        if found["scores"].shape != data.labels.shape:
            raise ValueError(f"{len(found['scores'])} scores of {len(data.labels)} images")
        context.generator.set_state(found["generator"])
        return Scores(found["scores"], float(found["seconds"]))


def _key(method: "ScoredSelection", data: ClassData, context: Context) -> str:
    settings = {name: value for name, value in settings_of(method).items() if name not in AFTER}
    start = hashlib.sha256(context.generator.get_state().numpy().tobytes()).hexdigest()
    machine = [data.device.type, torch.__version__]
    seen = [data.digest, data.mean, data.std, data.mirror]
    return key_of([FORMAT, method.registered, settings, seen, start, machine, code_of(method)])


Memory = dict[str, Tensor]


@dataclass(frozen=True)
class ScoredSelection(Condenser):
    """Real images by the difficulty that trained networks give them.

    A subclass gives `scores`; where it follows the training it gives `memory` and `watch` too.
    """

    network: NetworkSpec = hyper(
        "convnet", source="DC, section 4.1: ConvNet-3, width 128", part="network"
    )
    epochs: int = hyper(
        20,
        unit="epochs",
        help="epochs of training before the images are scored",
        source="ours",
        minimum=0,
    )
    networks: int = hyper(
        1, unit="networks", help="networks whose scores are averaged", source="ours", minimum=1
    )
    batch: int = hyper(64, unit="images", source="ours", minimum=1)
    keep: str = hyper(
        "hardest",
        help="images that are kept, by their score",
        source="ours",
        values=("hardest", "easiest"),
    )

    registered: ClassVar[str]
    evaluation: ClassVar[str] = "dsa"
    couples_classes: ClassVar[bool] = True
    origin: ClassVar[str] = REAL
    parameterisation: ClassVar[Pixels] = STORED
    scoring: ClassVar[float] = 1 / 3

    def memory(self, images: int) -> Memory:
        """What is noted for each of `images` images while a network is trained; nothing, unless a
        score needs it.
        """
        return {}

    def watch(self, memory: Memory, positions: Tensor, right: Tensor) -> None:
        """Note one batch of the training: positions (n,) int64, right (n,) bool: classified
        correctly, before the update.
        """
        return

    @abstractmethod
    def scores(
        self, network: nn.Module, data: ClassData, positions: Tensor, memory: Memory
    ) -> Tensor:
        """Difficulty (n,) of the images at positions (n,) int64, under a trained network in
        evaluation mode.
        """

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Return the most bytes that a set of `ipc` takes."""
        return stored_bytes(data, ipc)

    def images_per_class(self, data: ClassData, ipc: int) -> int:
        """Return the images of a class that a set of `ipc` decodes to."""
        return ipc

    def image_passes(self, data: ClassData, ipc: int) -> list[tuple[NetworkSpec, float]]:
        """Networks and about how many images pass each, forward and backward."""
        return [(self.network, self.networks * len(data.images) * (self.epochs + self.scoring))]

    def condense(self, data: ClassData, budget: Budget, context: Context) -> SyntheticSet:
        """The hardest (or easiest) images of each class, in the order of the ranking.

        Resumes from the context's folder; a set of another size by the same seed finds the scores
        in its cache.
        """
        method = with_parts(self)
        data = data.to(context.device)
        ipc = budget.ipc_of(method, data)
        refuse_too_many(method, data, ipc)
        scores, learning = load_or_compute_scores(
            method, data, context, partial(_compute_scores, method, data, context)
        )
        begun = time.perf_counter()
        order = rank_images(scores, method.keep, context.generator).to(data.device)
        picked = {label: order[data.labels[order] == label][:ipc] for label in data.classes}
        indices = {data.class_names[label]: chosen.tolist() for label, chosen in picked.items()}
        images = data.images[torch.cat(list(picked.values()))].cpu()
        return as_set(
            method, data, context, images, indices, learning + time.perf_counter() - begun
        )


def _compute_scores(method: ScoredSelection, data: ClassData, context: Context) -> Scores:
    """Train and score; resumes from the context's folder."""
    begun = time.perf_counter()
    loop = ScoringLoop(method, data, context)
    setup = time.perf_counter() - begun
    seconds = setup + engine.run(loop, loop.steps, context, method.registered)
    return Scores(loop.total.cpu(), seconds)


class ScoringLoop:
    """The engine loop: for each network the steps of its training, then its scores, a batch of
    images at a step.

    total: the sum of all scores so far, (N,) float64. steps: of all networks together.
    """

    def __init__(self, method: ScoredSelection, data: ClassData, context: Context) -> None:
        self.method, self.data, self.context = method, data, context
        self.recipe = Training(epochs=method.epochs, batch=method.batch, drop=False)
        self.per_pass = -(-len(data.images) // method.batch)
        self.steps = method.networks * (method.epochs + 1) * self.per_pass
        self.total = torch.zeros(len(data.images), dtype=torch.float64, device=data.device)
        self.memory: Memory = {}
        self.training: TrainingLoop | None = None

    def step(self, index: int) -> float | Tensor:
        """Take one step and return its loss."""
        position = index % (self.steps // self.method.networks)
        training = self._begin() if self.training is None or position == 0 else self.training
        trained = self.method.epochs * self.per_pass
        return (
            self._train(training, position)
            if position < trained
            else self._score(training, position - trained)
        )

    def _begin(self) -> TrainingLoop:
        """A fresh network and its training."""
        data, generator = self.data, self.context.generator
        self.memory = {
            name: tensor.to(data.device)
            for name, tensor in self.method.memory(len(data.images)).items()
        }
        network = networks.build(
            self.method.network, data.shape, len(data.class_names), generator, data.device
        )
        self.training = TrainingLoop(
            network, data.images, data.labels, self.recipe, data, self.context
        )
        return self.training

    def _train(self, training: TrainingLoop, position: int) -> Tensor:
        loss = training.step(position)
        positions, logits = training.seen
        self.method.watch(self.memory, positions, logits.argmax(1) == self.data.labels[positions])
        return loss

    def _score(self, training: TrainingLoop, part: int) -> Tensor:
        everything = torch.arange(len(self.data.images), device=self.data.device)
        positions = everything[part * self.method.batch : (part + 1) * self.method.batch]
        scores = self.method.scores(training.network.eval(), self.data, positions, self.memory)
        self.total[positions] += scores.double()
        return scores.double().mean()

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        training = {} if self.training is None else self.training.state_dict()
        return {"total": self.total, "memory": self.memory, "training": training}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.total.copy_(state["total"])
        if state["training"]:
            self._begin().load_state_dict(state["training"])
            self.memory = {
                name: tensor.to(self.data.device) for name, tensor in state["memory"].items()
            }


def rank_images(scores: Tensor, keep: str, generator: torch.Generator) -> Tensor:
    """All positions (N,) int64, hardest or easiest first by scores (N,); equal scores in an order
    that is drawn.

    The order of the data would favour whatever it was sorted by.
    """
    shuffled = torch.randperm(len(scores), generator=generator)
    return shuffled[torch.argsort(scores[shuffled], descending=keep == "hardest", stable=True)]


@torch.no_grad()
def class_probabilities(network: nn.Module, data: ClassData, positions: Tensor) -> Tensor:
    """softmax of the logits, (n, K), K all classes of the data set."""
    return torch.softmax(network(data.normalise(data.images[positions])), 1)
