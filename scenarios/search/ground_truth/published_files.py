"""Files that hold NAS-Bench-201's published accuracies, read as data and never run.

| ending | what it is |
|---|---|
| .pth, .pt | the authors' file of NAS-Bench-201 (`meta_archs`, `arch2infos`) |
| .pbz2, .pickle, .pkl | the authors' file of NATS-Bench's topology space, the same in a pickle |
| .npz | arrays of one length: `arch`, `test_accuracy_DATA`; also `unique`, `params_DATA` |
| .csv | a line for each cell, with the same columns |
| .json | {cell: accuracy}, [{column: value}, ...] or {column: [values]} |
"""

import bz2
import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from condensers.errors import UsageError, brief
from condensers.formats import npz, safe_pickle
from condensers.formats.published import existing
from condensers.plain import parse_json
from scenarios.search.ground_truth.published import DATA, EPOCHS, Trained

CELLS = ("arch", "arch_str", "architecture", "cell")
GROUPS = ("unique", "isomorphism_class")


def read_published(path: Path, data: str, column: str = "") -> list[Trained]:
    """Read the published trainings on one data set.

    Args:
        path: A file as the table of this module lists them.
        data: A name in `DATA`.
        column: Which column is the test accuracy; found by its name where left out.

    Returns:
        One training for each cell, and for each seed where the file has them apart.

    Raises:
        UsageError: The file is missing, damaged, refused, or holds no such accuracies.
    """
    readers: dict[str, Callable[[Path], Any]] = {
        ".npz": npz.read_arrays,
        ".csv": _csv,
        ".json": _json,
        **dict.fromkeys((".pth", ".pt"), safe_pickle.read),
        **dict.fromkeys((".pbz2", ".pickle", ".pkl"), _pickle),
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UsageError(
            f"{path}: no file of NAS-Bench-201 by its ending; its truth is read from"
            f" {', '.join(readers)}"
        )
    content = reader(path)
    if isinstance(content, Mapping) and "arch2infos" in content:
        return _official(content, data, path)
    return _columns(_as_columns(content, path), data, column, path)


def _csv(path: Path) -> Any:
    try:
        return list(csv.DictReader(io.StringIO(existing(path).read_text("utf-8-sig")), strict=True))
    except (csv.Error, UnicodeDecodeError) as fault:
        raise UsageError(f"{path}: is no CSV file ({brief(fault)}); fetch it again") from None


def _json(path: Path) -> Any:
    try:
        return parse_json(existing(path).read_bytes())
    except ValueError as fault:
        raise UsageError(f"{path}: is not JSON ({brief(fault)}); fetch it again") from None


def _pickle(path: Path) -> Any:
    opened = bz2.open if path.suffix.lower() == ".pbz2" else open
    with opened(existing(path), "rb") as file:
        return safe_pickle.read_data(file, str(path))


def _as_columns(content: Any, path: Path) -> Mapping[str, Sequence[Any]]:
    """Columns by name, from rows, from columns, or from accuracies by cell."""
    if isinstance(content, list) and content and all(isinstance(row, Mapping) for row in content):
        return {name: [row.get(name) for row in content] for name in content[0]}
    if isinstance(content, Mapping) and content:
        values = list(content.values())
        if all(isinstance(value, int | float) for value in values):
            return {CELLS[0]: list(content), "test_accuracy": values}
        if all(isinstance(value, Mapping) for value in values):
            rows = [{CELLS[0]: cell, **row} for cell, row in content.items()]
            return {name: [row.get(name) for row in rows] for name in rows[0]}
        if all(_is_column(value) for value in values):
            return {name: _items(value) for name, value in content.items()}
    raise UsageError(
        f"{path}: is built like no file of NAS-Bench-201: neither the authors' (meta_archs and"
        " arch2infos), nor rows or columns with `arch` and `test_accuracy`"
    )


def _is_column(value: Any) -> bool:
    return isinstance(value, list) or getattr(value, "ndim", None) == 1


def _items(column: Any) -> list[Any]:
    return column if isinstance(column, list) else list(column.tolist())


def _columns(
    columns: Mapping[str, Sequence[Any]], data: str, column: str, path: Path
) -> list[Trained]:
    name = data.replace("-", "_")
    usual = [f"test_accuracy_{name}", f"{name}_test_accuracy", "test_accuracy", "test_acc", name]
    cells = _named(columns, CELLS, path)
    tests = _named(columns, [column] if column else usual, path)
    further = {
        "validation": [f"validation_accuracy_{name}", "validation_accuracy"],
        "parameters": [f"params_{name}"],
        "group": GROUPS,
        "seed": ["seed"],
    }
    known = {key: _optional(columns, names) for key, names in further.items()}
    known = {"cell": cells, "test": tests, **{key: c for key, c in known.items() if c is not None}}
    lengths = sorted({len(values) for values in known.values() if values is not None})
    if len(lengths) > 1:
        raise UsageError(
            f"{path}: its columns have {' and '.join(map(str, lengths))} values; fetch it again"
        )
    rows = [
        {key: values[at] for key, values in known.items() if values} for at in range(len(cells))
    ]
    return [_trained(row, path) for row in rows]


def _trained(row: Mapping[str, Any], path: Path) -> Trained:
    """What a row of columns says; what it leaves out, nothing is known of."""
    cell = row["cell"]
    numbers = {
        key: _number(row[key], cell, path)
        for key in ("test", "validation", "parameters", "seed")
        if row.get(key) is not None or key == "test"
    }
    size = numbers.get("parameters")
    return Trained(
        cell,
        numbers["test"],
        int(numbers.get("seed", 0)),
        numbers.get("validation"),
        None,
        None if size is None else _parameters(size),
        row.get("group"),
    )


def _parameters(value: float) -> float:
    """A number of parameters that some files give in millions."""
    return value * 1e6 if value < 100 else value


def _named(columns: Mapping[str, Sequence[Any]], names: Sequence[str], path: Path) -> Sequence[Any]:
    found = _optional(columns, names)
    if found is None:
        raise UsageError(
            f"{path}: has no column {' or '.join(names)} but {', '.join(map(str, columns))}; name"
            " the one with test accuracies by --column"
        )
    return found


def _optional(columns: Mapping[str, Sequence[Any]], names: Iterable[str]) -> Sequence[Any] | None:
    return next((columns[name] for name in names if name in columns), None)


def _number(value: Any, cell: Any, path: Path) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UsageError(f"{path}: has {value!r:.40} for the cell {cell}, no number") from None


def _official(content: Mapping[str, Any], data: str, path: Path) -> list[Trained]:
    """Every training of 200 epochs on all training images, from the authors' nested tables."""
    theirs = DATA[data].theirs
    found = []
    try:
        cells = list(content["meta_archs"])
        for index, infos in content["arch2infos"].items():
            results = infos["200" if "200" in infos else "full"]["all_results"]
            for (name, seed), result in results.items():
                if name == theirs and result["epochs"] == EPOCHS:
                    chosen = results.get((f"{theirs}-valid", seed))
                    found.append(_training(cells[index], seed, result, chosen))
    except (LookupError, TypeError, ValueError, AttributeError, StopIteration) as fault:
        raise UsageError(
            f"{path}: has meta_archs and arch2infos, but is not built as NAS-Bench-201's files are"
            f" ({type(fault).__name__}: {brief(fault)}); fetch it again"
        ) from None
    if not found:
        raise UsageError(f"{path}: has no training of {EPOCHS} epochs on {theirs}")
    return found


def _training(
    cell: Any, seed: Any, result: Mapping[str, Any], chosen: Mapping[str, Any] | None
) -> Trained:
    """chosen: the training of the same seed on half of the images, validated on the others."""
    last = EPOCHS - 1
    tested = result["eval_acc1es"]
    key = next(key for key in (f"x-test@{last}", f"ori-test@{last}") if key in tested)
    validated = (chosen or result)["eval_acc1es"].get(f"x-valid@{last}")
    times = result.get("train_times") or {}
    each = times.values() if isinstance(times, Mapping) else times
    return Trained(
        cell,
        float(tested[key]),
        int(seed),
        None if validated is None else float(validated),
        sum(map(float, each)) if len(times) == EPOCHS else None,
    )
