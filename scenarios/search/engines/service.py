"""The process in which NNI's training service runs a search: `python -m
scenarios.search.engines.service FOLDER`.

It has one of its own because its working directory is sent to every machine that runs trials, and
because NNI (3.0) hears of a wish to stop by signals only. When the process that started it is gone,
it ends too, and what it started with it.
"""

import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

from scenarios.search.engines.task import OWNER, end_with_parent

SECONDS_TO_STOP, SECONDS_ALONE = 15, 2


def main(folder: Path) -> None:
    """Run the experiment whose task is in `folder`; FOLDER/trials.json then says what was tried."""
    signal.signal(signal.SIGTERM, partial(_stop, os.getppid()))
    end_with_parent(signal.SIGTERM)
    if os.getppid() != int(os.environ[OWNER]):
        sys.exit("the process that started this search is gone")
    os.environ[OWNER] = str(os.getpid())
    from scenarios.search.engines.server import serve  # NNI takes seconds to import

    serve(folder)


def _stop(parent: int, number: int, frame: Any) -> None:
    """NNI stops its trials on an interrupt; should it take too long, the alarm ends this process,
    and that the others.

    Nobody waits where the parent is gone, and the folder may soon be somebody else's.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.alarm(SECONDS_TO_STOP if os.getppid() == parent else SECONDS_ALONE)
    raise KeyboardInterrupt


if __name__ == "__main__":
    main(Path(sys.argv[1]))
