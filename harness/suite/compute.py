"""Matched condensing compute: as many iterations as take a given amount of arithmetic.

operations = 3 sum_n passes_n f_n,  f_n the operations of one image forward through network n

A method says by `matching_passes` which networks it uses and how many images pass each, forward and
backward; a backward pass costs two forward ones. f_n counts convolutions and matrix products.
Unlike a limit of seconds, which a busy machine turns into another set, this decides one number of
iterations, the same everywhere. Seconds stand beside in every report: augmentations, norms, masks
and clustering are not counted here.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from condensers.composition.composition import Composition
from condensers.condenser import Condenser
from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.networks import NetworkSpec
from condensers.parts.setting import Needs
from scenarios.search.baselines.size import flop_count

TERA, FORWARD_AND_BACKWARD = 1e12, 3
MOST_ITERATIONS = 10_000_000


def match_compute(
    condenser: Condenser, teraflops: float, data: ClassData, ipc: int, where: str
) -> Composition:
    """Return a method with the most iterations that stay within an amount of arithmetic.

    Args:
        condenser: A learned method, which has `iterations`.
        teraflops: The amount, in 10^12 operations.
        data: What the set is made of.
        ipc: Images per class of the set.
        where: The place of the amount in the suite, for messages.

    Raises:
        UsageError: It has no iterations, passes no network in one, or takes more for one.
    """
    if not isinstance(condenser, Composition):
        raise UsageError(
            f"{where}: {condenser.registered} has no iterations to choose; leave teraflops out"
        )

    @lru_cache
    def cost(iterations: int) -> float:
        passes = replace(condenser, iterations=iterations).matching_passes(data, ipc)
        return sum(
            FORWARD_AND_BACKWARD * count * _operations(spec, data.shape, len(data.class_names))
            for spec, count in passes
        )

    limit = teraflops * TERA
    first, second = cost(1), cost(2)
    if first == second or condenser.built.model_schedule.gives == Needs.NOTHING:
        raise UsageError(
            f"{where}: {condenser.registered} passes no network in an iteration, so that its"
            " arithmetic is not known; give iterations in place of teraflops"
        )
    if first > limit:
        raise UsageError(
            f"{where}: one iteration of {condenser.registered}, with the masks or experts that it"
            f" prepares, takes {first / TERA:.3g}; give that much at least, or give iterations"
        )
    return replace(condenser, iterations=_last_within(cost, limit))


def _last_within(cost: Callable[[int], float], limit: float) -> int:
    """The greatest number of iterations whose cost, which grows with it, is within the limit.

    A cost is nearly a straight line, and may take long to work out: so the search starts there.
    """
    first, slope = cost(1), cost(2) - cost(1)
    low = high = min(max(1, 1 + int((limit - first) / slope)), MOST_ITERATIONS)
    width = 1
    while low > 1 and cost(low) > limit:
        low, high, width = max(1, low - width), low, 2 * width
    while high == low or (high < MOST_ITERATIONS and cost(high) <= limit):
        low, high, width = high, high + width, 2 * width
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(middle) <= limit else (low, middle)
    return low


@lru_cache
def _operations(spec: NetworkSpec, shape: tuple[int, int, int], classes: int) -> int:
    """Operations of one image forward; counted once a process, for all methods."""
    return flop_count(spec, shape, classes)
