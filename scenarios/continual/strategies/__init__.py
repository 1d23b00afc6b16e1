"""Names -> strategies. Importing this package imports neither torch nor avalanche."""

from condensers.registry.registry import Registry

STRATEGIES = Registry(
    "strategy",
    "strategies",
    {
        "naive": "scenarios.continual.strategies.naive:Naive",
        "joint": "scenarios.continual.strategies.joint:Joint",
        "cumulative": "scenarios.continual.strategies.cumulative:Cumulative",
        "replay": "scenarios.continual.strategies.replay:Replay",
        "gdumb": "scenarios.continual.strategies.gdumb:GDumb",
        "er-ace": "scenarios.continual.strategies.er_ace:ErAce",
        "der": "scenarios.continual.strategies.der:Der",
        "der++": "scenarios.continual.strategies.der:DerPlusPlus",
        "agem": "scenarios.continual.strategies.agem:Agem",
        "gem": "scenarios.continual.strategies.gem:Gem",
        "nearest-mean": "scenarios.continual.strategies.nearest_mean:NearestMean",
        "ewc": "scenarios.continual.strategies.ewc:Ewc",
        "lwf": "scenarios.continual.strategies.lwf:LwF",
        "mir": "scenarios.continual.strategies.mir:Mir",
    },
)
