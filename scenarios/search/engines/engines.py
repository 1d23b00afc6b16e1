"""What an engine gives the search: the rows of the architectures that the strategy chose."""

import itertools
import socket
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from scenarios.search.baselines.base import Judge
from scenarios.search.engines.launching import launch_search
from scenarios.search.judging import Judging, SearchPlan

if TYPE_CHECKING:
    from scenarios.search.nni_experiment import SearchTrial


class Engine(ABC):
    """Base class of the engines, which run the trials of a search: frozen dataclasses.

    Scores are the same whatever the engine; seconds are not.
    """

    registered: ClassVar[str] = ""

    @abstractmethod
    def explore(self, judging: Judging, context: Context) -> list[dict[str, Any]]:
        """Score up to `judging.plan.limit` architectures.

        Args:
            judging: What is tried and how it is scored.
            context: That of the search; what is finished is kept in its folder.

        Returns:
            A row for each architecture, in the order they were tried: that of `Judging.row`, or
            its id, its choices and an "error".

        Raises:
            Interrupted: The context says stop.
        """


class ServiceEngine(Engine):
    """Base class of the engines that run trials by NNI's training service.

    Attributes:
        trials: How many architectures are trained at once.
        python: The command that runs Python where the trials run; "" for this one.
        sees_folder: Whether trials can write to the folder of the search.
    """

    trials: int
    python: str = ""
    sees_folder: ClassVar[bool]

    def explore(self, judging: Judging, context: Context) -> list[dict[str, Any]]:
        return launch_search(self, judging, context)

    @abstractmethod
    def address(self) -> str:
        """Return the address at which trials reach this machine."""

    def advice(self) -> str:
        """Return a sentence of advice, or ""."""
        return ""

    @abstractmethod
    def training_service(self) -> Any:
        """Return the configuration of NNI's training service; imports NNI."""


@dataclass(frozen=True)
class SequentialEngine(Engine):
    """One architecture after the other, in the process of the command."""

    registered: ClassVar[str] = "sequential"

    def explore(self, judging: Judging, context: Context) -> list[dict[str, Any]]:
        plan, found, done = judging.plan, dict[str, dict[str, Any]](), itertools.count(1)

        def score(choice: Mapping[str, Any]) -> float:
            row = found[plan.identifier(choice)] = judging.row(choice, context)
            context.progress(
                Progress("search", next(done), plan.limit, f"{row['id']} {row['score']:.4g}")
            )
            return plan.guide(row)

        trials = try_architectures(plan, score, context.folder)
        named = {
            plan.identifier(trial.choice): trial for trial in trials
        }  # a strategy may choose one twice
        return [
            judging.make_failure_row(t.choice, t.error) if t.score is None else found[name]
            for name, t in named.items()
        ]


def try_architectures(
    plan: SearchPlan, score: Callable[[Mapping[str, Any]], float], folder: Path | None
) -> "list[SearchTrial]":
    """What the plan's strategy tries, in order, where `score` tells it of each choice; NNI writes
    below `folder` / nni.
    """
    from scenarios.search.model_space import ChoiceSpace
    from scenarios.search.nni_experiment import explore  # NNI takes seconds to import

    with ExitStack() as stack:
        home = (
            folder / "nni" if folder else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        )
        stack.enter_context(
            torch.random.fork_rng(devices=[])
        )  # NNI's models draw weights that nobody uses
        return explore(
            ChoiceSpace(plan.space), plan.strategy.of_nni(plan.seed), plan.limit, score, home
        )


@dataclass(frozen=True)
class LocalEngine(ServiceEngine):
    """Several architectures at once on this machine, each in a process of its own, by NNI's
    training service.
    """

    trials: int = hyper(
        2,
        unit="architectures",
        help="architectures trained at the same time",
        source="ours",
        minimum=1,
    )

    registered: ClassVar[str] = "local"
    sees_folder: ClassVar[bool] = True

    def address(self) -> str:
        return "127.0.0.1"

    def training_service(self) -> Any:
        from nni.experiment.config.training_services import (
            LocalConfig,
        )  # NNI takes seconds to import

        return LocalConfig()


@dataclass(frozen=True)
class RemoteEngine(ServiceEngine):
    """Architectures on another machine that is reached by SSH with a key.

    python: the command there that has this package, such as "/opt/env/bin/python". A trial there
    that is interrupted begins anew.

    Architectures on another machine that is reached by SSH, by NNI's training service.

    That machine needs this package, the same versions and a key that lets `user` in. The task
    (images and labels) is sent to it; each row comes back over the network and is kept here.
    """

    host: str = hyper("", help="name or address of the machine", source="ours; must be given")
    user: str = hyper("", help="user on that machine", source="ours; must be given")
    key: str = hyper("~/.ssh/id_rsa", help="path of a private key", source="NNI")
    port: int = hyper(22, help="port of its SSH server", source="SSH", minimum=1)
    python: str = hyper("python3", help="command that starts Python on that machine", source="ours")
    trials: int = hyper(
        1,
        unit="architectures",
        help="architectures trained at the same time",
        source="ours",
        minimum=1,
    )

    registered: ClassVar[str] = "remote"
    sees_folder: ClassVar[bool] = False

    def __post_init__(self) -> None:
        given = {"host": self.host, "user": self.user}
        missing = [name for name, value in given.items() if not value]
        if missing:
            raise UsageError(
                f"engine remote: `{missing[0]}` is missing; say which machine to reach and as whom"
            )

    def explore(self, judging: Judging, context: Context) -> list[dict[str, Any]]:
        key = Path(self.key).expanduser()
        if not key.is_file():
            raise UsageError(
                f"engine remote: {key} is no file; give the path of a private key that {self.host}"
                " accepts as `key`"
            )
        return launch_search(self, judging, context)

    def address(self) -> str:
        """Where that machine reaches this one: the address from which packets to it would leave."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((self.host, self.port))
            except OSError as fault:
                raise UsageError(
                    f"engine remote: no way to {self.host} ({fault}); check `host`"
                ) from None
            return str(probe.getsockname()[0])

    def advice(self) -> str:
        if self.address().startswith("127."):
            return ""
        return (
            f"NNI listens on all interfaces without a password: let only {self.host} through the"
            " firewall"
        )

    def training_service(self) -> Any:
        from nni.experiment.config.training_services import (
            RemoteConfig,
            RemoteMachineConfig,
        )  # NNI takes seconds to import

        machine = RemoteMachineConfig(host=self.host, port=self.port, user=self.user)
        machine.ssh_key_file = str(Path(self.key).expanduser())
        if "/" in self.python:
            machine.python_path = str(
                PurePosixPath(self.python).parent
            )  # else NNI installs itself into another one
        return RemoteConfig(machine_list=[machine])


def explore_space(
    plan: SearchPlan, judge: Judge, data: ClassData, context: Context, engine: Engine | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Run the NNI experiment of a plan.

    Args:
        plan: What is tried.
        judge: What scores an architecture.
        data: Gives shape and classes.
        context: That of the search.
        engine: What runs the trials; one after the other by default.

    Returns:
        The rows of architectures with a score, and those of architectures without.
    """
    rows = (engine or SequentialEngine()).explore(
        Judging(plan, judge, data.shape, len(data.class_names)), context
    )
    return [row for row in rows if "error" not in row], [row for row in rows if "error" in row]
