"""NNI's TPE for spaces of choices only.

NNI's tuner leaves the estimator for good and goes through the grid once it has suggested one
architecture twice, which it soon does where all is chosen from lists. Here a repeated suggestion
gives way to draws from the estimate for good architectures, of which no best candidate is taken,
and to uniform ones where those have all been tried.
"""

import json
import logging
from typing import Any

import nni
from nni.algorithms.hpo import random_tuner
from nni.algorithms.hpo.tpe_tuner import TpeTuner, deformat_parameters, suggest

from scenarios.search.nni_imports import HPOTunerStrategy

ATTEMPTS = 100


class ChoiceTuner(TpeTuner):  # type: ignore[misc]
    """Maximises; never suggests the same twice."""

    def __init__(self, seed: int, startup: int) -> None:
        logging.getLogger("nni.tuner.tpe").setLevel(logging.WARNING)  # else it prints its seed
        super().__init__(
            "maximize", seed, {"n_startup_jobs": startup}
        )  # NNI's default is to minimise
        self.tried: set[str] = set()

    def generate_parameters(self, parameter_id: int, **unused: Any) -> dict[str, Any]:
        """Label -> value; nni.NoMoreTrialError where nothing new is found."""
        for attempt in range(2 * ATTEMPTS):
            if attempt < ATTEMPTS:
                args = self.args._replace(n_ei_candidates=1) if attempt else self.args
                internal = suggest(args, self.rng, self.space, self._history)
            else:
                internal = random_tuner.suggest(self.rng, self.space)
            found: dict[str, Any] = deformat_parameters(internal, self.space)
            name = json.dumps(found, sort_keys=True)
            if name not in self.tried:
                self.tried.add(name)
                self._params[parameter_id] = self._running_params[parameter_id] = internal
                return found
        raise nni.NoMoreTrialError("all architectures that TPE draws have been tried")


def make_tpe(seed: int, startup: int) -> Any:
    """NNI's strategy with that tuner."""
    return HPOTunerStrategy(ChoiceTuner(seed, startup))
