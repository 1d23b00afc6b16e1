"""Architectures on another machine that is reached by SSH, by NNI's training service.

That machine needs this package, the same versions and a key that lets `user` in. The task (images and labels) is sent to
it; each row comes back over the network and is kept here.
"""

import socket
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from scenarios.search.engines.launching import launched
from scenarios.search.judging import Judging


@dataclass(frozen=True)
class Remote:
    """Architectures on another machine that is reached by SSH with a key.

    python: the command there that has this package, such as "/opt/env/bin/python". A trial there that is interrupted
    begins anew.
    """

    host: str = hyper("", source="ours; must be given")
    user: str = hyper("", source="ours; must be given")
    key: str = hyper("~/.ssh/id_rsa", unit="path of a private key", source="NNI")
    port: int = hyper(22, source="SSH", minimum=1)
    python: str = hyper("python3", unit="command on that machine", source="ours")
    trials: int = hyper(1, unit="architectures at once", source="ours", minimum=1)

    registered: ClassVar[str] = "remote"
    sees_folder: ClassVar[bool] = False

    def __post_init__(self) -> None:
        missing = [name for name in ("host", "user") if not getattr(self, name)]
        if missing:
            raise UsageError(f"engine remote: `{missing[0]}` is missing; say which machine to reach and as whom")

    def explore(self, judging: Judging, context: Context) -> list[dict[str, Any]]:
        key = Path(self.key).expanduser()
        if not key.is_file():
            raise UsageError(f"engine remote: {key} is no file; give the path of a private key that {self.host} accepts as `key`")
        return launched(self, judging, context)

    def address(self) -> str:
        """Where that machine reaches this one: the address from which packets to it would leave."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((self.host, self.port))
            except OSError as fault:
                raise UsageError(f"engine remote: no way to {self.host} ({fault}); check `host`") from None
            return str(probe.getsockname()[0])

    def advice(self) -> str:
        if self.address().startswith("127."):
            return ""
        return f"NNI listens on all interfaces without a password: let only {self.host} through the firewall"

    def training_service(self) -> Any:
        from nni.experiment.config.training_services import RemoteConfig, RemoteMachineConfig  # NNI takes seconds to import

        machine = RemoteMachineConfig(host=self.host, port=self.port, user=self.user)
        machine.ssh_key_file = str(Path(self.key).expanduser())
        if "/" in self.python:
            machine.python_path = str(PurePosixPath(self.python).parent)  # else NNI installs itself into another one
        return RemoteConfig(machine_list=[machine])
