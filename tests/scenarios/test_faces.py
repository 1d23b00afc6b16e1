"""What a script imports from the face of `scenarios`, without avalanche until it is asked for."""

import subprocess
import sys
from pathlib import Path

import pytest

import scenarios

ROOT = Path(__file__).parents[2]


def test_the_faces_hand_on_the_same_objects() -> None:
    from scenarios.continual import memory
    from scenarios.datasets import load

    assert scenarios.CondensedMemory is memory.CondensedMemory
    assert scenarios.CondensedReplay is memory.CondensedReplay
    assert scenarios.load_dataset is load


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Memory'"):
        scenarios.Memory  # noqa: B018


def test_the_faces_import_no_avalanche_by_themselves() -> None:
    code = (
        "import scenarios.continual.memory, sys; sys.exit('avalanche' in sys.modules or 'torch' in"
        " sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
