"""`from condensers import ...`: what is there, that it is lazy, and how sets and data show
themselves.
"""

import ast
import base64
import doctest
import io
import re
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import condensers
from condensers import (
    Budget,
    ClassData,
    Context,
    SyntheticSet,
    create_condenser,
    load_set,
    save_set,
)
from condensers.errors import UsageError
from condensers.sets.units import take_units, units_of

FACE = Path(str(condensers.__file__))


def test_every_name_of_the_face_can_be_imported() -> None:
    for name in condensers.__all__:
        assert getattr(condensers, name).__name__ == name
    assert set(condensers.__all__) <= set(dir(condensers))


def test_type_checkers_see_the_same_names() -> None:
    """Every name of `__all__` is imported, from the same module, where types are checked."""
    (typed,) = (node for node in ast.parse(FACE.read_text()).body if isinstance(node, ast.If))
    imported = {
        name.name: str(node.module)
        for node in typed.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    assert imported == condensers.HOMES and set(imported) == set(condensers.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'condensers' has no attribute 'condense'"):
        condensers.condense  # noqa: B018


def test_importing_the_package_imports_no_torch() -> None:
    code = (
        "import sys, condensers; print('torch' in sys.modules); condensers.UsageError;"
        " condensers.hyper; print('torch' in sys.modules); condensers.Budget"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_set_is_made_written_and_read_with_the_face_alone(
    grey8: ClassData, tmp_path: Path
) -> None:
    made = create_condenser("random").condense(grey8, Budget(ipc=2), Context(seed=1))
    save_set(made, tmp_path / "set.safetensors")
    found = load_set(tmp_path / "set.safetensors")
    assert found.card == made.card
    assert torch.equal(found.tensors["images"], made.tensors["images"])


def test_a_set_says_in_one_line_what_it_is(grey8: ClassData) -> None:
    made = create_condenser("random").condense(grey8, Budget(ipc=2), Context())
    assert repr(made) == (
        f"SyntheticSet(method: random, data: {grey8.name}, classes: 10, images: 20, bytes: 1300,"
        " origin: real images)"
    )


@pytest.mark.parametrize("spec", ["random", "real-png", {"name": "real-tiles", "factor": 2}])
def test_the_images_of_a_set_are_counted_without_decoding_it(
    spec: object, grey8: ClassData
) -> None:
    made = create_condenser(spec).condense(grey8, Budget(ipc=2), Context())
    assert made.image_count == len(made.decode()[0])
    units = units_of(made)
    fewer = take_units(made, {c: of[: 1 + (c > 0)] for c, of in units.items()}, {})
    assert fewer.image_count == len(fewer.decode()[0]) < made.image_count


def test_data_say_in_one_line_what_they_are(grey8: ClassData) -> None:
    shown = repr(grey8)
    assert shown == (
        f"ClassData(data: {grey8.name}, classes: 10, images: {len(grey8.images)}, shape: 1x8x8,"
        f" bytes: {grey8.images.numel()}, device: cpu)"
    )


def picture(html: str) -> torch.Tensor:
    """The picture in a notebook's HTML, (H, W, 3) uint8."""
    (found,) = re.findall("base64,([^']+)'", html)
    return torch.from_numpy(np.array(Image.open(io.BytesIO(base64.b64decode(found)))))


def test_a_notebook_shows_the_first_images_of_each_class(grey8: ClassData) -> None:
    made = create_condenser("random").condense(grey8, Budget(ipc=3), Context())
    html = made._repr_html_()
    assert "random" in html and "real images" in html and "<script" not in html
    shown = picture(html)
    assert tuple(shown.shape) == (10 * 9 + 1, 3 * 9 + 1, 3)
    images = made.tensors["images"]
    assert torch.equal(shown[1:9, 1:9, 0], images[0, 0]), "first image of the first class"
    assert torch.equal(shown[10:18, 10:18, 0], images[4, 0]), "second image of the second class"
    assert len(picture(grey8._repr_html_())) == 10 * 9 + 1


def test_a_name_in_a_notebook_is_text_and_soft_labels_have_lines_too(grey8: ClassData) -> None:
    made = create_condenser("random").condense(grey8, Budget(ipc=1), Context())
    soft = SyntheticSet(
        {**made.tensors, "labels": torch.eye(10) * 0.5 + 0.05},
        {**made.card, "dataset": "<b>digits</b>"},
    )
    html = soft._repr_html_()
    assert "&lt;b&gt;digits" in html and "<b>" not in html
    assert tuple(picture(html).shape) == (91, 10, 3)
    named = replace(grey8, name="<i>")
    assert "<i>" not in named._repr_html_()


@pytest.mark.parametrize("name", ["condensers.sets.budget", "condensers.networks.convnet"])
def test_examples_of_docstrings_run(name: str) -> None:
    found = doctest.testmod(import_module(name))
    assert found.attempted and not found.failed


def test_a_budget_is_read_and_written_as_a_suite_has_it() -> None:
    for budget, json, text in (
        (Budget(ipc=10), ("ipc", 10), "ipc 10"),
        (Budget(nbytes=3136), ("bytes", 3136), "3136 bytes"),
    ):
        assert budget.to_json() == json and str(budget) == text
        assert Budget.from_json(list(json)) == budget
    assert [repr(Budget(ipc=1)), repr(Budget(nbytes=9))] == ["Budget(ipc=1)", "Budget(nbytes=9)"]
    for wrong in (["ipc"], ["images", 1], ["ipc", 1.5], ["ipc", True]):
        with pytest.raises(UsageError, match=r'expected \["ipc", N\] or \["bytes", B\]'):
            Budget.from_json(wrong)
