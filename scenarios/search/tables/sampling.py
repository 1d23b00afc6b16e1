"""Which architectures a search without feedback tries, found without training any."""

from itertools import product
from typing import Any

from condensers.errors import UsageError
from scenarios.search.engines.sequential import tried
from scenarios.search.judging import Plan
from scenarios.search.spaces.base import describe_size
from scenarios.search.strategies import MOST, Random


def every_choice(space: Any) -> list[dict[str, Any]]:
    """All architectures of a space, as its choices' values by name; UsageError where no table could hold them."""
    if space.size > MOST:
        raise UsageError(f"space {space.registered}: has {describe_size(space.size)} architectures; say how many of them")
    choices = space.choices()
    return [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]


def sampled(space: Any, count: int, seed: int) -> list[dict[str, Any]]:
    """The architectures that a random search of `count` with that `sample_seed` tries. UsageError where there are fewer."""
    strategy = Random()
    trials = tried(Plan(space, strategy, strategy.tries(space, count), seed), lambda choice: 0.0, None)
    return [{name: trial.choice[name] for name in space.choices()} for trial in trials]
