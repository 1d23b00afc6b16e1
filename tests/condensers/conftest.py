"""What the tests of condensers share: tiny settings for any registered name, and a set as the bytes
of its file.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.tiny import tiny_spec

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.registry.registry import create_condenser
from condensers.sets.files import save_set
from condensers.sets.synthetic_set import Budget, SyntheticSet


@pytest.fixture(scope="session")
def tiny() -> Callable[[str], dict[str, Any]]:
    """Name -> a spec that runs in well under a second."""
    return tiny_spec


@pytest.fixture(scope="session")
def condense_tiny() -> Callable[..., SyntheticSet]:
    """`condense_tiny(name, data, ipc, seed=0, **more settings)`."""

    def condense(
        name: str, data: ClassData, ipc: int, seed: int = 0, **settings: Any
    ) -> SyntheticSet:
        made: SyntheticSet = create_condenser(tiny_spec(name) | settings).condense(
            data, Budget(ipc=ipc), Context(seed=seed)
        )
        return made

    return condense


@pytest.fixture
def file_bytes(tmp_path: Path) -> Callable[[SyntheticSet], bytes]:
    """A set -> the bytes of its .safetensors file."""

    def written(synthetic: SyntheticSet) -> bytes:
        path = tmp_path / "bytes" / "set.safetensors"
        save_set(synthetic, path)
        return path.read_bytes()

    return written


@pytest.fixture
def synthetic(grey8: ClassData, condense_tiny: Callable[..., SyntheticSet]) -> SyntheticSet:
    return condense_tiny("dm", grey8, 2)


@pytest.fixture
def path(synthetic: SyntheticSet, tmp_path: Path) -> Path:
    """A whole, sound file."""
    save_set(synthetic, tmp_path / "set.safetensors")
    return tmp_path / "set.safetensors"
