"""Every registry, by kind: what `list` and `show` know. Imports no torch."""

from collections.abc import Mapping
from typing import Any

from condensers import registry as condensers
from condensers.errors import UsageError, suggestion
from condensers.registry import Registry
from harness import gallery
from harness.suite import about, built_in
from scenarios.continual.strategies import STRATEGIES
from scenarios.datasets import DATASETS
from scenarios.registry import ALGORITHMS, BASELINES, ENGINES, SCENARIOS, SEARCH_STRATEGIES, SPACES

REGISTRIES: tuple[Registry, ...] = (
    condensers.METHODS,
    condensers.SELECTIONS,
    DATASETS,
    SCENARIOS,
    condensers.NETWORKS,
    STRATEGIES,
    SPACES,
    SEARCH_STRATEGIES,
    ALGORITHMS,
    BASELINES,
    ENGINES,
    condensers.PARAMETERISATIONS,
    condensers.LABELS,
    condensers.VIEWS,
    condensers.SAMPLERS,
    condensers.AUGMENTATIONS,
    condensers.OBJECTIVES,
    condensers.REGULARISERS,
    condensers.KERNELS,
    condensers.SCHEDULES,
    condensers.STOPS,
)


def kinds() -> list[str]:
    return [r.plural for r in REGISTRIES] + ["suites", "gallery"]


def names(kind: str | None = None) -> dict[str, dict[str, str]]:
    """Kind (plural) -> name -> one-line summary; of one kind only where it is given, in singular or plural."""
    wanted = [k for k in kinds() if kind in (None, k, k.removesuffix("s"), k.removesuffix("ies") + "y")]
    if not wanted:
        raise UsageError(f"unknown kind '{kind}'; {suggestion(str(kind), kinds())}")
    tables = {r.plural: r for r in REGISTRIES}
    found: dict[str, dict[str, str]] = {}
    for plural in wanted:
        if plural == "suites":
            found[plural] = {name: about(path) for name, path in built_in().items()}
        elif plural == "gallery":
            found[plural] = {name: gallery.about(path) for name, path in gallery.built_in().items()}
        else:
            registry = tables[plural]
            found[plural] = {name: registry.summary(name) for name in registry.entries()}
    return found


def describe(name: str) -> list[dict[str, Any]]:
    """Every part called `name` (a name may stand under several kinds), with its fields; UsageError with a near name.

    A method that has no name is described by its place, FILE.py:Name or module:Name.
    """
    if name in gallery.built_in():
        path = gallery.built_in()[name]
        line = gallery.about(path)
        told = f"{line}\n\nMade by: {gallery.command(path)}"
        return [{"name": name, "kind": "set", "where": "built in", "summary": line, "about": told, "fields": []}]
    if ":" in name:
        return [condensers.METHODS.describe(name)]
    found = [registry.describe(name) for registry in REGISTRIES if name in registry.entries()]
    if name in built_in():
        path = built_in()[name]
        text = path.read_text(encoding="utf-8")
        found.append({"name": name, "kind": "suite", "where": "built in", "summary": about(path), "about": text, "fields": []})
    if not found:
        known = [n for table in names().values() for n in table]
        raise UsageError(f"nothing is called '{name}'; {suggestion(name, set(known))}")
    return found


def as_markdown(tables: Mapping[str, Mapping[str, str]]) -> str:
    """A table of names and summaries for each kind, as the README has them."""
    blocks = []
    for plural, table in tables.items():
        cells = [(f"`{name}`", summary.replace("|", "\\|")) for name, summary in table.items()]
        lines = [f"| {name} | {summary} |" for name, summary in [(plural, ""), *cells]]
        blocks.append("\n".join([lines[0], "|---|---|", *lines[1:]]))
    return "\n\n".join(blocks)
