"""One cell, from its inputs to its stored record.

The same code runs in the process of the command and in its workers.
"""

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted, StorageFailed, UsageError, visible
from condensers.registry.code_digest import changed
from condensers.registry.registry import create_condenser
from condensers.sets.doubts import with_doubts
from condensers.sets.files import card_path, load_set, save_set
from condensers.sets.merging import merge
from condensers.sets.synthetic_set import SyntheticSet
from harness import energy
from harness.process import environment, shortage
from harness.store.store import Store, digest
from harness.suite.cell import Cell
from harness.suite.plan import as_budget
from scenarios.protocol import CondensationRequest, Outcome, Reference, Splits
from scenarios.registry import SCENARIOS

MAKES_A_SET = ("condense", "shard")


@dataclass(frozen=True)
class Settings:
    """What a run is given beside its cells."""

    root: Path
    command: str
    data_dir: Path | None
    validation: float
    device: str = "cpu"
    threads: int = 1
    checkpoint_seconds: float = 30.0
    deadline: float | None = None


@dataclass(frozen=True)
class Hooks:
    """How a cell tells what it does, and learns that it should stop."""

    progress: Callable[[Progress], None]
    stop: Callable[[], bool]


def run_cell(cell: Cell, settings: Settings, hooks: Hooks, data: Splits) -> str:
    """Compute `cell` and store its record, or its failure; return "done" or "failed".

    Interrupted and StorageFailed pass through. Where another process is at the same cell, it is
    waited for.
    """
    _refuse_other_code(cell)
    store = Store(settings.root)
    with store.claim(cell.key, context_of(cell, settings, hooks).must_stop) as mine:
        return _run(cell, store, settings, hooks, data) if mine else "done"


def _refuse_other_code(cell: Cell) -> None:
    """UsageError where code was edited since the plan, or differs on this node: the key is not of
    it.
    """
    names = changed(cell.sources)
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        raise UsageError(
            f"{names[0]}{more}: the code here is not the plan's; leave it as it is during a run,"
            " have one version on all nodes, and run it again"
        )


def _run(cell: Cell, store: Store, settings: Settings, hooks: Hooks, data: Splits) -> str:
    metered = energy.meter_of_work(store.work(cell.key), settings.device).start()
    begun = time.perf_counter()
    try:
        if cell.kind in MAKES_A_SET:
            result = _condense(cell, settings, hooks, data, metered)
        elif cell.architecture is not None:
            result = {
                "cell": cell.as_json(),
                "row": _row(cell.architecture, cell, context_of(cell, settings, hooks), data),
            }
        else:
            result = _measure(cell, settings, hooks, data)
            outcome, joules = result["outcome"], metered.stop().joules
            outcome["detail"] = {**outcome["detail"], **_said(outcome["detail"], data)}
            # What reading a table takes is not what its rows took.
            outcome["costs"] = {
                **outcome["costs"],
                "joules": energy.NOT_MEASURED if "truth" in outcome["detail"] else joules,
            }
        seconds, used = time.perf_counter() - begun, metered.stop()
    except (Interrupted, StorageFailed):
        raise
    except Exception as fault:
        more = f" ({short})" if (short := shortage(fault)) else ""
        told = f"{cell.title}: {type(fault).__name__}: {fault}".strip().replace("\n", " ")
        sentence = visible(told + more)
        store.write_failure(
            cell.key,
            {"cell": cell.as_json(), "sentence": sentence, "traceback": traceback.format_exc()},
        )
        return "failed"
    finally:
        metered.stop()
    record = {
        "kind": cell.kind,
        "keyed_by": cell.keyed_by,
        "environment": environment(settings.device, settings.threads),
        "command": settings.command,
        "seconds": seconds,
        "energy": used.as_json(),
        **result,
    }
    store.write_record(cell.key, record)
    return "done"


def context_of(cell: Cell, settings: Settings, hooks: Hooks) -> Context:
    return Context(
        seed=cell.seed,
        device=torch.device(settings.device),
        folder=Store(settings.root).work(cell.key),
        cache=Store(settings.root).cache,
        progress=hooks.progress,
        stop=hooks.stop,
        deadline=settings.deadline,
        checkpoint_seconds=settings.checkpoint_seconds,
    )


def _condense(
    cell: Cell, settings: Settings, hooks: Hooks, data: Splits, metered: energy.Meter
) -> dict[str, Any]:
    assert cell.budget is not None
    if cell.shards:
        synthetic = _together(cell, Store(settings.root), data)
    else:
        train, context = data.train, context_of(cell, settings, hooks)
        if cell.classes:
            train, context = train.restrict(cell.classes), context.fork(f"classes {cell.classes}")
        synthetic = create_condenser(cell.condenser).condense(
            train, as_budget(cell.budget), context
        )
        synthetic = metered.noted(synthetic)
    synthetic = with_doubts(synthetic, data.train)
    path = Store(settings.root).set_path(cell.key)
    save_set(synthetic, path)
    return {
        "cell": cell.as_json(synthetic.ipc),
        "bytes": synthetic.nbytes,
        "condensation": dict(synthetic.cost),
        "view": synthetic.card.get("view"),
        "doubts": synthetic.card.get("doubts", []),
        "set": digest(path),
        "card": digest(card_path(path)),
        "outcome": None,
    }


def _together(cell: Cell, store: Store, data: Splits) -> SyntheticSet:
    """The shards of a set as one, whose card says what that of a set made at once says."""
    merged = merge([load_set(store.require_intact(key)) for key in cell.shards])
    return SyntheticSet(
        merged.tensors, {**merged.card, "digest": data.train.digest, "seed": cell.seed}, merged.cost
    )


def _measure(cell: Cell, settings: Settings, hooks: Hooks, data: Splits) -> dict[str, Any]:
    scenario = SCENARIOS.create({"name": cell.scenario, **cell.settings})
    context = context_of(cell, settings, hooks)
    if cell.reference:
        outcome = scenario.run(Reference(cell.reference), data, context)
        return _result(cell, outcome, None, None, None)
    if cell.needs:
        synthetic = load_set(Store(settings.root).require_intact(cell.needs))
        outcome = scenario.run(synthetic, data, context)
        return _result(cell, outcome, synthetic.ipc, synthetic.nbytes, dict(synthetic.cost))
    assert cell.budget is not None
    condenser, budget = create_condenser(cell.condenser), as_budget(cell.budget)
    outcome = scenario.run(CondensationRequest(condenser, budget), data, context)
    ipc = budget.ipc_of(condenser, data.train)
    stored = condenser.nbytes(data.train, ipc)
    return _result(
        cell, outcome, ipc, stored, {"seconds": outcome.costs.get("condensation_seconds")}
    )


def _said(detail: Mapping[str, Any], data: Splits) -> dict[str, list[str]]:
    """What the scenario says, and what should be known of its data."""
    said = [*detail.get("said", []), *data.train.notes]
    return {"said": said} if said else {}


def _row(
    architecture: Mapping[str, Any], cell: Cell, context: Context, data: Splits
) -> dict[str, Any]:
    from scenarios.search.ground_truth.building import train_row

    search = SCENARIOS.create({"name": cell.scenario, **cell.settings})
    here = Splits(*(part.to(context.device) for part in (data.train, data.validation, data.test)))
    return train_row(search, architecture, here, context)


def _result(
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
