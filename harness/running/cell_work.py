"""One cell, from its inputs to its stored record, and the events it reports meanwhile.

The same code runs in the process of the command, in its workers and on the nodes of a cluster.
"""

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from condensers.engine.clock import is_one_thread
from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted, StorageFailed, UsageError, visible
from condensers.notices import heard_by
from condensers.registry.code_digest import changed
from condensers.registry.registry import create_condenser
from condensers.sets.budget import Budget
from condensers.sets.doubts import with_doubts
from condensers.sets.files import card_path, load_set, save_set
from condensers.sets.merging import merge
from condensers.sets.synthetic_set import SyntheticSet
from harness import energy
from harness.peak_memory import PeakMemory
from harness.process import environment, shortage
from harness.store.store import Store, digest
from harness.suite.cell import MAKES_A_SET, Cell
from scenarios.datasets import load
from scenarios.protocol import CondensationRequest, Outcome, Reference, Splits
from scenarios.registry import SCENARIOS

EVENT_SECONDS = 0.2  # at least so long between two reports of one cell's progress


@dataclass(frozen=True)
class RunSettings:
    """Settings that all cells of a run share; they travel to workers.

    Args:
        root: the run directory.
        command: the command that repeats the run, for the records.
        data_dir: the folder with the data sets; None for the usual one.
        validation: the share of each class's training images that is held out.
        device: "cpu", "cuda" or "cuda:N".
        threads: threads of each process.
        checkpoint_seconds: time between two checkpoints of a cell.
        deadline: when to stop, in seconds of `time.monotonic()`; None for no deadline.
    """

    root: Path
    command: str
    data_dir: Path | None
    validation: float
    device: str = "cpu"
    threads: int = 1
    checkpoint_seconds: float = 30.0
    deadline: float | None = None


@dataclass(frozen=True)
class Event:
    """An event of the cell `key`: it is started, in progress, done, failed, interrupted or lost; or
    there is a notice for the user, the name of `progress`.
    """

    key: str
    state: str
    progress: Progress | None = None


Listener = Callable[[Event], None]


@dataclass(frozen=True)
class CellWork:
    """A cell, its data, and what its run lends it."""

    cell: Cell
    settings: RunSettings
    data: Splits
    context: Context

    @property
    def store(self) -> Store:
        return Store(self.settings.root)


@lru_cache(maxsize=2)
def load_data(name: str, settings: RunSettings) -> Splits:
    """Load the data set `name` as the run prescribes; a worker keeps the last two."""
    return load(name, data_dir=settings.data_dir, validation=settings.validation)


def run_cell(
    cell: Cell,
    settings: RunSettings,
    listen: Listener,
    stopped: Callable[[], bool],
    data: Splits,
) -> str:
    """Compute one cell and store its record, or its failure.

    Args:
        cell: what to compute.
        settings: those of the run.
        listen: hears when the cell starts, and its progress a few times a second.
        stopped: whether the cell should save what it has and end.
        data: the splits of the cell's data set.

    Returns:
        "done" (also where another process has finished the cell meanwhile), "failed" or
        "interrupted".

    Raises:
        UsageError: the code here is not that of the plan.
        StorageFailed: a file could not be written, so that no cell can go on.
    """
    reported = 0.0

    def report(progress: Progress) -> None:
        nonlocal reported
        now = time.monotonic()
        if now - reported >= EVENT_SECONDS:
            reported = now
            listen(Event(cell.key, "progress", progress))

    def hand_on(notice: str) -> None:
        listen(Event(cell.key, "notice", Progress(notice, 0, 0)))

    listen(Event(cell.key, "started"))
    _refuse_other_code(cell)
    work = CellWork(cell, settings, data, cell_context(cell, settings, report, stopped))
    try:
        with (
            heard_by(hand_on),
            work.store.claim(cell.key, work.context.must_stop) as unfinished,
        ):
            return _compute(work) if unfinished else "done"
    except Interrupted:
        return "interrupted"


def cell_context(
    cell: Cell,
    settings: RunSettings,
    report: Callable[[Progress], None],
    stopped: Callable[[], bool],
) -> Context:
    """Make the context in which a cell is computed: its seed, device and folders."""
    store = Store(settings.root)
    return Context(
        seed=cell.seed,
        device=torch.device(settings.device),
        folder=store.work(cell.key),
        cache=store.cache,
        progress=report,
        stop=stopped,
        deadline=settings.deadline,
        checkpoint_seconds=settings.checkpoint_seconds,
    )


def _refuse_other_code(cell: Cell) -> None:
    """UsageError where code was edited since the plan, or differs on this node: the key would name
    other code.
    """
    names = changed(cell.sources)
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        raise UsageError(
            f"{names[0]}{more}: the code here is not the plan's; leave it as it is during a run,"
            " have one version on all nodes, and run it again"
        )


def _compute(work: CellWork) -> str:
    """Compute a cell that this process has claimed; write its record or its failure."""
    meter = energy.meter_of_work(work.store.work(work.cell.key), work.settings.device).start()
    begun, memory = time.perf_counter(), PeakMemory(work.settings.device)
    try:
        results = _results(work, meter)
        seconds, reading = time.perf_counter() - begun, meter.stop()
    except (Interrupted, StorageFailed):
        raise
    except Exception as fault:
        _store_failure(work, fault)
        return "failed"
    finally:
        meter.stop()
    record = {
        "kind": work.cell.kind,
        "keyed_by": work.cell.keyed_by,
        "environment": environment(work.settings.device, work.settings.threads),
        "command": work.settings.command,
        "seconds": seconds,
        "energy": reading.as_json(),
        "peak_memory": memory.read(),
        **results,
    }
    work.store.write_record(work.cell.key, record)
    return "done"


def _store_failure(work: CellWork, fault: Exception) -> None:
    advice = f" ({short})" if (short := shortage(fault)) else ""
    sentence = f"{work.cell.title}: {type(fault).__name__}: {fault}".strip().replace("\n", " ")
    work.store.write_failure(
        work.cell.key,
        {
            "cell": work.cell.as_json(),
            "sentence": visible(sentence + advice),
            "traceback": traceback.format_exc(),
        },
    )


def _results(work: CellWork, meter: energy.Meter) -> dict[str, Any]:
    """Do what the kind of the cell asks for; what its record says beside the circumstances."""
    if work.cell.kind in MAKES_A_SET:
        return _condense(work, meter)
    if work.cell.architecture is not None:
        return {"cell": work.cell.as_json(), "row": _train_architecture(work)}
    results = _measure(work)
    outcome, joules = results["outcome"], meter.stop().joules
    outcome["detail"] = {**outcome["detail"], **_remarks(outcome["detail"], work.data)}
    # The energy of reading a table is not that of training its rows.
    outcome["costs"] = {
        **outcome["costs"],
        "joules": energy.NOT_MEASURED if "truth" in outcome["detail"] else joules,
    }
    return results


def _condense(work: CellWork, meter: energy.Meter) -> dict[str, Any]:
    """Make the set of a cell and save it."""
    cell, train = work.cell, work.data.train
    assert cell.budget is not None
    if cell.shards:
        synthetic = _merge_shards(work)
    else:
        data, context = train, work.context
        if cell.classes:
            data, context = train.restrict(cell.classes), context.fork(f"classes {cell.classes}")
        condenser = create_condenser(cell.condenser)
        begun = time.process_time()
        synthetic = meter.add_joules(
            condenser.condense(data, Budget.from_json(cell.budget), context)
        )
        if meter.on_cpu and is_one_thread(context.device):
            cost = {**synthetic.cost, "cpu_seconds": time.process_time() - begun}
            synthetic = replace(synthetic, cost=cost)
    synthetic = with_doubts(synthetic, train)
    path = work.store.set_path(cell.key)
    save_set(synthetic, path)
    chosen = {key: synthetic.card[key] for key in ("precision",) if key in synthetic.card}
    return {
        "cell": cell.as_json(synthetic.ipc),
        **chosen,
        "bytes": synthetic.nbytes,
        "condensation": dict(synthetic.cost),
        "view": synthetic.card.get("view"),
        "doubts": synthetic.card.get("doubts", []),
        "set": digest(path),
        "card": digest(card_path(path)),
        "outcome": None,
    }


def _merge_shards(work: CellWork) -> SyntheticSet:
    """Merge the shards of a set; the card is that of a set made at once."""
    merged = merge([load_set(work.store.require_intact(key)) for key in work.cell.shards])
    card = {**merged.card, "digest": work.data.train.digest, "seed": work.cell.seed}
    return SyntheticSet(merged.tensors, card, merged.cost)


def _measure(work: CellWork) -> dict[str, Any]:
    """Run the scenario of a cell on its reference, its set, or its condenser."""
    cell, data = work.cell, work.data
    scenario = SCENARIOS.create({"name": cell.scenario, **cell.settings})
    if cell.reference:
        outcome = scenario.run(Reference(cell.reference), data, work.context)
        return _describe_outcome(cell, outcome, None, None, None)
    if cell.needs:
        synthetic = load_set(work.store.require_intact(cell.needs))
        outcome = scenario.run(synthetic, data, work.context)
        cost = dict(synthetic.cost)
        return _describe_outcome(cell, outcome, synthetic.ipc, synthetic.nbytes, cost)
    assert cell.budget is not None
    condenser, budget = create_condenser(cell.condenser), Budget.from_json(cell.budget)
    outcome = scenario.run(CondensationRequest(condenser, budget), data, work.context)
    ipc = budget.ipc_of(condenser, data.train)
    cost = {"seconds": outcome.costs.get("condensation_seconds")}
    return _describe_outcome(cell, outcome, ipc, condenser.nbytes(data.train, ipc), cost)


def _describe_outcome(
    cell: Cell,
    outcome: Outcome,
    ipc: int | None,
    nbytes: int | None,
    condensation: Mapping[str, Any] | None,
) -> dict[str, Any]:
    return {
        "cell": cell.as_json(ipc),
        "bytes": nbytes,
        "condensation": condensation,
        "outcome": outcome.as_json(),
    }


def _remarks(detail: Mapping[str, Any], data: Splits) -> dict[str, list[str]]:
    """The remarks of the scenario, and those of its data set."""
    remarks = [*detail.get("said", []), *data.train.notes]
    return {"said": remarks} if remarks else {}


def _train_architecture(work: CellWork) -> dict[str, Any]:
    """Train one architecture: a row of a ground-truth table."""
    from scenarios.search.ground_truth.building import train_row

    cell, data, device = work.cell, work.data, work.context.device
    assert cell.architecture is not None
    search = SCENARIOS.create({"name": cell.scenario, **cell.settings})
    parts = Splits(*(part.to(device) for part in (data.train, data.validation, data.test)))
    return train_row(search, cell.architecture, parts, work.context)
