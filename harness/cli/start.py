"""Where the command begins: Ctrl-C and SIGTERM are heard before what takes time to import is imported."""

import sys

from harness.signals import Stopped, deafen, goes_on, interruptible


def main() -> None:
    """Import the verbs and run the one that is asked for."""
    try:
        with interruptible():
            from harness.cli.app import main as run
    except Stopped:
        deafen()
        print(f"interrupted: {goes_on()}", file=sys.stderr)
        sys.exit(130)
    run()
