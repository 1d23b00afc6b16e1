"""Files of reference results: the records of a run, as far as a report reads them, in one JSON
file.

What is left out: sets, pictures, tracebacks, and where on a machine the run lay. Every figure of a
record is kept as it is, so that the tables of both reports are equal.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from condensers.engine.files import SEAL, read_sealed, seal, write_atomically
from condensers.errors import Damaged, OtherFormat, UsageError
from condensers.schema import Amount, Shape, brief_faults
from harness.reference import PREFIX, locate
from harness.reference.packing import pack, unpack
from harness.report.notes import environment
from harness.store.shapes import FailureShape, RecordShape, SuiteShape
from harness.store.store import Store
from harness.suite.cell import key_of_record

VERSION = 1
LARGEST = 300_000  # bytes of a file that ships
OF_THE_PLACE = ("--out", "--data-dir", "--workers", "--threads", "--minutes", "--reuse")
LEFT_OUT = ("format", "set", "card")

Contents = tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]


class ReferenceShape(Shape):
    """A file of reference results, its records unpacked."""

    reference: int
    suite: SuiteShape
    environment: dict[str, Any]
    cpu_hours: Amount
    records: list[RecordShape] = Field(min_length=1)
    failures: list[FailureShape]


class Reference:
    """Reference results, read as a run directory is.

    Args:
        root: the file, or `reference:NAME`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def contents(self) -> Contents:
        """Read all that the file holds.

        Returns:
            The description of the suite; the records and the failures of its cells, in its order.

        Raises:
            UsageError: there is no such file, or it holds no reference results.
            Damaged: it is not as it was written.
            OtherFormat: it is of a version that is not read here.
        """
        path = locate(self.root)
        if not path.is_file():
            raise UsageError(
                f"{path}: is not there; `harness list references` names those that are"
            )
        try:
            found = read_sealed(path)
        except Damaged as fault:
            raise Damaged(f"{str(fault).partition(';')[0]}; {AGAIN}") from None
        _require_version(path, found)
        try:
            records = unpack(found.get("records") or [], found.get("shared") or [])
            records = [_with_sources(record, found["modules"]) for record in records]
        except (ValueError, TypeError, KeyError, IndexError, RecursionError) as fault:
            raise Damaged(f"{path}: damaged ({fault}); {AGAIN}") from None
        found = {**found, "records": records}
        faults = brief_faults(ReferenceShape, found) or _of_other_cells(records, found["suite"])
        if faults:
            raise Damaged(f"{path}: damaged ({faults}); {AGAIN}")
        return found["suite"], records, found["failures"]


AGAIN = "make it anew with: harness export RUN --to reference"


def _require_version(path: Path, found: Mapping[str, Any]) -> None:
    version = found.get("reference")
    if type(version) is not int:
        raise UsageError(f"{path}: holds no reference results; name a run directory or such a file")
    if version != VERSION:
        raise OtherFormat(
            f"{path}: holds reference results of version {version}, and this harness reads"
            f" {VERSION}; use the harness that wrote it, or {AGAIN}"
        )


def _of_other_cells(records: Sequence[Mapping[str, Any]], suite: Mapping[str, Any]) -> str:
    """What is wrong with the keys of records; "" where each is that of what it says."""
    for record in records:
        key = record["key"]
        if key not in suite["cells"]:
            return f"the record {key} is of no cell of its suite"
        try:
            belongs = key_of_record(record)
        except (KeyError, TypeError, AttributeError):
            return f"the record {key} does not say of which cell it is"
        if belongs != key:
            return f"what the record {key} says of its cell has the key {belongs}"
    return ""


def open_results(path: Path) -> Store | Reference:
    """What reads a run directory, `reference:NAME` or a file of reference results."""
    named = str(path).startswith(PREFIX) and not path.exists()
    return Reference(path) if named or path.is_file() else Store(path)


def name_runs(directories: Sequence[Path]) -> list[tuple[str, Path]]:
    """Name runs by their folders, or by their whole paths if names are equal."""
    names = [path.name for path in directories]
    return [
        (str(path) if names.count(path.name) > 1 else path.name, path)
        for path in dict.fromkeys(directories)
    ]


def write_reference(store: Store, target: Path) -> int:
    """Write the results of a run directory as a file of reference results.

    Args:
        store: the run directory.
        target: the file.

    Returns:
        The number of bytes.

    Raises:
        UsageError: it is no run directory, or no cell of it is done.
        Damaged: a file of it is not as it was written.
    """
    suite, records, failures = store.contents()
    if not records:
        raise UsageError(f"{store.root}: no cell is done yet; run its suite first")
    # The records have the names of the suite already.
    kept = {name: value for name, value in suite.items() if name not in ("format", "names")}
    modules: dict[tuple[str, str], int] = {}
    packed, shared = pack([_number_sources(_trim(record), modules) for record in records])
    spent = [(record.get("energy") or {}).get("cpu_seconds") or 0.0 for record in records]
    content: dict[str, Any] = {
        "reference": VERSION,
        "suite": {"about": "", **kept, "command": _portable(str(suite["command"]))},
        "environment": {**environment(records), **_versions(suite)},
        "cpu_hours": round(sum(spent) / 3600, 2),
        "modules": [list(module) for module in modules],
        "shared": shared,
        "records": packed,
        "failures": [{**failure, "traceback": ""} for failure in failures],
    }
    text = _text({**content, SEAL: seal(content)})
    write_atomically(target, text.encode())
    return len(text.encode())


def _versions(suite: Mapping[str, Any]) -> dict[str, Any]:
    found = suite.get("environment") or {}
    return {name: found[name] for name in ("numpy", "harness") if name in found}


def _text(content: Mapping[str, Any]) -> str:
    """JSON with a line for each record, so that a change of one is seen as that."""
    fields = []
    for name, value in content.items():
        lines = value if name in ("records", "shared") else None
        if lines is None:
            fields.append(f"{json.dumps(name)}:{_brief(value)}")
        else:
            inner = ",\n".join(map(_brief, lines))
            fields.append(f"{json.dumps(name)}:[\n{inner}\n]")
    return "{" + ",\n".join(fields) + "}\n"


def _brief(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _trim(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without what no table is made of."""
    kept = {name: value for name, value in record.items() if name not in LEFT_OUT}
    if "command" in kept:
        kept["command"] = _portable(str(kept["command"]))
    outcome = kept.get("outcome") or {}
    detail = {k: v for k, v in (outcome.get("detail") or {}).items() if k != "pictures"}
    if isinstance(detail.get("picture"), Mapping):
        empty: dict[str, Any] = {"coordinates": {}, "labels": {"real": [], "synthetic": []}}
        detail["picture"] = {**detail["picture"], **empty}
    return {**kept, "outcome": {**outcome, "detail": detail}} if outcome else kept


def _number_sources(
    record: Mapping[str, Any], modules: dict[tuple[str, str], int]
) -> dict[str, Any]:
    """A record whose sources are places in the list of all modules with their digests, which are
    noted.
    """
    keyed_by = record.get("keyed_by") or {}
    places = [modules.setdefault(one, len(modules)) for one in keyed_by.get("sources", {}).items()]
    return {**record, "keyed_by": {**keyed_by, "sources": places}} if keyed_by else dict(record)


def _with_sources(record: Mapping[str, Any], modules: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Undo `_number_sources`."""
    keyed_by = record.get("keyed_by") or {}
    sources = {modules[place][0]: modules[place][1] for place in keyed_by.get("sources", ())}
    return {**record, "keyed_by": {**keyed_by, "sources": sources}} if keyed_by else dict(record)


def _portable(command: str) -> str:
    """A command without what it says of the machine: folders, processes, and the folder of a
    suite's file.
    """
    words, kept = shlex.split(command), []
    while words:
        word = words.pop(0)
        if word in OF_THE_PLACE:
            del words[:1]
        else:
            kept.append(Path(word).name if word.endswith(".toml") else word)
    return shlex.join(kept)
