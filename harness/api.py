"""The face for scripts and notebooks: plan and run a suite, read what a run directory holds.

    from harness import run

    results = run("demo", "runs/demo")
    results.to_pandas().groupby(["condenser", "metric"])["value"].mean()

It does what `harness run` does, without a terminal: finished cells are skipped, and an interrupted
run goes on when it is called again. `harness report` reads the same directory.
"""

import os
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from condensers.errors import UsageError, shown
from harness.results import Results
from harness.store.store import Store
from harness.suite.definition import SuiteSource, read, read_table
from harness.suite.overrides import apply_override
from harness.suite.toml_files import plain_table, table_to_toml, to_toml

if TYPE_CHECKING:
    from harness.suite.plan import SuitePlan
    from scenarios.protocol import Splits

Overrides = Mapping[str, Any] | Sequence[str]
AGAIN = "call run(...) again to go on"


def plan(
    suite: SuiteSource,
    *,
    overrides: Overrides = (),
    data_dir: str | PathLike[str] | None = None,
    download: bool = False,
    limit: int | None = None,
) -> "SuitePlan":
    """Check a suite whole and lay out its cells; nothing is computed or written.

    Args:
        suite: the name of a built-in suite, the path of a TOML file, or a dict of the same
            structure.
        overrides: changes to it, as `{"seeds": 3, "condensers.dm.iterations": 50}` or as the
            command line takes them, `["seeds=3"]`.
        data_dir: the folder with the data sets; HARNESS_DATA, or the usual one, if left out.
        download: whether a missing data set may be fetched.
        limit: N of a trial, as `run` takes it.

    Returns:
        The suite, its cells, and the data sets that it was checked with.

    Raises:
        UsageError: something in the suite is wrong; the text has a line for every fault.
        DataMissing: the only faults are data sets that are not there.
    """
    from harness.suite.plan import plan_suite

    return plan_suite(suite, _as_words(overrides), _as_path(data_dir), download, limit)


def run(
    suite: SuiteSource,
    directory: str | PathLike[str] | None = None,
    *,
    overrides: Overrides = (),
    workers: int = 1,
    threads: int = 1,
    device: str = "auto",
    data_dir: str | PathLike[str] | None = None,
    download: bool = False,
    checkpoint_seconds: float = 30.0,
    minutes: float | None = None,
    reuse: Sequence[str | PathLike[str]] = (),
    repair: bool = False,
    progress: bool = False,
    data: "Mapping[str, Splits] | None" = None,
    limit: int | None = None,
    until: float | None = None,
    compare: str | None = None,
    metric: str | None = None,
    most: int = 50,
) -> Results:
    """Run a suite, or go on with it; cells that are already done are skipped.

    Args:
        suite: the name of a built-in suite, the path of a TOML file, or a dict of the same
            structure. Of a dict, `suite.toml` in the run directory keeps a copy.
        directory: the run directory; runs/SUITE if left out, runs/SUITE-limit-N for a trial.
        overrides: changes to the suite, as `{"seeds": 3, "condensers.dm.iterations": 50}` or as
            the command line takes them, `["seeds=3"]`.
        workers: cells at a time; 1 means in this process, more means as many worker processes.
        threads: threads of each process.
        device: "auto", "cpu", "cuda" or "cuda:N".
        data_dir: the folder with the data sets; HARNESS_DATA, or the usual one, if left out.
        download: whether a missing data set may be fetched.
        checkpoint_seconds: time between two checkpoints of a cell.
        minutes: stop cleanly after so many minutes.
        reuse: run directories whose finished cells are copied where they are equal.
        repair: first delete damaged files of the run directory, so that they are recomputed.
        progress: whether progress is shown on standard error.
        data: data sets in memory by name, as `scenarios.from_arrays` and `from_torch` make them.
            They take the place of those of the suite. Each is written to NAME.npz in the folder
            `data` of the run directory, where workers and later runs find it.
        limit: a trial, which its records and its report say: one seed, N cells of each scenario,
            and at most N steps, epochs, networks and class orders in each.
        until: add seeds until half of the 95 % interval of what is compared is at most this, in the
            metric's unit. Why that ended is in `results.report["notes"]`.
        compare: "A:B", two sets or references that `until` compares; the first learned set and
            random images if left out.
        metric: in what, a metric or a scenario, which means the metric of its first question.
        most: seeds that `until` does not exceed.

    Returns:
        What the run directory holds now. A cell that failed is in `failures`, and the others are
        computed all the same.

    Raises:
        UsageError: the suite, an argument or the run directory is wrong.
        DataMissing: a data set is not there.
        Interrupted: Ctrl-C, SIGTERM or `minutes` stopped it; what is finished is kept.
    """
    import torch

    from harness.process import choose_device, prepare
    from harness.running.cell_work import RunSettings
    from harness.running.processes import WorkerSpec
    from harness.running.run import RunOptions, run_suite
    from harness.running.until import name_rule, run_until
    from harness.suite.plan import plan_suite

    _require_numbers(workers=workers, threads=threads, most=most)
    if not checkpoint_seconds >= 0:
        raise UsageError(f"checkpoint_seconds: {checkpoint_seconds!r} is not 0 or more")
    if until is None and (compare, metric) != (None, None):
        raise UsageError("compare and metric say what until is about; add until=WIDTH")
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    words, data_path = _as_words(overrides), _as_path(data_dir)
    named = replace(read(suite, words), limit=limit).folder
    root = named if directory is None else Path(directory)
    words += _keep_data(data or {}, root)
    planned = plan_suite(suite, words, data_path, download, limit)
    rule = None if until is None else name_rule(planned, until, compare, metric, most)
    mode = [] if limit is None else ["--limit", str(limit)]
    settings = RunSettings(
        root=root,
        command=_command(suite, root, words, [*mode, *(rule.as_words() if rule else [])]),
        data_dir=data_path,
        validation=planned.suite.validation,
        device=choose_device(device),
        threads=threads,
        checkpoint_seconds=checkpoint_seconds,
        deadline=deadline,
    )
    options = RunOptions(
        WorkerSpec(workers),
        quiet=not progress,
        repair=repair,
        others=[Store(Path(other)) for other in reuse],
        resume=AGAIN,
        suite_file=_suite_file(suite, words) if isinstance(suite, Mapping) else None,
    )
    threads_before = torch.get_num_threads()
    prepare(threads)
    try:
        if rule is None:
            store = run_suite(planned, settings, options)
        else:
            store, _ = run_until(planned, settings, options, rule)
    finally:
        torch.set_num_threads(threads_before)
    return Results(store)


def read_results(directory: str | PathLike[str]) -> Results:
    """Read a run directory; nothing is computed, and a run that is not finished may be read.

    Args:
        directory: what `harness run` or `run` has written; or reference results, as
            `reference:NAME` or a file that `harness export RUN --to reference` wrote.

    Raises:
        UsageError: it is neither.
        Damaged: a file is not as it was written; the text names every one.
    """
    from harness.reference.files import open_results

    return Results(open_results(Path(directory)))


def rank(
    *directories: str | PathLike[str],
    scenarios: Sequence[str] = (),
    data: Sequence[str] = (),
    metric: str = "",
) -> dict[str, Any]:
    """Rank the sets of runs over data sets, sizes and scenarios, as `harness rank` does.

    Args:
        *directories: run directories or reference results, as `read_results` takes them.
        scenarios: labels of the scenarios that count; all where empty.
        data: names of the data sets that count; all where empty.
        metric: by what, with or without its strategy; the first that each scenario's sets are made
            for if left out.

    Returns:
        What `harness rank --format json` prints: ranks in each task, and mean ranks over all.

    Raises:
        UsageError: there is nothing to rank, or a name is not in the results.
        Damaged: a file is not as it was written.
    """
    from harness.ranking.ranking import rank_runs
    from harness.ranking.tasks import Wanted
    from harness.reference.files import name_runs, open_results

    paths = name_runs([Path(directory) for directory in directories])
    runs = [(name, open_results(path).contents()) for name, path in paths]
    return rank_runs(runs, Wanted(tuple(scenarios), tuple(data), metric))


def _as_words(overrides: Overrides) -> list[str]:
    """Overrides as the command line takes them."""
    if isinstance(overrides, str):
        raise UsageError(f"overrides: give a list, ['{overrides}'], or a dict")
    if isinstance(overrides, Mapping):
        return [f"{key}={to_toml(value)}" for key, value in plain_table(overrides).items()]
    return list(overrides)


def _as_path(data_dir: str | PathLike[str] | None) -> Path | None:
    chosen = data_dir or os.environ.get("HARNESS_DATA")
    return Path(chosen) if chosen else None


def _keep_data(data: "Mapping[str, Splits]", root: Path) -> list[str]:
    """Write data sets in memory to files; the override by which the suite uses them."""
    if not data:
        return []
    from scenarios import load_dataset, save_npz

    names = []
    for name, splits in data.items():
        if not name or set(name) & set("/\\:,@~+\"'") or name.startswith("."):
            raise UsageError(f"data: {shown(name)} cannot name a file; write a word, such as faces")
        path = root / "data" / f"{name}.npz"
        names.append(f"npz:{path}")
        kept = load_dataset(names[-1]) if path.is_file() else None
        if kept is None or _digests(kept) != _digests(splits):
            save_npz(splits, path)
    return [f"data={to_toml(names)}"]


def _digests(splits: "Splits") -> list[object]:
    """What tells data sets apart."""
    parts = (splits.train, splits.validation, splits.test)
    return [(part.digest, part.mean, part.std, part.mirror, part.notes) for part in parts]


def _require_numbers(**given: int) -> None:
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise UsageError(f"{name}: {value!r} is not a whole number of at least 1")


def _command(suite: SuiteSource, root: Path, words: Sequence[str], mode: Sequence[str]) -> str:
    """The command that repeats the run; a dict is in the run directory as a file.

    mode: options that are no overrides, such as `--limit 2`.
    """
    if isinstance(suite, Mapping):
        file = str(root / "suite.toml")
        return shlex.join(["harness", "run", file, "--out", str(root), *mode])
    changes = [part for word in words for part in ("--set", word)]
    return shlex.join(["harness", "run", os.fspath(suite), "--out", str(root), *changes, *mode])


def _suite_file(suite: Mapping[str, Any], words: Sequence[str]) -> str:
    """The file of a suite that is a dict, its overrides included."""
    table, _, _ = read_table(suite)
    for word in words:
        apply_override(table, word)
    return table_to_toml(table)
