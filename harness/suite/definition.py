"""A suite: which sets are made from which data, and where they are used.

Read from TOML, checked whole before anything runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from os import PathLike
from pathlib import Path
from typing import Any

from condensers.errors import UsageError, shown, suggestion
from condensers.plain import join, oddities
from harness.suite.design import Design, expand
from harness.suite.only import keep_only
from harness.suite.overrides import apply_override, label_of, loads
from harness.suite.toml_files import plain_table, read_toml
from scenarios.datasets.naming import name_of_table

# The name of a built-in suite, the path of a TOML file, or a table of the same structure.
SuiteSource = str | PathLike[str] | Mapping[str, Any]
TOP = {
    "name",
    "about",
    "data",
    "ipc",
    "bytes",
    "seeds",
    "validation",
    "teraflops_times",
    "condensers",
    "scenarios",
    "design",
    "only",
}
MOST_SEEDS, LARGEST_SEED = 10_000, 2**32 - 1  # numpy's generators take no larger one
LONGEST_NAME = 100
OF_CONDENSER = {"method", "label", "ipc", "bytes", "shards", "teraflops"}
OF_SCENARIO = {"scenario", "label", "ipc", "bytes", "condensers", "references", "seeds"}


@dataclass(frozen=True)
class CondenserEntry:
    """One [[condensers]] table: a label, and the spec from which the registry builds it. budgets:
    () means the suite's.

    shards: how many cells make a set, each some of its classes. teraflops: how much arithmetic
    decides the number of iterations; None for none.
    """

    label: str
    spec: Mapping[str, Any]
    budgets: tuple[tuple[str, int], ...]
    shards: int = 1
    teraflops: float | None = None


@dataclass(frozen=True)
class ScenarioEntry:
    """One [[scenarios]] table. condensers: the labels it is run for; references: the bounds and
    baselines it adds.
    """

    name: str
    label: str
    settings: Mapping[str, Any]
    budgets: tuple[tuple[str, int], ...]
    condensers: tuple[str, ...]
    references: tuple[str, ...] | None
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Suite:
    """A whole suite. Budgets are ("ipc", N) or ("bytes", B). faults: what is wrong with it, for the
    plan to tell.

    design: the factors whose combinations some of the condensers are. source: how errors name it, a
    file or "suite NAME". limit: N of a trial, `harness.suite.limit`. teraflops_times: images per
    class -> how many times their `teraflops` condensers get there.
    """

    name: str
    about: str
    data: tuple[str, ...]
    validation: float
    condensers: tuple[CondenserEntry, ...]
    scenarios: tuple[ScenarioEntry, ...]
    faults: tuple[str, ...] = ()
    design: Design = Design()
    source: str = "suite"
    limit: int | None = None
    teraflops_times: Mapping[int, float] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The run directory where none is named; a trial has its own."""
        mark = "" if self.limit is None else f"-limit-{self.limit}"
        return Path("runs") / f"{self.name}{mark}"


def built_in() -> dict[str, Path]:
    """Name -> file of the suites that ship with the package."""
    folder = Path(str(resources.files("harness") / "suites"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def about(path: Path) -> str:
    """A suite file's one-line description."""
    return str(loads(path.read_text(encoding="utf-8")).get("about", ""))


def read(suite: SuiteSource, overrides: Sequence[str] = ()) -> Suite:
    """Read a suite and apply overrides to it.

    Args:
        suite: the name of a built-in suite, the path of a TOML file, or a table of the same
            structure.
        overrides: changes, each `key=value` with a dotted key.

    Raises:
        UsageError: there is no such suite, it is no TOML, or an override leads nowhere. Faults of
            its content are kept in the suite for the plan to raise.
    """
    table, stem, source = read_table(suite)
    for override in overrides:
        apply_override(table, override)
    return parse(table, stem, source)


def read_table(suite: SuiteSource) -> tuple[dict[str, Any], str, str | None]:
    """The table of a suite, the name of its file, and how faults name it if not by that name."""
    if isinstance(suite, Mapping):
        return plain_table(suite), "suite", "suite"
    name, known = str(suite), built_in()
    path = known.get(name, Path(name)) if isinstance(suite, str) else Path(suite)
    if not path.is_file():
        raise UsageError(
            f"suite {shown(name)}: neither a built-in suite nor a file; {suggestion(name, known)}"
        )
    return read_toml(path), path.stem, None if path in known.values() else str(path)


def parse(table: Mapping[str, Any], stem: str, source: str | None = None) -> Suite:
    """Turn a TOML table into a Suite that knows every fault of its structure; its parts are checked
    by the plan.

    source: what faults name it by.
    """
    faults = [
        *_find_oddities(table),
        *(
            f"unknown key {shown(key)}; {suggestion(str(key), TOP)}"
            for key in table
            if key not in TOP
        ),
    ]
    seeds = _seeds(table.get("seeds", 5), "seeds", faults)
    budgets = _budgets(table, "suite", faults)
    if not isinstance(table.get("design", {}), dict):
        faults.append("design: write each factor's levels as [[design.NAME]] tables")
    design, combined = (
        expand(table["design"], faults) if isinstance(table.get("design"), dict) else (Design(), [])
    )
    listed = [*_tables(table, "condensers", faults), *combined]
    condensers = [_condenser(entry, f"condensers[{i}]", faults) for i, entry in enumerate(listed)]
    labels = [entry.label for entry in condensers]
    scenarios = [
        _scenario(entry, f"scenarios[{i}]", (labels, budgets, seeds), faults)
        for i, entry in enumerate(_tables(table, "scenarios", faults))
    ]
    faults += _find_repeated("condensers", labels) + _find_repeated(
        "scenarios", [entry.label for entry in scenarios]
    )
    data = texts(_name_data(table.get("data", []), faults), "data", faults)
    if not data:
        faults.append('data: name at least one data set, such as data = ["mnist-5k"]')
    where = source or f"suite {stem}"
    only = table.get("only", [])
    patterns = texts([only] if isinstance(only, str) else only, "only", faults)
    whole = Suite(
        name=_name(table.get("name", stem), faults),
        about=text(table, "about", "", faults),
        data=tuple(dict.fromkeys(data)),
        validation=_share(table.get("validation", 0.1), faults),
        teraflops_times=_times(table.get("teraflops_times", {}), faults),
        condensers=tuple(condensers),
        scenarios=tuple(scenarios),
        faults=tuple(f"{where}: {fault}" for fault in dict.fromkeys(faults)),
        design=design,
        source=where,
    )
    return keep_only(whole, patterns)


def _find_oddities(table: Mapping[str, Any]) -> list[str]:
    """Faults of single values, wherever they stand; only `about` may have several lines."""
    about = table.get("about")
    plain = {"about": about.replace("\n", " ").replace("\t", " ")} if isinstance(about, str) else {}
    return list(oddities({**table, **plain}, strict=True))


def _find_repeated(kind: str, labels: Sequence[str]) -> list[str]:
    return [
        f"{kind}: label {shown(name)} is used twice; give one a `label`"
        for name in dict.fromkeys(labels)
        if labels.count(name) > 1
    ]


def _name_data(value: Any, faults: list[str]) -> Any:
    """The data sets by name; a table of a name and options becomes the name that says them."""
    single = isinstance(value, str | dict)
    if not single and not isinstance(value, list):
        return value
    names = []
    for at, one in enumerate([value] if single else value):
        try:
            where = "data" if single else f"data[{at}]"
            names.append(name_of_table(one, where) if isinstance(one, dict) else one)
        except UsageError as fault:
            faults.append(str(fault))
    return names or ([""] if faults else [])


def _name(value: Any, faults: list[str]) -> str:
    """The suite's name, which is that of its run directory too."""
    if (
        isinstance(value, str)
        and value.strip(".")
        and not {"/", "\\"} & set(value)
        and len(value) <= LONGEST_NAME
    ):
        return value
    faults.append(
        f'name: {shown(value)} cannot name a directory; write a word, such as name = "first"'
    )
    return "suite"


def _share(value: Any, faults: list[str]) -> float:
    if isinstance(value, float) and 0 < value < 1:
        return value
    faults.append(f"validation: {shown(value)} is not a fraction between 0 and 1")
    return 0.1


def text(table: Mapping[str, Any], key: str, where: str, faults: list[str]) -> str:
    """The text at `key`, "" where there is none."""
    value = table.get(key, "")
    if isinstance(value, str) and (value or key not in table or key == "about"):
        return value
    faults.append(f"{join(where, key)}: {shown(value)} is not a text that names something")
    return ""


def texts(value: Any, where: str, faults: list[str]) -> tuple[str, ...]:
    """The texts of a list; what in it is none is left out."""
    if not isinstance(value, list | tuple):
        faults.append(f"{where}: {shown(value)} is not a list of names")
        return ()
    wrong = [(at, one) for at, one in enumerate(value) if not isinstance(one, str)]
    faults += [f"{join(where, at)}: {shown(one)} is not a name" for at, one in wrong]
    return tuple(one for one in value if isinstance(one, str))


def _tables(table: Mapping[str, Any], key: str, faults: list[str]) -> list[Mapping[str, Any]]:
    entries = table.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        faults.append(f"{key}: write each as a [[{key}]] table")
        return []
    return entries


def _condenser(entry: Mapping[str, Any], where: str, faults: list[str]) -> CondenserEntry:
    _require(entry, "method", where, faults)
    if "teraflops" in entry and "iterations" in entry:
        faults.append(f"{where}: iterations and teraflops say the same; leave one out")
    settings = {key: value for key, value in entry.items() if key not in OF_CONDENSER}
    spec = {**settings, "name": entry.get("method", "")}
    shards = entry.get("shards", 1)
    if isinstance(shards, bool) or not isinstance(shards, int) or shards < 1:
        faults.append(f"{where}.shards: {shown(shards)} is not a whole number of at least 1")
        shards = 1
    budgets = _budgets(entry, where, faults)
    amount = _teraflops(entry, where, faults)
    return CondenserEntry(label_of(entry), spec, budgets, shards, amount)


def _teraflops(entry: Mapping[str, Any], where: str, faults: list[str]) -> float | None:
    amount = entry.get("teraflops")
    if amount is None or (type(amount) in (int, float) and amount > 0):
        return amount
    faults.append(f"{where}.teraflops: {shown(amount)} is not a number above 0")
    return None


def _times(value: Any, faults: list[str]) -> dict[int, float]:
    """Images per class -> a factor; TOML's keys are texts."""
    times = value.items() if isinstance(value, Mapping) else [("", value)]
    if all(
        str(ipc).isdecimal() and int(ipc) > 0 and type(factor) in (int, float) and factor > 0
        for ipc, factor in times
    ):
        return {int(ipc): factor for ipc, factor in times}
    faults.append(
        f"teraflops_times: {shown(value)} is no table of images per class and numbers above 0, such"
        " as { 50 = 5 }"
    )
    return {}


def _scenario(
    entry: Mapping[str, Any],
    where: str,
    known: tuple[list[str], tuple[tuple[str, int], ...], tuple[int, ...]],
    faults: list[str],
) -> ScenarioEntry:
    labels, budgets, seeds = known
    _require(entry, "scenario", where, faults)
    chosen = texts(entry.get("condensers", labels), f"{where}.condensers", faults)
    faults += [
        f"{where}.condensers: unknown label {shown(c)}; {suggestion(c, labels)}"
        for c in chosen
        if c not in labels
    ]
    references = (
        texts(entry["references"], f"{where}.references", faults) if "references" in entry else None
    )
    return ScenarioEntry(
        name=entry["scenario"] if isinstance(entry.get("scenario"), str) else "",
        label=label_of(entry),
        settings={key: value for key, value in entry.items() if key not in OF_SCENARIO},
        budgets=_budgets(entry, where, faults) or budgets,
        condensers=chosen,
        references=references,
        seeds=_seeds(entry["seeds"], f"{where}.seeds", faults) if "seeds" in entry else seeds,
    )


def _require(entry: Mapping[str, Any], key: str, where: str, faults: list[str]) -> None:
    """Check the keys by which a table of a condenser or a scenario is named."""
    if key not in entry:
        faults.append(f"{where}: needs a `{key}`")
    else:
        text(entry, key, where, faults)
    text(entry, "label", where, faults)
    if "name" in entry:
        faults.append(
            f"{where}: unknown key 'name'; what is used is named by `{key}`, what rows call it by"
            " `label`"
        )


def _budgets(
    table: Mapping[str, Any], where: str, faults: list[str]
) -> tuple[tuple[str, int], ...]:
    budgets = []
    for kind in ("ipc", "bytes"):
        values = table.get(kind, [])
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                faults.append(
                    f"{join(where, kind)}: {shown(value)} is not a whole number of at least 1"
                )
            else:
                budgets.append((kind, value))
    return tuple(dict.fromkeys(budgets))


def _seeds(value: Any, where: str, faults: list[str]) -> tuple[int, ...]:
    if type(value) is int and 1 <= value <= MOST_SEEDS:
        return tuple(range(value))
    if (
        isinstance(value, list)
        and 1 <= len(value) <= MOST_SEEDS
        and all(type(s) is int and 0 <= s <= LARGEST_SEED for s in value)
    ):
        return tuple(dict.fromkeys(value))
    faults.append(
        f"{where}: {shown(value)} is neither a number of seeds (1 to {MOST_SEEDS}) nor a list of"
        f" them, each 0 to {LARGEST_SEED}"
    )
    return (0,)
