"""A factorial design in place of a list of condensers: every factor has levels, and a set is made
for combinations of them.

    [design]
    fraction = "latin"                      # or "full", all combinations
    [[design.method]]                       # a factor; its first level is the one that the others
    are compared with
    level = "dm"                            # the level's name; what else stands here are fields of
    the condenser
    method = "dm"
    [[design.view]]
    level = "no view"
    [[design.view]]
    level = "attention"
    view = "attention"

The Latin fraction takes those combinations in which the position of the last factor's level is the
sum of the others' positions modulo the number of its levels: of a x b x c combinations a x b, in
which each level of the last factor meets every level of the others as evenly as can be. Main
effects can be told apart; two-factor interactions cannot (Montgomery, Design and Analysis of
Experiments, chapter 4).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Any

from condensers.errors import shown, suggestion

FRACTIONS = ("full", "latin")
MOST = 10_000  # combinations, before a fraction of them is taken


@dataclass(frozen=True)
class Design:
    """factors: name -> names of its levels in order, the baseline first. runs: label of a condenser
    -> factor -> level.
    """

    factors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    runs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "factors": {name: list(levels) for name, levels in self.factors.items()},
            "runs": dict(self.runs),
        }


def expand(table: Mapping[str, Any], faults: list[str]) -> tuple[Design, list[dict[str, Any]]]:
    """The design of a suite's [design] and its condensers, as [[condensers]] tables; `faults` gets
    what is wrong with it.
    """
    fraction = table.get("fraction", "full")
    if not isinstance(fraction, str) or fraction not in FRACTIONS:
        faults.append(
            f"design.fraction: unknown {shown(fraction)}; {suggestion(str(fraction), FRACTIONS)}"
        )
    factors = {name: levels for name, levels in table.items() if name != "fraction"}
    before = len(faults)
    for name, levels in factors.items():
        faults += _faults_of(name, levels)
    if not factors:
        faults.append("design: names no factor; write its levels as [[design.NAME]] tables")
    if len(faults) == before and prod(map(len, factors.values())) > MOST:
        faults.append(f"design: has more than {MOST} combinations; leave out factors or levels")
    if len(faults) > before or not factors:
        return Design(), []
    entries, runs = [], {}
    for positions in product(*(range(len(levels)) for levels in factors.values())):
        *others, last = positions
        if fraction == "latin" and last != sum(others) % len(list(factors.values())[-1]):
            continue
        chosen = {
            name: levels[at] for (name, levels), at in zip(factors.items(), positions, strict=True)
        }
        label = ", ".join(level["level"] for level in chosen.values())
        runs[label] = {name: level["level"] for name, level in chosen.items()}
        fields = [
            {key: value for key, value in level.items() if key != "level"}
            for level in chosen.values()
        ]
        entries.append(
            {"label": label} | {key: value for one in fields for key, value in one.items()}
        )
    return (
        Design(
            {name: [level["level"] for level in levels] for name, levels in factors.items()}, runs
        ),
        entries,
    )


def _faults_of(name: str, levels: Any) -> list[str]:
    if not isinstance(levels, list) or not all(isinstance(level, dict) for level in levels):
        return [f"design.{name}: write each level as a [[design.{name}]] table"]
    names = [level.get("level") for level in levels]
    nameless = [at for at, one in enumerate(names) if not isinstance(one, str) or not one]
    if nameless:
        return [f"design.{name}[{at}]: needs a `level`, its name" for at in nameless]
    found = [
        f"design.{name}: level {shown(one)} stands twice"
        for one in dict.fromkeys(names)
        if names.count(one) > 1
    ]
    if len(levels) < 2:
        found.append(f"design.{name}: has one level; a factor needs two at least")
    return found
