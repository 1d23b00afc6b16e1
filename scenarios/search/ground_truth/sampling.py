"""A sample of a ground-truth table that has power: one architecture from each of equal parts of the
order of true accuracy.
"""

import numpy as np

from condensers.errors import UsageError
from scenarios.search.ground_truth.table import GroundTruthTable, make_table
from scenarios.search.spaces.cell_strings import isomorphism_class
from scenarios.search.spaces.nas_bench_201 import NasBench201Space

CLASSES = {NasBench201Space.registered: isomorphism_class}


def sample_strata(
    table: GroundTruthTable, count: int, seed: int, above: float = 0.0
) -> GroundTruthTable:
    """Draw architectures from all of the order of true accuracy, no two of which are one network.

    Args:
        table: The truth of many architectures.
        count: How many to draw, one from each of so many equal parts of the order.
        seed: Of the draws.
        above: Mean test accuracy in % that an architecture must exceed; what does not train at all
            is ranked by any score.

    Returns:
        A table of the rows of these architectures, which says how it was drawn.

    Raises:
        UsageError: Fewer architectures than `count` are left.
    """
    draws = np.random.default_rng(seed)
    tests: dict[str, list[float]] = {}
    choices = table.architectures
    for row in table.rows:
        tests.setdefault(row["id"], []).append(row["test"])
    same = CLASSES.get(table.target.space["name"])
    first: dict[str, str] = {}
    for name in draws.permutation(sorted(tests)).tolist():
        first.setdefault(same(choices[name]) if same else name, name)
    known = {name: float(np.mean(tests[name])) for name in first.values()}
    left = sorted((mean, name) for name, mean in known.items() if mean > above)
    if not 2 <= count <= len(left):
        raise UsageError(
            f"truth sample: {count} architectures asked for, and {len(left):,} that differ are"
            f" above {above:g} %; take from 2 to so many"
        )
    parts = np.array_split(np.array([name for _, name in left]), count)
    chosen = {str(draws.choice(part)) for part in parts}
    how = {"architectures": count, "seed": seed, "above": above, "of": table.content}
    rows = [row for row in table.rows if row["id"] in chosen]
    made = [{**one, "sampled": how} for one in table.made]
    return make_table(table.target, table.choices, made, rows)
