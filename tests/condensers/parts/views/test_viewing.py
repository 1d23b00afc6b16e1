"""A set's card says what its view did: how much the pixels changed, and how much was kept."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.parts.views.base import apply_view
from condensers.registry.registry import VIEWS, create_condenser
from condensers.sets.synthetic_set import Budget, SyntheticSet

Tiny = Callable[[str], dict[str, Any]]
SMALL = {"name": "convnet", "depth": 1, "width": 8}


@pytest.fixture
def black(grey8: ClassData) -> ClassData:
    """Black images with one white pixel."""
    images = torch.zeros_like(grey8.images)
    images[:, :, 4, 4] = 255
    return replace(grey8, images=images)


def test_the_difference_in_plain_figures(black: ClassData, tmp_path: Path) -> None:
    attention = VIEWS.create(
        {"name": "attention", "epochs": 1, "network": SMALL, "softness": 0.0, "threshold": 1.0}
    )
    context = Context(cache=tmp_path)
    assert apply_view(VIEWS.create("identity"), black, context).card_entries == {}
    found = apply_view(replace(attention, fill="black"), black, context).card_entries["view"]
    assert found == {
        "name": "attention",
        "changed": 255 / 64,
        "pixels_changed": 1 / 64,
        "kept": 0.0,
    }
    kept = apply_view(replace(attention, threshold=0.0), black, context)
    assert kept.card_entries["view"] == {
        "name": "attention",
        "changed": 0.0,
        "pixels_changed": 0.0,
        "kept": 1.0,
    }
    assert torch.equal(kept.data.images, black.images)


def test_the_card_says_it_and_the_seconds_count_masks_that_were_there(
    grey8: ClassData, tiny: Tiny, tmp_path: Path
) -> None:
    def run(seed: int) -> SyntheticSet:
        spec = tiny("dm") | {"view": {"name": "attention", "epochs": 40, "network": SMALL}}
        made: SyntheticSet = create_condenser(spec).condense(
            grey8, Budget(ipc=1), Context(seed=seed, cache=tmp_path)
        )
        return made

    first, again = run(0), run(0)
    assert first.card == again.card
    assert set(first.card["view"]) == {"name", "changed", "pixels_changed", "kept"}
    assert 0 < first.card["view"]["kept"] < 1 and first.card["view"]["changed"] > 1
    assert len(list(tmp_path.glob("maps/*.safetensors"))) == 1
    assert again.cost["seconds"] > 0.5 * first.cost["seconds"], (
        "what was prepared once counts in full"
    )
    plain = create_condenser(tiny("dm")).condense(grey8, Budget(ipc=1), Context())
    assert "view" not in plain.card
