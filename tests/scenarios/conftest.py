"""A small set and the data it is of, for scenarios of accuracy."""

import pytest

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget, SyntheticSet
from scenarios.protocol import Splits


@pytest.fixture(scope="module")
def data(grey8: ClassData) -> Splits:
    return Splits(grey8, grey8, grey8)


@pytest.fixture(scope="module")
def synthetic(grey8: ClassData) -> SyntheticSet:
    found: SyntheticSet = create_condenser("random").condense(grey8, Budget(ipc=2), Context())
    return found
