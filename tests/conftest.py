"""Small labelled images that are shared by all tests: each class is a smooth pattern of its own,
plus noise.
"""

import os
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from condensers.data import ClassData

pytest_plugins = [
    "pytester",
    "tests.helpers.markers",
    "tests.helpers.naming",
    "tests.helpers.timing",
]

# pytest-xdist sets it for its workers; what is printed is then folded at 80 columns.
os.environ.pop("COLUMNS", None)
# What tests find out stays out of the user's cache, and what is there out of the tests.
os.environ["XDG_CACHE_HOME"] = str(Path(__file__).parents[1] / ".pytest_cache" / "user-cache")

REQUIRED = "HARNESS_REQUIRE_DATA"  # markers of data that must be there, parted by commas
MakeData = Callable[..., ClassData]


def build_data(
    shape: tuple[int, int, int],
    classes: int,
    per_class: int,
    *,
    mirror: bool = False,
    seed: int = 0,
    noise: float = 0.15,
) -> ClassData:
    """per_class images of `shape` for each class, mixed; `seed` draws the noise, the patterns are
    always the same.
    """
    channels, height, width = shape
    coarse = torch.rand(classes, channels, 4, 4, generator=torch.Generator().manual_seed(7))
    patterns = functional.interpolate(coarse, (height, width), mode="bilinear", align_corners=True)
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(classes).repeat(per_class)
    pixels = patterns[labels] + noise * torch.randn(len(labels), *shape, generator=generator)
    return ClassData(
        name=f"blobs{height}",
        images=(pixels * 255).clamp(0, 255).to(torch.uint8),
        labels=labels,
        class_names=tuple(f"class {c}" for c in range(classes)),
        mean=(0.5, 0.45, 0.4)[:channels],
        std=(0.25, 0.2, 0.3)[:channels],
        mirror=mirror,
        licence="none, made by a formula",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where CI promises data, a test that needs them fails instead of being skipped."""
    report = yield
    promised = [name for name in os.environ.get(REQUIRED, "").split(",") if name]
    needed = [name for name in promised if item.get_closest_marker(name)]
    if report.skipped and needed:
        report.outcome = "failed"
        report.longrepr = (
            f"{item.nodeid} was skipped, but {REQUIRED} names {needed[0]}: install or unpack these"
            " data (see .ci/run), or leave the name out"
        )
    return report


@pytest.fixture(scope="session")
def make_data() -> MakeData:
    """`make_data(shape, classes, per_class, mirror=..., seed=..., noise=...)`."""
    return build_data


@pytest.fixture(scope="session")
def grey8() -> ClassData:
    """Ten classes of 20 grey 8 x 8 images, not to be mirrored."""
    return build_data((1, 8, 8), 10, 20)


@pytest.fixture(scope="session")
def grey28() -> ClassData:
    """Three classes of 14 grey 28 x 28 images, not to be mirrored."""
    return build_data((1, 28, 28), 3, 14)


@pytest.fixture(scope="session")
def colour32() -> ClassData:
    """Three classes of 14 colour 32 x 32 images, which may be mirrored."""
    return build_data((3, 32, 32), 3, 14, mirror=True)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
