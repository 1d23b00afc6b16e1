"""Scoring one architecture of a search by training it on some images.

Several networks of one architecture count as one: accuracies are their mean, costs their sum.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.networks.base import NetworkSpec
from condensers.networks.batched import NetworkStack
from condensers.networks.convnet import ConvNetSpec
from condensers.networks.precision import AUTO
from condensers.training.batched import groups
from condensers.training.classifier import Training, predict, settle_precision
from scenarios.protocol import Splits
from scenarios.search.baselines.base import Judge
from scenarios.search.curve import ReadLoop, list_trainings
from scenarios.search.shared_weights import (
    SharedWeights,
    require_weight_sharing,
    train_shared_weights,
)
from scenarios.search.spaces.base import SearchSpace

COSTS, ONCE = ("steps", "images"), ("seconds",)
WORST = 1e6  # nats: what a network that diverged is said to lose, since JSON has no infinity
Reading = Mapping[str, float]


def group_networks(spec: NetworkSpec, count: int, batch: int) -> list[range]:
    """Which of `count` networks of an architecture are trained as one on batches of `batch` images;
    others alone.
    """
    return (
        groups(spec, count, batch)
        if isinstance(spec, ConvNetSpec)
        else [range(index, index + 1) for index in range(count)]
    )


def average_groups(parts: Sequence[tuple[Mapping[str, Any], int]]) -> dict[str, Any]:
    """What was found of groups of networks, each with its size: {reading, "curve"?, "test"?} of
    them all.

    A group's accuracies are means over it, its steps and images those of one network, its seconds
    those of all of it.
    """
    (first, count), *others = parts
    if not others and count == 1:
        return dict(first)
    found = _average_readings(parts)
    if "curve" in first:
        found["curve"] = [
            _average_readings([(part["curve"][at], size) for part, size in parts])
            for at in range(len(first["curve"]))
        ]
    return found


def _average_readings(readings: Sequence[tuple[Reading, int]]) -> dict[str, Any]:
    whole = sum(size for _, size in readings)
    found: dict[str, Any] = {}
    for name in readings[0][0]:
        if name in COSTS:
            found[name] = sum(reading[name] * size for reading, size in readings)
        elif name in ONCE:
            found[name] = sum(reading[name] for reading, _ in readings)
        elif name != "curve":
            found[name] = sum(reading[name] * size for reading, size in readings) / whole
    return found


@dataclass(frozen=True)
class TrainingJudge(Judge):
    """A judge that trains each architecture on the same images.

    Attributes:
        data: The parts of the data set.
        images: (N, C, H, W) uint8, or float32 normalised.
        labels: (N,) int64, or (N, K) float32.
        recipe: How a network is trained.
        test: Whether test accuracy is the score, rather than validation accuracy.
        batch: Images at once in testing.
        readings: After which gradient steps the `curve` has validation accuracy and loss, beside
            the last. Where the rate falls to 0, each is the end of a training of its own.
        beyond: The curve goes on to so many times the recipe's steps; the score does not.
        networks: How many networks of an architecture are trained, each from its own initial
            weights. Narrow ConvNets share batches and time.
        by_loss: Whether the score is validation loss with its sign changed.
        sharing: How the weights are trained that all architectures begin from; None: each draws
            its own.
        shared: Those weights, once `prepare` has trained them.
    """

    data: Splits
    images: Tensor
    labels: Tensor
    recipe: Training
    test: bool
    batch: int
    readings: tuple[int, ...] = ()
    beyond: int = 1
    networks: int = 1
    by_loss: bool = False
    sharing: Training | None = None
    shared: SharedWeights | None = None

    @property
    def unit(self) -> str:
        return "nats" if self.by_loss else "%"

    @property
    def measures(self) -> str:
        if self.by_loss:
            return "validation loss, its sign changed"
        return "test accuracy" if self.test else "validation accuracy"

    @property
    def independent_seed(self) -> bool:
        return self.test

    def prepare(self, space: SearchSpace, architectures: int, context: Context) -> Judge:
        if self.sharing is None:
            return self
        shared = train_shared_weights(
            require_weight_sharing(space),
            self.images,
            self.labels,
            self.sharing,
            self.data.train,
            context.fork("shared-weights"),
            architectures,
        )
        return replace(self, shared=shared)

    def judge(self, spec: NetworkSpec, name: str, context: Context) -> dict[str, Any]:
        """Train one architecture and return its record, as JSON values.

        A finished architecture is not trained again: its record comes from the context's folder.
        Equal seeds give equal initial weights and batches, whatever the images are. `seconds` are
        those of training by the recipe and one validation, without the curve's other readings and
        trainings, training beyond the recipe, or testing. Where weights are shared, the
        architecture's part of their cost is in all `seconds` and `images`.
        """
        part = context.fork(f"architecture-{name}")
        found: dict[str, Any] = part.memo("result", lambda: self._judge(spec, name, part))
        return found

    def _judge(self, spec: NetworkSpec, name: str, context: Context) -> dict[str, Any]:
        chosen = group_networks(spec, self.networks, min(self.recipe.batch, len(self.images)))
        job = self._settle_precision(spec, len(chosen[0]), context)
        train_group = job._train_group if job._is_one_training else job._train_lengths
        found = average_groups(
            [(train_group(spec, group, name, context), len(group)) for group in chosen]
        )
        if self.shared is not None:
            for reading in (found, *found.get("curve", ())):
                reading["seconds"] += self.shared.seconds
                reading["images"] += self.shared.images
        score = -found["loss"] if self.by_loss else found["test" if self.test else "validation"]
        used = {"precision": job.recipe.precision} if self.recipe.precision == AUTO else {}
        return found | used | {"score": score}

    def _settle_precision(self, spec: NetworkSpec, count: int, context: Context) -> "TrainingJudge":
        """This judge in the faster precision of `count` networks as one, where any will do."""
        if self.recipe.precision != AUTO:
            return self
        data, drawn = self.data.train, torch.Generator().manual_seed(0)
        members = [
            networks.build(spec, data.shape, len(data.class_names), drawn, context.device)
            for _ in range(count)
        ]
        network = members[0] if count == 1 else NetworkStack(members)
        return replace(self, recipe=settle_precision(self.recipe, network, self.images, context))

    @property
    def _asked(self) -> int:
        """Gradient steps of the recipe."""
        per_epoch = -(-len(self.images) // self.recipe.batch)
        return self.recipe.steps or self.recipe.epochs * per_epoch

    @property
    def _is_one_training(self) -> bool:
        return self.recipe.schedule == "drop" or not (self.readings or self.beyond > 1)

    def _train_lengths(
        self, spec: NetworkSpec, group: range, name: str, context: Context
    ) -> dict[str, Any]:
        """Train the networks of `group` anew for each reading of the curve, from equal weights and
        on batches in equal order.
        """
        asked = self._asked
        lengths = list_trainings(self.recipe.schedule, asked, (*self.readings, asked * self.beyond))
        curve = []
        for length in lengths:
            folder = context.folder / f"steps-{length}" if context.folder else None
            own = replace(context, folder=folder, generator=torch.Generator())
            job = replace(self, recipe=replace(self.recipe, steps=length), readings=(), beyond=1)
            curve.append(job._train_group(spec, group, name, own))
        return {**curve[lengths.index(asked)], "curve": curve}

    def _train_group(
        self, spec: NetworkSpec, group: range, name: str, context: Context
    ) -> dict[str, Any]:
        """Train the networks of `group` on common batches; the first draws as one alone does."""
        data, own = (
            self.data.train,
            context if group.start == 0 else context.fork(f"network-{group.start}"),
        )
        draws = [own, *(context.fork(f"network-{index}") for index in group[1:])]
        members = [
            networks.build(spec, data.shape, len(data.class_names), one.generator, one.device)
            for one in draws
        ]
        if self.shared is not None:
            for member in members:
                self.shared.copy_to(member, spec)
        network = members[0] if len(group) == 1 else NetworkStack(members)
        found: dict[str, Any] = train(network, self, own, f"train {name}")
        if self.test:
            found["test"] = self.measure(network, self.data.test)["validation"]
        return found

    def measure(self, network: nn.Module, data: ClassData) -> dict[str, float]:
        """Measure a network on `data`.

        Returns:
            "validation", the accuracy in %, and "loss", the cross-entropy in nats; the means over
            networks that are trained as one. A loss that is no number, or above `WORST`, counts as
            `WORST`.
        """
        logits = predict(network, data, self.batch, self.recipe.precision)
        each = logits if logits.ndim == 3 else logits[:, None]  # (N, networks, K)
        right = each.argmax(2) == data.labels[:, None]
        labels = data.labels.repeat_interleave(each.shape[1])
        loss = functional.cross_entropy(each.flatten(0, 1).float(), labels)
        finite = loss.nan_to_num(WORST).clamp_max(WORST).double()
        share, found = torch.stack([right.double().mean(), finite]).tolist()
        return {"validation": share * 100, "loss": found}


def train(network: nn.Module, job: TrainingJudge, context: Context, name: str) -> dict[str, Any]:
    """Train in place as `job` says; return the reading after the recipe's last step, and the
    `curve` where one was asked for.
    """
    loop = ReadLoop(network, job.images, job.labels, job.recipe, job.data.train, context)
    loop.read_at(job.readings, lambda: job.measure(network, job.data.validation), job.beyond)
    found = loop.train_to_end(context, name)
    return {**found, "curve": loop.curve} if job.readings or job.beyond > 1 else {**found}


def identifier(choice: Mapping[str, Any]) -> str:
    """A short name of an architecture, fit for a folder: depth 3, width 32, norm "none" ->
    "d3-w32-none".

    A hash where the values are long, or are not letters and digits alone.
    """
    parts = [
        f"{name[0]}{value}" if isinstance(value, int) else str(value)
        for name, value in choice.items()
    ]
    plain = all(re.fullmatch(r"[A-Za-z0-9_.+]+", part) for part in parts)
    if plain and sum(map(len, parts)) <= 60:
        return "-".join(parts)
    return hashlib.sha256(json.dumps(dict(choice), sort_keys=True).encode()).hexdigest()[:16]


def parameter_count(spec: NetworkSpec, shape: tuple[int, int, int], classes: int) -> int:
    """How many trainable numbers a network has; none of them takes memory."""
    with torch.device("meta"):
        module = spec.module(shape, classes)
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
