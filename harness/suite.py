"""A suite: which sets are made from which data, and where they are used. Read from TOML, checked whole before anything runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from condensers.errors import UsageError, brief, suggestion
from harness.design import Design, expand
from harness.overrides import TOMLDecodeError, apply_override, label_of, loads

TOP = {"name", "about", "data", "ipc", "bytes", "seeds", "validation", "condensers", "scenarios", "design"}
OF_CONDENSER = {"method", "label", "ipc", "bytes", "shards"}
OF_SCENARIO = {"scenario", "label", "ipc", "bytes", "condensers", "references", "seeds"}


@dataclass(frozen=True)
class CondenserEntry:
    """One [[condensers]] table: a label, and the spec from which the registry builds it. budgets: () means the suite's.

    shards: how many cells make a set, each some of its classes.
    """

    label: str
    spec: Mapping[str, Any]
    budgets: tuple[tuple[str, int], ...]
    shards: int = 1


@dataclass(frozen=True)
class ScenarioEntry:
    """One [[scenarios]] table. condensers: the labels it is run for; references: the bounds and baselines it adds."""

    name: str
    label: str
    settings: Mapping[str, Any]
    budgets: tuple[tuple[str, int], ...]
    condensers: tuple[str, ...]
    references: tuple[str, ...] | None
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Suite:
    """A whole suite. Budgets are ("ipc", N) or ("bytes", B). faults: what is wrong with it, for the plan to tell.

    design: the factors whose combinations some of the condensers are.
    """

    name: str
    about: str
    data: tuple[str, ...]
    validation: float
    condensers: tuple[CondenserEntry, ...]
    scenarios: tuple[ScenarioEntry, ...]
    faults: tuple[str, ...] = ()
    design: Design = Design()


def built_in() -> dict[str, Path]:
    """Name -> file of the suites that ship with the package."""
    folder = Path(str(resources.files("harness") / "suites"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def about(path: Path) -> str:
    """A suite file's one-line description."""
    return str(loads(path.read_text(encoding="utf-8")).get("about", ""))


def read(name: str, overrides: Sequence[str] = ()) -> Suite:
    """Read a built-in suite or a TOML file and apply `k=v` overrides; UsageError where that cannot be done."""
    path = built_in().get(name, Path(name))
    if not path.is_file():
        raise UsageError(f"suite '{name}': neither a built-in suite nor a file; {suggestion(name, built_in())}")
    try:
        table = loads(path.read_text(encoding="utf-8"))
    except (TOMLDecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise UsageError(f"{path}: not valid TOML ({brief(fault)})") from None
    for override in overrides:
        apply_override(table, override)
    return parse(table, path.stem)


def parse(table: Mapping[str, Any], stem: str) -> Suite:
    """Turn a TOML table into a Suite that knows every fault of its structure; its parts are checked by the plan."""
    faults = [f"unknown key '{key}'; {suggestion(key, TOP)}" for key in table if key not in TOP]
    seeds = _seeds(table.get("seeds", 5), "seeds", faults)
    budgets = _budgets(table, "suite", faults)
    design, combined = expand(table["design"], faults) if isinstance(table.get("design"), dict) else (Design(), [])
    listed = [*_tables(table, "condensers", faults), *combined]
    condensers = [_condenser(entry, f"condensers[{i}]", faults) for i, entry in enumerate(listed)]
    labels = [entry.label for entry in condensers]
    faults += [f"condensers: label '{name}' is used twice; give one a `label`" for name in set(labels) if labels.count(name) > 1]
    scenarios = [
        _scenario(entry, f"scenarios[{i}]", (labels, budgets, seeds), faults)
        for i, entry in enumerate(_tables(table, "scenarios", faults))
    ]
    names = [entry.label for entry in scenarios]
    faults += [f"scenarios: label '{name}' is used twice; give one a `label`" for name in set(names) if names.count(name) > 1]
    data = table.get("data", [])
    data = (data,) if isinstance(data, str) else tuple(data)
    if not data:
        faults.append('data: name at least one data set, such as data = ["mnist-5k"]')
    validation = table.get("validation", 0.1)
    if not isinstance(validation, float) or not 0 < validation < 1:
        faults.append(f"validation: {validation!r} is not a fraction between 0 and 1")
        validation = 0.1
    return Suite(
        name=str(table.get("name", stem)),
        about=str(table.get("about", "")),
        data=data,
        validation=validation,
        condensers=tuple(condensers),
        scenarios=tuple(scenarios),
        faults=tuple(f"suite {stem}: {fault}" for fault in faults),
        design=design,
    )


def _tables(table: Mapping[str, Any], key: str, faults: list[str]) -> list[Mapping[str, Any]]:
    entries = table.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        faults.append(f"{key}: write each as a [[{key}]] table")
        return []
    return entries


def _condenser(entry: Mapping[str, Any], where: str, faults: list[str]) -> CondenserEntry:
    if "method" not in entry:
        faults.append(f"{where}: needs a `method`")
    settings = {key: value for key, value in entry.items() if key not in OF_CONDENSER}
    spec = {"name": entry.get("method", ""), **settings}
    shards = entry.get("shards", 1)
    if isinstance(shards, bool) or not isinstance(shards, int) or shards < 1:
        faults.append(f"{where}.shards: {shards!r} is not a whole number of at least 1")
        shards = 1
    return CondenserEntry(label_of(entry), spec, _budgets(entry, where, faults), shards)


def _scenario(
    entry: Mapping[str, Any], where: str, known: tuple[list[str], tuple[tuple[str, int], ...], tuple[int, ...]], faults: list[str]
) -> ScenarioEntry:
    labels, budgets, seeds = known
    if "scenario" not in entry:
        faults.append(f"{where}: needs a `scenario`")
    chosen = tuple(entry.get("condensers", labels))
    faults += [f"{where}.condensers: unknown label '{c}'; {suggestion(c, labels)}" for c in chosen if c not in labels]
    references = entry.get("references")
    return ScenarioEntry(
        name=str(entry.get("scenario", "")),
        label=label_of(entry),
        settings={key: value for key, value in entry.items() if key not in OF_SCENARIO},
        budgets=_budgets(entry, where, faults) or budgets,
        condensers=chosen,
        references=None if references is None else tuple(references),
        seeds=_seeds(entry["seeds"], f"{where}.seeds", faults) if "seeds" in entry else seeds,
    )


def _budgets(table: Mapping[str, Any], where: str, faults: list[str]) -> tuple[tuple[str, int], ...]:
    budgets = []
    for kind in ("ipc", "bytes"):
        values = table.get(kind, [])
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                faults.append(f"{where}.{kind}: {value!r} is not a whole number of at least 1")
            else:
                budgets.append((kind, value))
    return tuple(budgets)


def _seeds(value: Any, where: str, faults: list[str]) -> tuple[int, ...]:
    seeds = list(range(value)) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(seeds, list) or not seeds or not all(isinstance(s, int) and s >= 0 for s in seeds):
        faults.append(f"{where}: {value!r} is neither a number of seeds (at least 1) nor a list of them")
        return (0,)
    return tuple(seeds)
