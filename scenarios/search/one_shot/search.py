"""One run of a one-shot algorithm: from a space and labelled images to one architecture."""

import logging
import random
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from condensers.engine.context import Context
from condensers.errors import Interrupted, UsageError
from condensers.training.losses import loss_of
from scenarios.search.one_shot.algorithms import Algorithm, SupernetTraining
from scenarios.search.spaces.base import WeightSharingSpace, draw_choice

Half = tuple[Tensor, Tensor]
TALKERS = ("nni", "pytorch_lightning", "lightning", "lightning_fabric")


@dataclass(frozen=True)
class SearchHalves:
    """What is searched with: two halves of images (n, C, H, W), uint8 or float32 normalised, with
    labels (n,) or (n, K).

    loss: as in `loss_of`. as_input: brings a batch of them to what networks see. augmentation:
    drawn anew for each batch.
    """

    weights: Half
    architecture: Half
    classes: int
    loss: str
    as_input: Callable[[Tensor], Tensor]
    augmentation: Any


def split_halves(images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Half, Half]:
    """Two halves of labelled images, with half of each class; UsageError where a class has a single
    image.
    """
    classes = labels if labels.ndim == 1 else labels.argmax(1)
    if int(torch.bincount(classes.cpu())[torch.unique(classes).cpu()].min()) < 2:
        raise UsageError(
            "one-shot: needs two images of each class, for weights and for the architecture; take a"
            " larger set"
        )
    order = torch.randperm(len(classes), generator=generator).to(classes.device)
    order = order[classes[order].argsort(stable=True)]
    first, second = order[0::2], order[1::2]
    return (images[first], labels[first]), (images[second], labels[second])


def run_search(
    space: WeightSharingSpace,
    algorithm: Algorithm,
    material: SearchHalves,
    schedule: SupernetTraining,
    context: Context,
) -> tuple[dict[str, Any], float]:
    """The choices of the architecture found, and the seconds it took; goes on from a checkpoint in
    the context's folder.

    All draws come from the context, and the process's own are left alone.
    """
    from scenarios.search.one_shot.weights import SharedWeights, SupernetCallback, make_evaluator

    channels, height, width = material.weights[0].shape[1:]
    shape = (channels, height, width)
    augmentation, generator, watch = (
        material.augmentation,
        context.generator,
        SupernetCallback(context),
    )
    with _isolate(generator, context.device):
        module = SharedWeights(
            schedule,
            material.loss,
            lambda x: augmentation.apply(
                material.as_input(x), augmentation.draw(len(x), shape, generator)
            ),
        )
        strategy = algorithm.of_nni(schedule.clip)
        supernet = strategy.mutate_model(space.supernet(shape, material.classes))
        clip = schedule.clip if algorithm.tries else None  # DARTS clips by itself
        ready = strategy.mutate_evaluator(
            make_evaluator(module, (material.weights, material.architecture), clip, watch)
        )
        ready.module.log_probs = (
            _skip_logging  # there is no log, and asking for it takes a sixth of the time
        )
        _order_parameters(ready.module)
        if algorithm.tries:
            choices = space.choices()
            module.choose = lambda: set_architecture(
                ready.module, space.sample(draw_choice(choices, generator))
            )
        try:
            ready.evaluate(supernet)
        except (KeyboardInterrupt, SystemExit):
            if context.must_stop():  # lightning makes its own of the signal
                raise Interrupted("stopped while training the shared weights") from None
            raise
        if not algorithm.tries:
            return space.choice(ready.module.export()), watch.spent
        best = _choose_best(
            space, ready.module.to(context.device), algorithm.tries, material, generator
        )
        return best, watch.spent


def set_architecture(module: Any, sample: Mapping[str, Any]) -> None:
    """Let the supernet be the one architecture; NNI's own draws come from generators that cannot be
    seeded.
    """
    for part in module.supernet_modules():
        part.resample(memo=dict(sample))


@torch.no_grad()
def _choose_best(
    space: WeightSharingSpace,
    module: Any,
    tries: int,
    material: SearchHalves,
    generator: torch.Generator,
) -> dict[str, Any]:
    """Of some random architectures the one with the least loss on the half for the architecture, in
    statistics of its batches.
    """
    known = space.choices()
    choices: Sequence[dict[str, Any]] = [draw_choice(known, generator) for _ in range(tries)]
    images, labels = material.architecture
    batches = list(zip(torch.split(images, 256), torch.split(labels, 256), strict=True))
    module.train()
    losses = []
    for choice in choices:
        set_architecture(module, space.sample(choice))
        losses.append(
            sum(
                float(loss_of(module.model(material.as_input(x)), y, material.loss)) * len(x)
                for x, y in batches
            )
        )
    return choices[losses.index(min(losses))]


def _order_parameters(module: Any) -> None:
    """Give the architecture's parameters an order; NNI has them in a set, and what an optimiser
    knows of them goes by place.
    """
    if not hasattr(module, "arch_parameters"):
        return
    found = module.arch_parameters

    def list_parameters() -> list[Any]:
        place = {id(parameter): index for index, parameter in enumerate(module.parameters())}
        return sorted(found(), key=lambda parameter: place[id(parameter)])

    module.arch_parameters = list_parameters


def _skip_logging(probabilities: Any) -> None:
    return None


@contextmanager
def _isolate(generator: torch.Generator, device: torch.device) -> Iterator[None]:
    """Seed the global generators for a while, and silence NNI and lightning."""
    seed, state = int(torch.randint(2**62, (1,), generator=generator)), random.getstate()
    loggers = {logging.getLogger(name): logging.getLogger(name).level for name in TALKERS}
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        random.seed(seed)
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            random.setstate(state)
            for logger, level in loggers.items():
                logger.setLevel(level)
