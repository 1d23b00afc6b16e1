"""`--limit N`: a quick try of any suite, which is known for one everywhere.

A trial measures the first seed alone; of each scenario and data set at most N cells, sets and
references in turn; and each training, condensation and network count at most N: every field whose
unit is one of COUNTED. What a ground truth was trained with, numbers of architectures and the
images of the data stay as they are. The key of a cell holds N, so that no trial is taken for the
result of a whole run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import Field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from condensers.errors import HarnessError, UsageError
from condensers.hyperparameters import settings_of
from condensers.sets.origins import LEARNED, TAUGHT
from harness.suite.definition import CondenserEntry, ScenarioEntry, Suite

if TYPE_CHECKING:
    from harness.suite.cell import Cell

COUNTED = ("steps", "epochs", "networks", "orders")
OF_TRUTH = "truth_"  # beginning of the names of fields that say how a ground truth was trained
ROUNDS = 2  # a field may be refused until another is capped


def limit_suite(suite: Suite, limit: int | None) -> Suite:
    """Make a trial of a suite.

    Args:
        suite: as it was read.
        limit: N; None for the suite as it is.

    Returns:
        The suite with the first seed of each scenario and with capped settings. Parts with faults
        stay as they are, for the plan to tell.

    Raises:
        UsageError: N is no whole number of at least 1.
    """
    if limit is None:
        return suite
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise UsageError(f"limit: {limit!r} is not a whole number of at least 1")
    return replace(
        suite,
        limit=limit,
        condensers=tuple(_cap_condenser(entry, limit) for entry in suite.condensers),
        scenarios=tuple(_cap_scenario(entry, limit) for entry in suite.scenarios),
    )


def choose_cells(cells: Sequence["Cell"], limit: int) -> list["Cell"]:
    """Choose the cells of a trial, in their order, each marked as of a trial.

    Args:
        cells: all cells of the limited suite.
        limit: how many are measured of each scenario and data set.
    """
    places: dict[tuple[str | None, str], list[Cell]] = {}
    for cell in cells:
        if cell.scenario is not None:
            places.setdefault((cell.scenario_label, cell.data), []).append(cell)
    chosen = {cell.key for own in places.values() for cell in _in_turn(own)[:limit]}
    by_key = {cell.key: cell for cell in cells}
    waiting = list(chosen)
    while waiting:
        needed = set(by_key[waiting.pop()].all_needs) - chosen
        chosen |= needed
        waiting += needed
    return _mark([cell for cell in cells if cell.key in chosen], limit)


def _in_turn(cells: Sequence["Cell"]) -> list["Cell"]:
    """A set, a reference, the next set and so on; the rest of the longer row stands last.

    Each method comes before one comes twice, learned sets first.
    """
    sets = [cell for cell in cells if cell.reference is None]
    before = {
        cell.key: [c.label for c in sets[:at]].count(cell.label) for at, cell in enumerate(sets)
    }
    sets.sort(key=lambda cell: (before[cell.key], cell.origin not in (LEARNED, TAUGHT)))
    others = [cell for cell in cells if cell.reference is not None]
    pairs = [cell for pair in zip(sets, others, strict=False) for cell in pair]
    shorter = min(len(sets), len(others))
    return [*pairs, *sets[shorter:], *others[shorter:]]


def _mark(cells: Sequence["Cell"], limit: int) -> list["Cell"]:
    """Give cells, which stand after those that they need, their keys as parts of a trial."""
    keys: dict[str, str] = {}
    marked = []
    for cell in cells:
        needs = None if cell.needs is None else keys[cell.needs]
        shards = tuple(keys[key] for key in cell.shards)
        marked.append(replace(cell, limit=limit, needs=needs, shards=shards))
        keys[cell.key] = marked[-1].key
    return marked


def _cap_condenser(entry: CondenserEntry, limit: int) -> CondenserEntry:
    from condensers.registry.registry import create_condenser

    try:
        part = create_condenser(entry.spec)
    except HarnessError:
        return entry
    return replace(entry, spec={**entry.spec, **_capped_settings(part, limit)})


def _cap_scenario(entry: ScenarioEntry, limit: int) -> ScenarioEntry:
    from scenarios.continual.strategies import STRATEGIES
    from scenarios.registry import SCENARIOS

    settings = {**entry.settings}
    try:
        part = SCENARIOS.create({"name": entry.name, **settings})
        capped = _capped_settings(part, limit, epochs=True)
        # Strategies are held as their tables: those that are made of them are capped.
        tables = settings_of(part).get("strategies") if entry.name == "continual" else None
        if tables is not None:
            made = [(_as_table(one), STRATEGIES.create(one)) for one in tables]
            capped["strategies"] = [table | _capped_settings(own, limit) for table, own in made]
    except HarnessError:
        return entry
    return replace(entry, settings=settings | capped, seeds=entry.seeds[:1])


def _as_table(spec: str | Mapping[str, Any]) -> dict[str, Any]:
    return {"name": spec} if isinstance(spec, str) else dict(spec)


def _capped_settings(part: Any, limit: int, epochs: bool = False) -> dict[str, Any]:
    """The settings of a part that change when it is capped.

    epochs: whether a number of epochs that is left to the sets becomes N.
    """
    before, after = settings_of(part), settings_of(_cap(part, limit, epochs))
    return {name: value for name, value in after.items() if value != before[name]}


def _cap(part: Any, limit: int, epochs: bool = False) -> Any:
    """A part whose counts, and those of the parts within it, are at most N.

    Where the part refuses N it gets 2 N, and where it refuses that too the count stays.
    """
    for _ in range(ROUNDS):
        for field in fields(part):
            value = getattr(part, field.name)
            if is_dataclass(value) and not isinstance(value, type):
                part = _with_first(part, field.name, [_cap(value, limit)])
            elif _is_counted(field, value, epochs) and (value is None or value > limit):
                part = _with_first(part, field.name, _candidates(field, value, limit))
    return part


def _is_counted(field: "Field[Any]", value: Any, epochs: bool) -> bool:
    unit = field.metadata.get("unit")
    if unit not in COUNTED or field.name.startswith(OF_TRUTH):
        return False
    return type(value) is int or (value is None and epochs and unit == "epochs")


def _candidates(field: "Field[Any]", value: int | None, limit: int) -> list[int]:
    least = int(field.metadata.get("minimum") or 0)
    tried = [max(limit, least), max(2 * limit, least)]
    return [one for one in tried if value is None or one < value]


def _with_first(part: Any, name: str, candidates: Sequence[Any]) -> Any:
    """The part with the first candidate that it takes; unchanged where it takes none."""
    for value in candidates:
        try:
            return replace(part, **{name: value})
        except HarnessError:
            continue
    return part
