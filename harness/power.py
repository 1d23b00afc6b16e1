"""What a record's work took in joules, measured or estimated from CPU time, and grams of CO2 by the
grid's intensity.

joules = CPU seconds x watts per core: what the cores of the processor took at their rated power.
Memory, cooling, power supplies and the idle machine are left out, and a GPU's work is never
estimated. Source: Lannelongue et al. 2021, equation 1 with usage 1, without memory and PUE.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from condensers.hyperparameters import hyper

MEASURED, ESTIMATED = "measured", "estimated"
JOULES_A_KWH = 3.6e6
SOURCE = (
    "Green Algorithms, the power of a core of any processor (Lannelongue et al. 2021,"
    " doi:10.1002/advs.202100707)"
)


@dataclass(frozen=True)
class Power:
    """How energy is reckoned where it was not measured, and what it emits; no intensity, no
    grams.
    """

    watts_per_core: float = hyper(
        12.0, unit="W", help="power that one busy core draws", source=SOURCE, minimum=0.0
    )
    grid_intensity: float | None = hyper(
        None,
        unit="g/kWh",
        help="carbon dioxide for a kilowatt-hour of electricity",
        source="whoever runs the grid; none is assumed",
        minimum=0.0,
    )

    def joules(self, record: Mapping[str, Any]) -> tuple[float, str] | None:
        """Joules of a cell and how they were found; None where neither a meter nor the CPU time of
        all its work was read.
        """
        costs = (
            record.get("condensation")
            if record["kind"] == "condense"
            else (record.get("outcome") or {}).get("costs")
        )
        measured = (costs or {}).get("joules")
        if isinstance(measured, int | float):
            return float(measured), MEASURED
        seconds = (record.get("energy") or {}).get("cpu_seconds")
        return (
            None
            if seconds is None or _elsewhere(record)
            else (seconds * self.watts_per_core, ESTIMATED)
        )

    def grams(self, joules: float) -> float | None:
        return None if self.grid_intensity is None else joules / JOULES_A_KWH * self.grid_intensity

    def as_json(self) -> dict[str, Any]:
        default = self.watts_per_core == Power().watts_per_core
        return {
            "watts_per_core": self.watts_per_core,
            "source": SOURCE if default else "--watts-per-core",
            "grid_intensity": self.grid_intensity,
        }


def _elsewhere(record: Mapping[str, Any]) -> bool:
    """Whether the work was done before, in a table's trainings, or by processes that the cell does
    not count.
    """
    detail = (record.get("outcome") or {}).get("detail") or {}
    engine = (record["cell"].get("settings") or {}).get("engine") or "sequential"
    name = engine.get("name") if isinstance(engine, Mapping) else engine
    return "truth" in detail or name != "sequential"
