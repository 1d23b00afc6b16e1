"""Rows of a table, made one at a time; `harness truth build` decides which, where and when."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from condensers.engine.context import Context
from scenarios.protocol import Splits
from scenarios.search.baselines.truth import make_truth_judge
from scenarios.search.ground_truth.reading import OWN_DRAWS
from scenarios.search.judging import measure_size
from scenarios.search.spaces.base import create_space


def train_row(
    settings: Any, choice: Mapping[str, Any], data: Splits, context: Context
) -> dict[str, Any]:
    """The row of one architecture and the context's seed, all but `made`: what a search with these
    settings finds for the truth.

    settings: the `Search`. data: on the context's device. Its folder keeps checkpoints.
    """
    space = create_space(settings.space, "search.space").fitting(data.train.shape)
    spec, name = space.spec(choice), space.identifier(choice)
    job = make_truth_judge(settings, data)
    per_epoch = -(-len(data.train.images) // settings.truth_batch)
    read = replace(
        job, readings=tuple(per_epoch * epoch for epoch in range(1, settings.truth_epochs + 1))
    )
    found = read.judge(spec, name, context.fork(OWN_DRAWS))
    shape, classes = data.train.shape, len(data.train.class_names)
    return {
        "id": name,
        "choices": dict(choice),
        "seed": context.seed,
        **measure_size(spec, shape, classes),
        **{name: found[name] for name in ("validation", "test", "images")},
        "seconds": round(found["seconds"], 4),
        "curve": [
            [round(point["validation"], 4), round(point["seconds"], 4)] for point in found["curve"]
        ],
    }
