"""Whether condensed memories beat real images in continual learning, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.kinds import AVERAGES, CONDENSED, REAL
from harness.report.wording import estimate, listed, sizes

NAMED = 3
Row = Mapping[str, Any]


def compared_memories(rows: Sequence[Row]) -> list[dict[str, str]]:
    """One {"question", "answer"} for each scenario, data set, variant and recipe with condensed memories and real rivals."""
    own = [row for row in rows if row["kind"] == CONDENSED]
    places = dict.fromkeys((row["scenario"], row["data"], row["variant"], row["recipe"]) for row in own if row["rival"] == REAL)
    found = []
    for place in places:
        here = [row for row in own if (row["scenario"], row["data"], row["variant"], row["recipe"]) == place]
        scenario, data, variant, recipe = place
        where = ", ".join(part for part in (data, variant, f"augmentation {recipe}" if recipe else "") if part)
        question = f"Does a condensed memory beat the best real images of its bytes on {where} ({scenario})?"
        found.append({"question": question, "answer": _answer(here)})
    return found


def _answer(rows: Sequence[Row]) -> str:
    real, averages = ([row for row in rows if row["rival"] == kind] for kind in (REAL, AVERAGES))
    strategies = list(dict.fromkeys(str(row["strategy"]) for row in real))
    tried = f"{len(real)} comparison{'s' if len(real) > 1 else ''} (strategy {listed(strategies)})"
    if len(strategies) > 1:
        tried = f"{len(real)} comparisons over {len(strategies)} strategies"
    won = sorted((row for row in real if row["beats"]), key=_gain, reverse=True)
    if won:
        said = [f"In {len(won)} of {tried} final accuracy is higher and forgetting lower, both distinguishable:"]
        said.append(f"{'; '.join(map(_told, won[:NAMED]))}{f'; and {len(won) - NAMED} more' if len(won) > NAMED else ''}.")
    else:
        said = [f"No: in none of {tried} is final accuracy higher and forgetting lower, both distinguishable."]
        said.append(f"The largest difference in final accuracy: {_told(max(real, key=_gain))}.")
    worse = sum(row["worse"] for row in real)
    said += [f"In {worse} it is the other way round."] if worse else []
    if averages:
        named = listed(list(dict.fromkeys(str(row["against"]) for row in averages)))
        said.append(f"Against {named} (averages of real images): {sum(r['beats'] for r in averages)} of {len(averages)}.")
    most = max(row["picked_from"] for row in real)
    said.append("The first named is the best of all on these figures." if len(real) > 1 else "")
    said.append(f"The real images were picked from up to {most} memories on the same figures." if most > 1 else "")
    return " ".join(part for part in said if part)


def _gain(row: Row) -> float:
    return float(row["accuracy"]["difference"])


def _told(row: Row) -> str:
    size = f"{sizes(row['bytes'])} bytes"
    accuracy = estimate(row["accuracy"], "points", "difference", signed=True)
    less = row["forgetting"]
    forgotten = f", forgetting {estimate(less, 'points', 'difference', signed=True)}" if less else ""
    rival = f"{row['against']} ({sizes(row['against_bytes'])} bytes)"
    return f"{row['condenser']} with {row['strategy']}, {size}, against {rival}: accuracy {accuracy}{forgotten} points"
