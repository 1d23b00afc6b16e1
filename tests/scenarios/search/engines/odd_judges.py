"""A judge that misbehaves as it is told, in a module that the trials' processes can import."""

import ctypes
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.engine.context import Context
from condensers.errors import Interrupted


@dataclass(frozen=True)
class Odd:
    """ways: what becomes of an architecture, by name; the others have the score 1."""

    ways: Mapping[str, str]

    measures: ClassVar[str] = "nothing"
    unit: ClassVar[str] = ""
    independent_seed: ClassVar[bool] = False

    def judge(self, spec: Any, name: str, context: Context) -> Any:
        way = self.ways.get(name, "")
        if way == "raise":
            raise RuntimeError("out of memory")
        if way == "nothing":
            return None
        if way == "not a number":
            return {"score": float("nan"), "seconds": 0.0, "images": 0}
        if way == "exit":
            os._exit(0)
        if way == "deaf":  # a call into C that never returns: no alarm is heard
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
            ctypes.CDLL(None).pause()
        while way == "hang":
            time.sleep(0.01)
        while way == "slow":
            time.sleep(0.01)
            if context.must_stop():
                raise Interrupted("between steps")
        return {"score": 1.0, "seconds": 0.0, "images": 0}
