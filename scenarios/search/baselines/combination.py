"""The score of a set and a zero-cost score, combined by their ranks over the architectures tried.

score_a = (r(validation accuracy)_a + r(zero-cost)_a) / 2,   r: rank from 0 (worst) to 1 (best),
equal values share the mean rank

Source: ours.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from condensers.engine.context import Context
from scenarios.search.baselines.base import Judge

SCORES = ("parameters", "flops", "synflow", "jacob-cov", "naswot", "grad-norm", "snip")


def combine_scores(
    rows: Sequence[dict[str, Any]],
    name: str,
    judge: Judge,
    spec: Callable[[dict[str, Any]], Any],
    context: Context,
) -> list[dict[str, Any]]:
    """`rows` with the value of the zero-cost score under its `name`, its seconds and images added,
    and the combined `score`.

    judge: of that score; it sees the context's seed, hence gives what it gives as a baseline. spec:
    of the network of a row.
    """
    folder = context.folder / name if context.folder else None
    apart = replace(context, folder=folder, generator=torch.Generator())
    found = [judge.judge(spec(row), row["id"], apart) for row in rows]
    ranks = zip(
        rank_values([row["score"] for row in rows]),
        rank_values([other["score"] for other in found]),
        strict=True,
    )
    return [
        {**row, name: other["score"], "score": (first + second) / 2}
        | {key: row[key] + other[key] for key in ("seconds", "images")}
        for row, other, (first, second) in zip(rows, found, ranks, strict=True)
    ]


def rank_values(values: Sequence[float]) -> list[float]:
    """Ranks from 0 (least) to 1 (greatest), equal values sharing their mean; 0.5 where there is one
    value.

    >>> rank_values([3.0, 1.0, 3.0])
    [0.75, 0.0, 0.75]
    """
    column = torch.tensor(values, dtype=torch.float64)
    below = (column[None] < column[:, None]).sum(1)
    level = (column[None] == column[:, None]).sum(1) - 1
    most = len(values) - 1
    return ((below + level / 2) / most).tolist() if most else [0.5]
