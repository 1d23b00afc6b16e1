"""The learning rate of an evaluation, chosen on validation images.

One network is trained on the set at each rate, from the same weights, and read on validation
images; the rate of the best one serves all networks. Of equal ones the first counts. What that
takes is counted as cost of the measurement. Papers tune the rate of their evaluation without saying
on which images; here it is never the test images.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch import nn

from condensers.engine.context import Context
from condensers.training.classifier import accuracy
from scenarios.protocol import Splits
from scenarios.training_material import TrainingMaterial


@dataclass(frozen=True)
class ChosenRate:
    """The rate that was chosen.

    Args:
        lr: the rate.
        tried: rate, as text -> validation accuracy in %.
        seconds: that choosing it took.
        images: that were processed for it.
    """

    lr: float
    tried: dict[str, float]
    seconds: float
    images: int


def choose_rate(
    rates: Sequence[float],
    material: TrainingMaterial,
    build: Callable[[Context], nn.Module],
    data: Splits,
    context: Context,
) -> ChosenRate:
    """Choose the learning rate with which a network is best on validation images.

    Args:
        rates: the rates to try, at least one.
        material: what networks are trained on, and how.
        build: makes a network from the draws of a context.
        data: the parts of the data set; its test images are not read.
        context: that of the cell.
    """
    found = {
        rate: context.fork(f"rate-{rate:g}").memo(
            "result", partial(_try_rate, rate, material, build, data, context)
        )
        for rate in dict.fromkeys(rates)
    }
    best = max(found, key=lambda rate: found[rate]["accuracy"])
    return ChosenRate(
        best,
        {f"{rate:g}": one["accuracy"] for rate, one in found.items()},
        sum(one["seconds"] for one in found.values()),
        sum(int(one["images"]) for one in found.values()),
    )


def _try_rate(
    rate: float,
    material: TrainingMaterial,
    build: Callable[[Context], nn.Module],
    data: Splits,
    context: Context,
) -> dict[str, Any]:
    own = context.fork(f"rate-{rate:g}")
    network = build(context.fork("rates"))
    tried = replace(material, training=replace(material.training, lr=rate))
    trained = tried.train(network, data.train, own, f"learning rate {rate:g}")
    begun = time.perf_counter()
    with trained.keep_if_interrupted():
        correct = accuracy(
            network, data.validation.to(own.device), products=material.training.precision, lent=own
        )
    seconds = trained.seconds + time.perf_counter() - begun
    return {"accuracy": correct, "seconds": seconds, "images": trained.images}
