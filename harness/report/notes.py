"""What a report says besides its rows: what is missing, what was not measured, where and how it was
run.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.chapters.base import Run
from harness.report.place import MAKING, Place, Size
from harness.report.precisions import approximations
from harness.report.results import Record, Result
from harness.report.wording import join_some, join_words

IDLE = 0.01


def progress(
    suite: Mapping[str, Any], records: Sequence[Record], failures: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """How many cells of the suite there are, are done and failed, and the keys of those without any
    result yet.
    """
    keys = list(suite.get("cells", [])) or [record["key"] for record in records]
    known = {record["key"] for record in records}
    failed = {failure["key"] for failure in failures} - known
    missing = [key for key in keys if key not in known and key not in failed]
    limits = sorted({(record.get("keyed_by") or {}).get("limit") or 0 for record in records} - {0})
    return {
        **({"limits": limits} if limits else {}),
        "total": len(keys),
        "done": len(known & set(keys)),
        "failed": len(failed),
        "missing": missing,
    }


def progress_sentence(cells: Mapping[str, Any]) -> str | None:
    """None for a run that is whole."""
    sentences = [_tell_trial(cells.get("limits", ())), _tell_partial(cells)]
    return " ".join(filter(None, sentences)) or None


def _tell_trial(limits: Sequence[int]) -> str:
    """Say that cells of trials are among those that are reported; "" where none is."""
    if not limits:
        return ""
    return (
        f"This is a trial (--limit {join_some([str(n) for n in limits])}): one seed, some of the"
        " cells, and few steps and epochs. It shows that the suite runs, and its figures say"
        " nothing of the methods."
    )


def _tell_partial(cells: Mapping[str, Any]) -> str:
    missing = len(cells["missing"])
    if not missing and not cells["failed"]:
        return ""
    parts = [f"{cells['failed']} failed"] if cells["failed"] else []
    parts += [f"{missing} not run yet"] if missing else []
    return (
        f"This report is partial: of {cells['total']} cells {cells['done']} are done,"
        f" {', '.join(parts)}."
    )


def environment(records: Sequence[Record]) -> dict[str, Any]:
    """Where the records were made: one value each, or the list of all where they differ."""
    values_of: dict[str, list[Any]] = {}
    for record in records:
        for name, value in (record.get("environment") or {}).items():
            values = values_of.setdefault(name, [])
            if value not in values:
                values.append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in values_of.items()}


def commands(suite: Mapping[str, Any], records: Sequence[Record]) -> list[str]:
    """The command lines that repeat the run."""
    asked = [
        *str(suite.get("command") or "").splitlines(),
        *(record.get("command") for record in records),
    ]
    return list(dict.fromkeys(str(command) for command in asked if command))


def write_notes(run: Run) -> list[str]:
    """Write what was not measured or should be known, a sentence each: of the whole run, then of
    each chapter.
    """
    records = run.records
    sentences = [_energy(records, run.results)]
    seeds = {record["cell"]["seed"] for record in records}
    if len(seeds) == 1:
        sentences.append(
            "One seed: how far results vary from one condensed set to the next was not measured."
        )
    machines, devices = (
        {str((record.get("environment") or {}).get(part)) for record in records}
        for part in ("cpu", "device")
    )
    if len(machines) > 1 or len(devices) > 1:
        sentences.append(
            "Cells ran on different machines or devices, so their seconds do not compare, nor does"
            " what is computed from them."
        )
    sentences += note_stopping(run.suite)
    sentences += note_doubts(records)
    sentences += approximations(records)
    sentences += _other_code(records)
    sentences += note_idle_views(records)
    sentences += _without_random(run.results)
    sentences += _by_scenarios(records)
    return sentences + [note for chapter in run.chapters.values() for note in chapter.notes(run)]


def note_stopping(suite: Mapping[str, Any]) -> list[str]:
    """Say by which rule seeds were added, why that ended, and which intervals hold under it."""
    until, names = suite.get("until"), suite.get("stopped_runs")
    if names:
        return [
            f"Seeds of {join_some(names)} were added until an interval was narrow. Merged with"
            " other runs, its intervals are given as if their number had been fixed, and cover"
            f" somewhat less than 95 %; report {'it' if len(names) == 1 else 'each'} alone."
        ]
    if until is None:
        return []
    return [
        f"Seeds of {until['scenario']} were added until the half-width of {until['compared'][0]}"
        f" less {until['compared'][1]} in {until['metric']} was at most"
        f" {until['half_width']:g}: {until['ended']} Its intervals, but those of energy, are of"
        " Stein's two stages (1945), which hold under this rule: as wide as the spread of the"
        f" first {len(until['first_seeds'])} seeds says, around the mean of all."
    ]


def note_idle_views(records: Sequence[Record]) -> list[str]:
    """Name views that left nearly all pixels as they were, as one that fills a black background
    with black.
    """
    shares: dict[tuple[str, str], list[float]] = {}
    for record in records:
        view = record.get("view")
        if view:
            shares.setdefault((view["name"], record["cell"]["data"]), []).append(
                view["pixels_changed"]
            )
    return [
        f"View {name} changed {100 * sum(each) / len(each):.1f} % of the pixels of {data}, which is"
        " next to nothing."
        for (name, data), each in shares.items()
        if sum(each) / len(each) < IDLE
    ]


def note_doubts(records: Sequence[Record]) -> list[str]:
    """Write the doubts about sets, such as saturated pixels; those of the first seed stand for
    all.
    """
    doubts: dict[tuple[str, str, Any], list[tuple[int, str]]] = {}
    for record in records:
        cell, known = record["cell"], record.get("doubts") or _of_memories(record)
        for doubt in known if record["kind"] != "shard" else []:
            size = f"ipc {cell['ipc']}" if cell.get("ipc") else "its budget"
            doubts.setdefault((str(cell.get("label")), cell["data"], size), []).append(
                (cell["seed"], doubt)
            )
    sentences = []
    for (label, data, size), of in doubts.items():
        seeds = sorted({seed for seed, _ in of})
        which = f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
        sentences += [
            f"Doubtful set: {label} on {data} ({size}, {which}): {doubt}."
            for doubt in dict(of[:1]).values()
        ]
    return sentences


def _of_memories(record: Record) -> list[str]:
    """The doubts of sets that a scenario condensed itself."""
    detail = (record.get("outcome") or {}).get("detail") or {}
    return [str(doubt) for doubt in detail.get("doubts", [])]


def _energy(records: Sequence[Record], results: Sequence[Result]) -> str:
    """Which meters were read and what else is in their figures, or why none was."""
    if not any(r.metric == "joules" for r in results):
        whys = dict.fromkeys(
            str((record.get("energy") or {}).get("reason", "no readable meter"))
            for record in records
        )
        known = any("cpu_seconds" in (record.get("energy") or {}) for record in records)
        more = " What a table gives in joules is estimated from CPU time." if known else ""
        return f"Energy: not measured ({'; '.join(whys) or 'no readable meter'}).{more}"
    meters = dict.fromkeys(
        str(name) for record in records for name in (record.get("energy") or {}).get("meters", [])
    )
    sentence = f"Energy: read from {join_words(list(meters)) if meters else 'a meter'}."
    if any(name.startswith("RAPL") for name in meters):
        sentence += (
            " RAPL counts the whole processor: the work of others, and of cells that ran at the"
            " same time, is in it."
        )
    return sentence


def _other_code(records: Sequence[Record]) -> list[str]:
    """Modules of which the cells were not all made by the same version."""
    digests_of: dict[str, set[str]] = {}
    for record in records:
        for module, digest in ((record.get("keyed_by") or {}).get("sources") or {}).items():
            digests_of.setdefault(module, set()).add(digest)
    mixed = sorted(module for module, digests in digests_of.items() if len(digests) > 1)
    if not mixed:
        return []
    return [
        f"Not all cells were made by the same code: {join_some(mixed)} differ; `harness diff` shows"
        " where."
    ]


def _by_scenarios(records: Sequence[Record]) -> list[str]:
    """What scenarios note in their own records, such as a reference that they skipped."""
    sentences: dict[str, None] = {}
    for record in records:
        for sentence in ((record.get("outcome") or {}).get("detail") or {}).get("said", []):
            place = Place(record["cell"]["scenario"], record["cell"]["data"])
            sentences[f"{place.heading()}: {sentence}."] = None
    return list(sentences)


def _without_random(results: Sequence[Result]) -> list[str]:
    """Condensed rows with nothing beside them."""
    random = {_key(r) for r in results if r.is_random}
    alone: dict[tuple[str, str], list[str]] = {}
    for entry in (r.entry for r in results if _key(r) not in random):
        if entry.scenario != MAKING and not entry.is_reference:
            known = f", augmentation {entry.augmentation}" if entry.augmentation else ""
            alone.setdefault((entry.scenario, entry.data), []).append(
                f"{entry.condenser} ({entry.size}{known})"
            )
    return [
        f"{Place(scenario, data).heading()}: no random real images of equal count were measured"
        f" beside {join_some(list(dict.fromkeys(names)))}."
        for (scenario, data), names in alone.items()
    ]


def _key(result: Result) -> tuple[str, str, str | None, Size]:
    entry = result.entry
    return entry.scenario, entry.data, entry.augmentation, entry.size
