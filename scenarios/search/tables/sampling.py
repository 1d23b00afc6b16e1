"""Which architectures a search without feedback tries, found without training any."""

from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

from condensers.context import Context
from condensers.data import ClassData
from condensers.errors import UsageError
from scenarios.search.exploration import Plan, explored
from scenarios.search.spaces.base import describe_size
from scenarios.search.strategies import MOST, Random


@dataclass(frozen=True)
class Unjudged:
    """A judge for which all architectures are equal, and free."""

    measures: ClassVar[str] = "nothing"
    unit: ClassVar[str] = ""
    own_draws: ClassVar[bool] = False

    def judge(self, spec: Any, name: str, context: Context) -> dict[str, Any]:
        return {"score": 0.0, "seconds": 0.0, "images": 0}


def every_choice(space: Any) -> list[dict[str, Any]]:
    """All architectures of a space, as its choices' values by name; UsageError where no table could hold them."""
    if space.size > MOST:
        raise UsageError(f"space {space.registered}: has {describe_size(space.size)} architectures; say how many of them")
    choices = space.choices()
    return [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]


def sampled(space: Any, count: int, seed: int, data: ClassData) -> list[dict[str, Any]]:
    """The architectures that a random search of `count` with that `sample_seed` tries. UsageError where there are fewer."""
    strategy = Random()
    rows, _ = explored(Plan(space, strategy, strategy.tries(space, count), seed), Unjudged(), data, Context())
    return [{name: row[name] for name in space.choices()} for row in rows]
