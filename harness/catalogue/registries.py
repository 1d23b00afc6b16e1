"""Every registry of names, in the order in which `list` shows them. Imports no torch."""

from condensers.registry import registry as condensers
from condensers.registry.registry import Registry
from scenarios.continual.strategies import STRATEGIES
from scenarios.datasets import DATASETS
from scenarios.recipes import RECIPES
from scenarios.registry import (
    ALGORITHMS,
    BASELINES,
    ENGINES,
    SCENARIOS,
    SEARCH_STRATEGIES,
    SPACES,
)

REGISTRIES: tuple[Registry, ...] = (
    condensers.METHODS,
    condensers.SELECTIONS,
    DATASETS,
    SCENARIOS,
    RECIPES,
    condensers.NETWORKS,
    STRATEGIES,
    SPACES,
    SEARCH_STRATEGIES,
    ALGORITHMS,
    BASELINES,
    ENGINES,
    condensers.PARAMETERISATIONS,
    condensers.REFINERS,
    condensers.LABELS,
    condensers.VIEWS,
    condensers.SAMPLERS,
    condensers.AUGMENTATIONS,
    condensers.OBJECTIVES,
    condensers.REGULARISERS,
    condensers.KERNELS,
    condensers.MODEL_SCHEDULES,
    condensers.CURRICULA,
    condensers.STOPS,
)


FILES = ("suites", "gallery", "references")  # what ships as files


def kinds() -> list[str]:
    """What `list` takes: the plural of each kind of part and of what ships as files."""
    return [*(registry.plural for registry in REGISTRIES), *FILES]
