"""Files that are well made and say what they like: each reader returns what it promises, or says
one sentence, in time.

`make fuzz` reads FUZZ_INPUTS (100,000) of them, `make test` 400.
"""

import faulthandler
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from condensers.errors import HarnessError
from condensers.formats.reading import Files, read
from scenarios.datasets.formats.cifar import read_class_names, read_part
from scenarios.datasets.formats.idx import read_idx
from scenarios.datasets.formats.mat import read_part as read_svhn
from scenarios.datasets.pictures import decode
from tests.fuzz.formats import WRITERS
from tests.fuzz.test_fuzz import SECONDS, bounded  # noqa: F401 (a fixture)

INPUTS = int(os.environ.get("FUZZ_INPUTS", "400"))
EACH = -(-INPUTS // len(WRITERS))


def _idx(path: Path) -> None:
    dimensions = 1 + path.stat().st_size % 3
    found = read_idx(path, dimensions)
    assert found.dtype == np.uint8 and found.ndim == dimensions


def _svhn(path: Path) -> None:
    _require_part(read_svhn(path), 10)


def _cifar(path: Path) -> None:
    names = read_class_names(path, "label_names")
    assert names and all(type(name) is str for name in names)
    _require_part(read_part([path], "labels", len(names)), len(names))


def _require_part(part: Any, classes: int) -> None:
    assert part.images.dtype == np.uint8 and part.images.shape[1:] == (3, 32, 32)
    assert part.labels.dtype == np.int64 and part.labels.shape == (len(part.images),)
    assert all(0 <= label < classes for label in part.labels)


def _npz(path: Path) -> None:
    found = read(Files(path))
    assert found.images.ndim == 4 and len(found.images) == len(found.labels) > 0
    assert bool(found.labels.double().isfinite().all())


def _picture(path: Path) -> None:
    found = decode(path)
    assert found.dtype == np.uint8 and found.ndim == 3 and found.shape[0] in (1, 3)


READERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "IDX": ("images", _idx),
    "IDX, gzipped": ("images.gz", _idx),
    "MATLAB": ("train_32x32.mat", _svhn),
    "npz": ("a.npz", _npz),
    "CIFAR": ("batch", _cifar),
    "PNG": ("a.png", _picture),
    "TIFF": ("a.tif", _picture),
    "PPM": ("a.ppm", _picture),
}


@pytest.fixture(autouse=True)
def limited(bounded: None) -> Iterator[None]:  # noqa: F811
    """Time and memory as for spoilt files."""
    yield bounded


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", WRITERS)
def test_a_well_made_file_is_read_or_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    called, reader = READERS[name]
    path, ends = tmp_path / called, []

    @settings(
        max_examples=EACH,
        deadline=None,
        database=None,
        derandomize=INPUTS < 10_000,
        suppress_health_check=list(HealthCheck),
    )
    @given(WRITERS[name])
    def written(content: bytes) -> None:
        path.write_bytes(content)
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        ends.append(_end(reader, path))
        faulthandler.cancel_dump_traceback_later()

    written()
    assert len(ends) >= 0.9 * EACH
    assert set(ends) == {True, False}, "all or none of the files were good ones"


def _end(reader: Callable[[Path], None], path: Path) -> bool:
    """Whether the reader refused; a fault that is no sentence of ours passes through."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            reader(path)
        except HarnessError as fault:
            said = str(fault)
            assert said.strip() and len(said) < 2000 and said.isprintable(), (
                "a sentence, not a page"
            )
            return True
    return False
