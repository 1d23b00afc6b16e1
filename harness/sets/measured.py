"""What a run measured with one very set: the rows of its report for that set alone, not for others
of its method.
"""

import filecmp
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from condensers.errors import UsageError
from harness.report.chapters import read_run
from harness.report.rows import SELF_EVIDENT, Row, as_rows
from harness.store.store import Store

SAME = ("data", "hyperparameters", "budget", "seed")


def find_measurements(file: Path, run: Path) -> list[Row]:
    """Rows of what `run` measured with the set whose bytes `file` has; what things cost is left
    out.

    Each has `settings` beside what the report has: those of its scenario, one for each variant.
    UsageError where the run holds no such set, or measured nothing with it.
    """
    store = Store(run)
    _, records, _ = store.contents()
    sets = [record for record in records if record["kind"] == "condense"]
    made = next((r for r in sets if _same_bytes(store.set_path(r["key"]), file)), None)
    if made is None:
        raise UsageError(
            f"{run}: holds no set with the bytes of {file}; export RUN/cells/KEY/set.safetensors of"
            " that run"
        )
    wanted = [r for r in records if r["cell"].get("condenser") is None or _is_of_set(r, made)]
    rows = [
        row
        for row in as_rows(read_run({}, wanted).results)
        if not row["reference"] and row["unit"] not in SELF_EVIDENT
    ]
    if not rows:
        raise UsageError(
            f"{run}: has measured nothing with {file} yet; finish it with: harness run"
        )
    settings: dict[str, list[Any]] = {}
    for record in (record for record in wanted if _is_of_set(record, made)):
        settings.setdefault(record["cell"]["scenario"], []).append(record["cell"]["settings"])
    return [row | {"settings": settings[row["scenario"]]} for row in rows]


def _same_bytes(stored: Path, file: Path) -> bool:
    return stored.is_file() and filecmp.cmp(stored, file, shallow=False)


def _is_of_set(record: Mapping[str, Any], made: Mapping[str, Any]) -> bool:
    """Whether a record is of that set; a memory that was condensed anew under the same settings has
    costs of its own.
    """
    same = all(record["cell"].get(key) == made["cell"].get(key) for key in SAME)
    return record["kind"] == "scenario" and same and record["condensation"] == made["condensation"]
