"""On a pretend graphics card no scenario mixes devices, and no step waits for the card, nor copies
meanwhile, but where a strategy's rule says so.
"""

import pytest
from helpers.pretend_accelerator import KINDS
from helpers.pretend_runs import STRATEGIES, counted, scenarios, strategies

# Of a step, in the mean. GEM's bound is solved on the processor where it is broken; ER-ACE looks
# whether the criterion that it was given can be; EWC and LwF are Avalanche's, from the second
# experience on.
WAITS = {"er-ace": 1, "gem": 3}
COPIES = {"gem": 1, "ewc": 0.5, "lwf": 1.5}
STEPS = 2 * 2 * 2  # two more epochs of two experiences of two batches


@pytest.mark.parametrize("name", STRATEGIES.entries())
def test_a_strategy_neither_waits_nor_copies(name: str) -> None:
    found = [counted(strategies(epochs)[name]) for epochs in (1, 3)]
    short, long = (one.total for one in found)
    step = {kind: (long[kind] - short[kind]) / STEPS for kind in KINDS}
    assert long["mixed"] == 0 and long["launches"] > 0
    for loop, most in found[1].steps.items():
        if "experience" in loop:  # a network that is trained anew
            assert most["copies"] == most["waits"] == 0, found[1].places
    assert step["waits"] <= WAITS.get(name, 0), step
    assert step["copies"] <= COPIES.get(name, 0), step
    assert step["sent"] <= 12, step


@pytest.mark.parametrize("name", scenarios())
def test_a_scenario_neither_waits_nor_copies(name: str) -> None:
    found = counted(scenarios()[name])
    assert found.total["mixed"] == 0 and found.total["launches"] > 0
    for loop, most in found.steps.items():
        curve = int(name == "search")  # which is read after every epoch
        assert (loop, most["copies"]) == (loop, 0) and most["waits"] <= curve, found.places
        assert most["sent"] <= 2 and most["shown"] <= 1
