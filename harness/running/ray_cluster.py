"""Runs cells as tasks of a Ray cluster: which node takes one, and when, is Ray's business.

Every node has this package installed and finds the data as the command does; it sees the run
directory under the same path (a shared folder), or shares a depot. A task asks for the processors
of its threads, for memory where that is told, and for a GPU where the device is one. A task whose
process or node is gone is lost, which `harness.running.scheduler` knows how to mend; Ray itself
retries nothing.

Source: the Ray documentation, "Tasks", "Actors" and "Fault tolerance".
"""

import os
import pickle
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from condensers.errors import HarnessError, UsageError, brief
from harness.process import environment, prepare
from harness.running.cell_work import Event, Listener, RunSettings, load_data, run_cell
from harness.running.messages import Messages
from harness.running.scheduler import WorkerPool
from harness.store.depot import Depot, node_folder
from harness.store.store import Store
from harness.store.upkeep import refuse_node, versions
from harness.suite.cell import Cell

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.actor import ActorHandle

ASK_SECONDS, CONNECT_SECONDS = 1.0, 5.0
CARRIED = ("HARNESS_CACHE", "HARNESS_DATA", "HARNESS_DECODED", "PYTHONPATH")
MISSING = 'Ray is not installed; pip install "condensation-harness[cluster]"'


@dataclass(frozen=True)
class ClusterLimits:
    """Limits of the tasks on a cluster.

    most: cells at a time, None for as many as there is room for. memory: bytes of a cell, None if
    not known. share: URL of a depot, if nodes share no folder. mix_versions: nodes may have other
    versions than the command.
    """

    most: int | None = None
    memory: int | None = None
    share: str | None = None
    mix_versions: bool = False


@dataclass(frozen=True)
class TaskContext:
    """All that a task needs beside its cell. expected: versions of a node; None for any."""

    messages: "ActorHandle"  # of the actor `Messages`
    share: str | None
    expected: Mapping[str, Any] | None


class Cluster(WorkerPool):
    """A cluster's processors as workers. address: "local" starts Ray on this machine; else where
    one listens, or "auto".

    UsageError where there is no Ray, or no cluster at the address.
    """

    def __init__(
        self, address: str, settings: RunSettings, listen: Listener, limits: ClusterLimits
    ) -> None:
        try:
            import ray
        except ImportError:
            raise UsageError(f"--ray {address}: {MISSING}") from None
        self.ray: ModuleType = ray
        self.listen, self.most = listen, limits.most
        self.depot = Depot(limits.share) if limits.share else None
        self.settings = replace(
            settings,
            root=settings.root.resolve(),
            data_dir=settings.data_dir and Path(settings.data_dir).resolve(),
        )
        self.ours = not ray.is_initialized()
        _connect(ray, address, settings.threads)
        gpus = 1 if settings.device.startswith("cuda") else 0
        self.cpus = settings.threads
        # The messages live where the command runs, whose end is the end of the run.
        on_this_node = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False
        )
        self.messages = (
            self.ray.remote(Messages).options(num_cpus=0, scheduling_strategy=on_this_node).remote()
        )
        ray.get(self.messages.__ray_ready__.remote())  # there before the first task is told of it
        self.task = self.ray.remote(_task).options(
            num_cpus=self.cpus, num_gpus=gpus, memory=limits.memory, max_retries=0
        )
        expected = (
            None
            if limits.mix_versions
            else versions(environment(settings.device, settings.threads))
        )
        self.context = TaskContext(self.messages, limits.share, expected)
        self.busy: dict[ObjectRef, Cell] = {}

    @property
    def free(self) -> int:
        """One more than the cluster has room for, so that one that grows on demand sees what is
        wanted.
        """
        room = int(self.ray.cluster_resources().get("CPU", 0) // self.cpus) + 1
        return max(0, min(room, self.most or room) - len(self.busy))

    def begin(self, cell: Cell) -> None:
        if self.depot:
            for need in cell.all_needs:
                self.depot.restore(Store(self.settings.root), need)
        self.busy[self.task.remote(cell, self.settings, self.context)] = cell

    def wait(self, seconds: float) -> list[tuple[Cell, str]]:
        if not self.busy:
            time.sleep(seconds)
            return []
        finished, _ = self.ray.wait(list(self.busy), num_returns=1, timeout=seconds)
        for event in self.ray.get(self.messages.take.remote()):
            self.listen(pickle.loads(event))  # written by a task of this very run
        cells = {task: self.busy.pop(task) for task in finished}
        return [(cell, self._state(task, cell.key)) for task, cell in cells.items()]

    def _state(self, task: "ObjectRef", key: str) -> str:
        try:
            state: str | HarnessError = self.ray.get(task)
        except self.ray.exceptions.RayTaskError:
            raise  # a fault of ours, which would come again
        except self.ray.exceptions.RayError:
            return "lost"
        if isinstance(state, HarnessError):
            raise state
        if self.depot and state == "done" and not self.depot.pull(Store(self.settings.root), key):
            return "lost"
        return state

    def halt(self) -> None:
        self.messages.halt.remote()

    def close(self) -> None:
        self.halt()
        while self.busy:
            finished, _ = self.ray.wait(list(self.busy), num_returns=1)
            for task in finished:
                del self.busy[task]
        if self.ours:
            self.ray.shutdown()


def _connect(ray: ModuleType, address: str, threads: int) -> None:
    _require_listener(address)
    os.environ["RAY_USAGE_STATS_ENABLED"] = (
        "0"  # Ray would report statistics of its use to its makers
    )
    carried = {name: os.environ[name] for name in CARRIED if name in os.environ}
    environment = {"env_vars": {**carried, "OMP_NUM_THREADS": str(threads)}}
    where = {"include_dashboard": False} if address == "local" else {"address": address}
    try:
        ray.init(
            **where,
            runtime_env=environment,
            log_to_driver=False,
            logging_level="error",
            ignore_reinit_error=True,
        )
    except (ConnectionError, ValueError, RuntimeError) as fault:
        raise UsageError(
            f"--ray {address}: no cluster there ({brief(fault)}); start one with: ray start --head"
        ) from None


def _require_listener(address: str) -> None:
    """Ray itself tries for minutes; UsageError at once where nothing listens at HOST:PORT."""
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if not colon or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except OSError as fault:
        raise UsageError(
            f"--ray {address}: no cluster there ({fault.strerror}); start one with: ray start"
            " --head"
        ) from None


class _StopQuery:
    """Asks once a second whether the run is being stopped; yes if nobody is left to ask."""

    def __init__(self, messages: "ActorHandle") -> None:
        self.messages, self.asked_at, self.answer = messages, time.monotonic(), False

    def __call__(self) -> bool:
        import ray

        if not self.answer and time.monotonic() - self.asked_at >= ASK_SECONDS:
            try:
                self.answer = bool(ray.get(self.messages.must_halt.remote()))
            except ray.exceptions.RayError:
                self.answer = True
            self.asked_at = time.monotonic()
        return self.answer


def _task(cell: Cell, settings: RunSettings, context: TaskContext) -> str | HarnessError:
    """Compute one cell somewhere; its state, or why nothing can be computed here."""
    prepare(settings.threads)

    def tell(event: Event) -> None:
        context.messages.tell.remote(pickle.dumps(event))

    try:
        if context.expected is not None:
            found = versions(environment(settings.device, settings.threads))
            refuse_node(context.expected, found, socket.gethostname())
        if context.share:
            return run_shared_cell(
                cell, settings, tell, _StopQuery(context.messages), context.share
            )
        if not Store(settings.root).described:
            raise UsageError(
                f"{settings.root}: not seen from a node of the cluster; give --out a folder that"
                " all nodes share, or --share URL"
            )
        data = load_data(cell.data, settings)
        return run_cell(cell, settings, tell, _StopQuery(context.messages), data)
    except HarnessError as fault:
        return fault


def run_shared_cell(
    cell: Cell, settings: RunSettings, listen: Listener, stopped: Callable[[], bool], share: str
) -> str:
    """Run one cell in a folder of this node; take what it needs from the depot, put its results
    there.

    Returns:
        The state of `run_cell`, or "lost" where the depot lacks a set that the cell needs and this
        node has none to give back.
    """
    depot = Depot(share)
    store = Store(node_folder(share))
    if depot.restore(store, cell.key):
        return "done"
    if not all(depot.restore(store, need) for need in cell.all_needs):
        return "lost"
    depot.pull_work(store, cell.key)

    def listen_and_push(event: Event) -> None:
        listen(event)
        depot.push_work(store, cell.key)

    on_node = replace(settings, root=store.root)
    data = load_data(cell.data, on_node)
    state = run_cell(cell, on_node, listen_and_push, stopped, data)
    if state == "interrupted":
        depot.push_work(store, cell.key)
    else:
        depot.push(store, cell.key)
    return state
