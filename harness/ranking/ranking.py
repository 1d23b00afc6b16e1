"""Tasks -> the ranking, as one JSON object: ranks in each task, and mean ranks over all of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from condensers.errors import UsageError
from harness.ranking.tasks import Task, Wanted, find_tasks
from harness.report.chapters import read_run
from harness.report.results import Record
from harness.report.rows import finite
from harness.report.runs import merge_runs
from harness.report.wording import join_some
from harness.statistics.mean_ranks import FEWEST, RankEstimate, estimate_ranks

Contents = tuple[Mapping[str, Any], Sequence[Record], Sequence[Mapping[str, Any]]]
METHOD = (
    "Ranks are of means over the seeds that all sets of a task share; equal means share a rank. In"
    " brackets the 95 % interval of each rank by itself, from draws of the means with Student's"
    " spread, paired by seed (Hall & Miller, 2009); over several tasks it is that of the mean rank"
    " of as many other seeds. First: in how many of the draws a set is first, ties shared."
)


def rank_runs(runs: Sequence[tuple[str, Contents]], wanted: Wanted | None = None) -> dict[str, Any]:
    """Rank the sets of runs.

    Args:
        runs: suite, records and failures of each run, by its name.
        wanted: which scenarios, data and metric; None for all.

    Returns:
        {"runs", "tasks", "overall", "notes", "method"}. A task says where it stands and lists its
        sets, best first: {"set", "mean", "rank", "low", "high", "first", "bytes"}. "overall" has
        "sets", those that every task has, with the mean of their ranks among themselves, and the
        numbers of "tasks" and "data"; its sets are [] where fewer than two are in every task.

    Raises:
        UsageError: no two sets were measured by the same, or something is asked for that the runs
            do not have.
    """
    suite, records, _ = merge_runs(runs)
    tasks = find_tasks(read_run(suite, records), wanted or Wanted())
    if not tasks:
        raise UsageError(
            f"{join_some([name for name, _ in runs])}: no two sets of one size were measured by the"
            " same scenario on the same seeds, so there is nothing to rank; run a suite with"
            " several methods, or name the runs that have them"
        )
    overall = _rank_overall(tasks)
    return {
        "runs": [name for name, _ in runs],
        "tasks": [_rank_task(task) for task in tasks],
        "overall": overall,
        "notes": [*_name_runs(runs, tasks), *_write_notes(tasks, overall)],
        "method": METHOD,
    }


def _rank_task(task: Task) -> dict[str, Any]:
    first = task.results[0]
    estimates = estimate_ranks([task.values_of(list(task.values))])
    sets = [
        {
            "set": result.entry.condenser,
            "mean": finite(sum(own[key] for key in task.keys) / len(task.keys)),
            "bytes": result.nbytes,
            **_as_json(estimate),
        }
        for result, own, estimate in zip(task.results, task.values.values(), estimates, strict=True)
    ]
    return {
        "scenario": task.place.scenario,
        "data": task.place.data,
        "variant": task.place.variant,
        "recipe": task.place.augmentation,
        "budget": task.size.budget or None,
        "ipc": task.size.ipc or None,
        "metric": task.metric,
        "unit": first.unit,
        "higher_is_better": first.higher_is_better,
        "n": len(task.keys),
        "over": task.over,
        "sets": sorted(sets, key=lambda one: one["rank"]),
    }


def _rank_overall(tasks: Sequence[Task]) -> dict[str, Any]:
    """Mean ranks of the sets that every task has, among themselves."""
    shared = [name for name in tasks[0].values if all(name in task.values for task in tasks)]
    sets: list[dict[str, Any]] = []
    if len(shared) > 1:
        estimates = estimate_ranks([task.values_of(shared) for task in tasks])
        sets = [
            {"set": name, **_as_json(estimate)}
            for name, estimate in zip(shared, estimates, strict=True)
        ]
    return {
        "sets": sorted(sets, key=lambda one: one["rank"]),
        "tasks": len(tasks),
        "data": len({task.place.data for task in tasks}),
        "left_out": list(
            dict.fromkeys(name for task in tasks for name in task.values if name not in shared)
        ),
    }


def _as_json(estimate: RankEstimate) -> dict[str, Any]:
    return {
        "rank": estimate.rank,
        "low": estimate.low,
        "high": estimate.high,
        "first": estimate.first,
    }


def _name_runs(runs: Sequence[tuple[str, Contents]], tasks: Sequence[Task]) -> Iterator[str]:
    """Sentences on runs that hold nothing to rank, and on those whose seeds followed a rule."""
    used = {(task.place.scenario, task.place.data) for task in tasks}
    unused = [
        name
        for name, (_, records, _) in runs
        if not used & {(r["cell"].get("scenario"), r["cell"]["data"]) for r in records}
    ]
    if unused:
        yield f"Nothing to rank in {join_some(unused)}."
    stopped = [name for name, (suite, _, _) in runs if suite.get("until")]
    if stopped:
        yield (
            f"Seeds of {join_some(stopped)} were added until an interval was narrow enough; the"
            " intervals of ranks make no allowance for that."
        )


def _write_notes(tasks: Sequence[Task], overall: Mapping[str, Any]) -> Iterator[str]:
    if overall["left_out"]:
        some = join_some(overall["left_out"])
        if overall["sets"]:
            yield f"Not in every task, and so in no mean rank: {some}."
        else:
            yield "Fewer than two sets are in every task, so there are no mean ranks."
    few = sum(len(task.keys) < FEWEST for task in tasks)
    if few:
        yield (
            f"{few} of {len(tasks)} tasks have fewer than {FEWEST} seeds: there ranks have no"
            " interval, and neither have mean ranks."
        )
    single = sum(task.over != "seeds" for task in tasks)
    if single:
        yield (
            f"{single} of {len(tasks)} tasks have one seed: ranks vary over networks or class"
            " orders of one set, not over sets."
        )
    differ = sum(task.bytes_differ for task in tasks)
    if differ:
        yield (
            f"In {differ} of {len(tasks)} tasks sets of one size take different bytes: they are"
            " ranked as they were asked for. --format json has the bytes."
        )
    if overall["data"] == 1:
        yield "All tasks are of one data set: nothing is said of others."
