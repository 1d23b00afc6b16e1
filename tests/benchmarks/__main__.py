"""`make bench`: our loops against the published ones, in one run, on this machine.

PYTHONPATH=tests python -m benchmarks --only dm --rounds 9 --out runs/bench.json
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from benchmarks.bench import Bench, Options
from condensers.errors import UsageError


def parsed(arguments: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="NAME",
        help="rows, growth, memory or narrow; default: all",
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=Options.rounds,
        help="that are counted, after one to warm up (%(default)s)",
    )
    parser.add_argument(
        "--threads", type=int, default=Options.threads, help="of each process (%(default)s)"
    )
    parser.add_argument(
        "--device",
        default=Options.device,
        help="cpu, cuda or cuda:N (%(default)s); on cuda wall seconds count",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="everything small: whether it works, not how fast it is",
    )
    parser.add_argument(
        "--whole",
        action="store_true",
        help="also whole DC and DSA iterations, not put together from parts",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Options.out,
        help="JSON file, written after each row (%(default)s)",
    )
    return Options(**vars(parser.parse_args(arguments)))


def main() -> int:
    """0 done; 1 the sides disagree or a row failed; 2 wrong usage; 130 interrupted, what was
    measured is in the file.
    """
    console = Console()
    try:
        say = partial(console.print, markup=False, highlight=False, soft_wrap=True)
        bench = Bench(
            parsed(sys.argv[1:]), say, [sys.executable, "-m", "benchmarks", *sys.argv[1:]]
        )
    except UsageError as fault:
        console.print(str(fault))
        return 2
    try:
        bench.run()
    except KeyboardInterrupt:
        say(f"interrupted; what was measured is in {bench.options.out}")
        return 130
    finally:
        bench.save()
        for table in bench.tables():
            console.print(table)
    for failure in bench.failures:
        say(failure)
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
