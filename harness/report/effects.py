"""Main effects of a suite's design as the report's JSON has them, place by place and over all places."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from harness.bounds import bounds_of
from harness.effects import main_effects
from harness.report.kinds import split_metric
from harness.report.results import Result
from harness.report.rows import number
from harness.report.wording import sizes
from harness.statistics import Interval

Row = dict[str, Any]
EVERYWHERE = "all"
OF_USE = ("test-accuracy", "mean-test-accuracy", "final-accuracy", "forgetting")  # what sets are used for; not what explains it


def design_effects(design: Mapping[str, Any], results: Sequence[Result]) -> list[Row]:
    """One entry for each metric, place (data set and budget; "all": their mean) and level beside the first of its factor.

    design: {"factors", "runs"} of `harness.design.Design`, or {}. Scenarios, their variants and augmentations stay apart.
    """
    found = []
    for kind, places in _places(design.get("runs", {}), results).items():
        pools = {name: [place] for name, place in places.items()}
        if len(places) > 1:
            pools[EVERYWHERE] = list(places.values())
        for place, values in pools.items():
            for effect in main_effects(design["factors"], design["runs"], values, bounds_of(kind[3], kind[4])):
                found.append(_row(kind, place, (effect.factor, effect.level, effect.baseline), effect.found))
    return found


Kind = tuple[str, str, str | None, str, str, bool | None]  # scenario, variant, recipe, metric, unit, higher_is_better
Values = dict[int, dict[str, float]]  # seed -> label -> value


def _places(runs: Mapping[str, Any], results: Sequence[Result]) -> dict[Kind, dict[str, Values]]:
    found: dict[Kind, dict[str, Values]] = {}
    for result in results:
        entry = result.entry
        if entry.is_reference or entry.condenser not in runs or split_metric(result.metric)[1] not in OF_USE:
            continue
        kind = (entry.scenario, entry.variant, entry.recipe, result.metric, result.unit, result.higher_is_better)
        size = f"{sizes(entry.budget)} bytes" if entry.budget else f"ipc {entry.ipc}"
        values = found.setdefault(kind, {}).setdefault(f"{entry.data}, {size}", {})
        for seed in result.values:
            values.setdefault(seed, {})[entry.condenser] = fmean(result.values[seed].values())
    return found


def _row(kind: Kind, place: str, named: tuple[str, str, str], found: Interval | None) -> Row:
    scenario, variant, recipe, metric, unit, higher_is_better = kind
    factor, level, baseline = named
    return {
        "scenario": scenario,
        "variant": variant,
        "recipe": recipe,
        "metric": metric,
        "unit": unit,
        "higher_is_better": higher_is_better,
        "place": place,
        "factor": factor,
        "level": level,
        "against": baseline,
        "difference": number(found.mean) if found else None,
        "low": number(found.low) if found else None,
        "high": number(found.high) if found else None,
        "distinguishable": bool(found and found.distinguishable),
        "n": found.n if found else 0,
    }
