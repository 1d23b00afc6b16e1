"""Names -> strategies. Importing this package imports neither torch nor avalanche."""

from typing import TYPE_CHECKING

from scenarios.typed_registry import TypedRegistry

if TYPE_CHECKING:
    from scenarios.continual.strategies.base import Strategy

STRATEGIES: "TypedRegistry[Strategy]" = TypedRegistry(
    "strategy",
    "strategies",
    {
        "naive": "scenarios.continual.strategies.bounds:Naive",
        "joint": "scenarios.continual.strategies.bounds:Joint",
        "cumulative": "scenarios.continual.strategies.bounds:Cumulative",
        "replay": "scenarios.continual.strategies.replay:Replay",
        "gdumb": "scenarios.continual.strategies.gdumb:GDumb",
        "er-ace": "scenarios.continual.strategies.replay:ErAce",
        "der": "scenarios.continual.strategies.der:Der",
        "der++": "scenarios.continual.strategies.der:DerPlusPlus",
        "agem": "scenarios.continual.strategies.gem:Agem",
        "gem": "scenarios.continual.strategies.gem:Gem",
        "nearest-mean": "scenarios.continual.strategies.replay:NearestMean",
        "ewc": "scenarios.continual.strategies.penalties:Ewc",
        "lwf": "scenarios.continual.strategies.penalties:LwF",
        "mir": "scenarios.continual.strategies.replay:Mir",
    },
    "scenarios.continual.strategies.base:Strategy",
)
