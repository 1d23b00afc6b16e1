"""Names -> training, validation and test images.

Importing this package imports no torch, so that listing stays fast.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from condensers.errors import DataMissing, UsageError, shown, suggestion
from condensers.registry.code_digest import code_of
from scenarios.datasets.naming import (
    DOMAINS,
    FOLDER,
    domain_names,
    folder_of,
    name_in_cards,
    split_name,
)
from scenarios.typed_registry import TypedRegistry

if TYPE_CHECKING:
    from scenarios.datasets.decoded import Read
    from scenarios.datasets.location import DataLocation, DatasetSource
    from scenarios.datasets.pictures import MakeArray
    from scenarios.datasets.sources import Sources
    from scenarios.protocol import Splits

DATASETS: TypedRegistry[DatasetSource] = TypedRegistry(
    "dataset",
    "datasets",
    {
        "mnist-5k": "scenarios.datasets.catalogue:Mnist5k",
        "mnist-5k-textured": "scenarios.datasets.catalogue:Mnist5kTextured",
        "digits": "scenarios.datasets.catalogue:Digits",
        "usps-like": "scenarios.datasets.catalogue:UspsLike",
        "fashion-mnist": "scenarios.datasets.catalogue:FashionMnist",
        "mnist": "scenarios.datasets.catalogue:Mnist",
        "kmnist": "scenarios.datasets.catalogue:KMnist",
        "cifar10": "scenarios.datasets.catalogue:Cifar10",
        "cifar100": "scenarios.datasets.catalogue:Cifar100",
        "svhn": "scenarios.datasets.catalogue:Svhn",
    },
    "scenarios.datasets.location:DatasetSource",
    needs=("read",),
)


def check(name: str) -> None:
    """Check the name of a data set; no data are read.

    Args:
        name: As for `load`.

    Raises:
        UsageError: No data set has this name; the sentence gives a near one.
    """
    if name.startswith(DOMAINS):
        for part in domain_names(name):
            check(part)
        return
    if name.startswith(FOLDER):
        if not name.removeprefix(FOLDER).strip():
            raise UsageError(
                "dataset 'folder:' names no folder; write folder:PATH, for example folder:photos"
            )
        return
    base = split_name(name)[0]
    try:
        if (
            base not in DATASETS.entries() and "." not in base.rpartition(":")[0]
        ):  # such as foldr:PATH
            raise UsageError(
                f"unknown dataset {shown(base)}; {suggestion(base, DATASETS.entries())}"
            )
        DATASETS.locate(base)
    except UsageError as fault:
        raise UsageError(
            f"{fault} (or folder:PATH for images of your own, domains:A+B for several)"
        ) from None


def load(
    name: str, *, data_dir: Path | None = None, download: bool = False, validation: float = 0.1
) -> Splits:
    """Load the disjoint training, validation and test images of a data set.

    The same call gives the same images in the same order everywhere. Images of data sets of some
    size are decoded once into files of the user's cache, and mapped: all processes share one copy
    in memory. Where a source file changes, they are decoded anew.

    Args:
        name: A registered data set, as `harness list datasets` shows; folder:PATH for images of
            your own; domains:A+B for several; or FILE.py:Name (or module:Name), a class with a
            method `read`, as `harness new dataset` writes one. The code of the last is run; cards
            and reports leave out the folder of its file. NAME@PIXELS averages the images to that
            height, NAME~COUNT keeps the first COUNT training images of each class (those held out
            for validation among them): fashion-mnist@14~600.
        data_dir: Where files are looked for. By default the folder in HARNESS_DATA, else "data"
            in the user's cache.
        download: Fetch what is missing.
        validation: The share of each class's training images that is held out for validation,
            0 to 1 exclusive; at least one image. A folder may have validation images of its own,
            which take its place.

    Returns:
        The three parts; their images are (N, C, H, W) uint8.

    Raises:
        UsageError: The name or the share is wrong.
        DataMissing: Files are absent, damaged or too few.

    Examples:
        >>> from scenarios import load_dataset
        >>> data = load_dataset("digits")
        >>> data.train.shape, len(data.train.class_names)
        ((1, 8, 8), 10)
        >>> [len(part.images) for part in (data.train, data.validation, data.test)]
        [1295, 143, 359]
    """
    check(name)
    if not 0 < validation < 1:
        raise UsageError(
            f"{name}: the validation share is {validation}; it must lie between 0 and 1, for"
            " example 0.1"
        )
    from scenarios.datasets.decoded import load_decoded
    from scenarios.datasets.location import DataLocation

    place = DataLocation.choose(data_dir, download)
    try:
        read = _reader(name, place, validation)
        sources = _find_sources(name, place)
        if sources is None:
            return read(None)
        return load_decoded(name_in_cards(name), [_describe(name), validation], sources, read)
    except OSError as fault:
        where = fault.filename or place.root
        raise DataMissing(
            f"{name}: {where} cannot be read ({fault.strerror or fault}); mend it or name another"
        ) from fault


def _reader(name: str, place: DataLocation, validation: float) -> Read:
    """What reads a data set; arrays that it can make in files come from its argument."""
    from scenarios.datasets.derived import combine, limit_images, shrink_images
    from scenarios.datasets.folder import Folder
    from scenarios.datasets.raw import check_raw
    from scenarios.datasets.split import as_splits

    called = name_in_cards(name)

    def read_domains(_: MakeArray | None) -> Splits:
        parts = [
            load(part, data_dir=place.root, download=place.download, validation=validation)
            for part in domain_names(name)
        ]
        return combine(parts)

    def read_folder(make_array: MakeArray | None) -> Splits:
        folder = Folder(name.removeprefix(FOLDER).strip())
        return as_splits(called, folder.read(validation, make_array), validation)

    def read_named(_: MakeArray | None) -> Splits:
        base, height, count = split_name(name)
        raw = check_raw(DATASETS.create(base).read(place), base)
        raw = raw if count is None else limit_images(called, raw, count)
        raw = raw if height is None else shrink_images(called, raw, height)
        return as_splits(called, raw, validation)

    if name.startswith(DOMAINS):
        return read_domains
    return read_folder if name.startswith(FOLDER) else read_named


def _find_sources(name: str, place: DataLocation) -> Sources | None:
    """The files of a data set as they are; None where it does not say what it is read from."""
    from scenarios.datasets.sources import join_sources, stamp_files, stamp_folder

    if name.startswith(DOMAINS):
        parts = [_find_sources(part, place) for part in domain_names(name)]
        known = [part for part in parts if part is not None]
        return join_sources(known) if len(known) == len(parts) else None
    if name.startswith(FOLDER):
        return stamp_folder(folder_of(name))
    files = DATASETS.create(split_name(name)[0]).files(place)
    return stamp_files(files) if files else None


def _describe(name: str) -> list[Any]:
    """What is read, where a folder is, and the code of data sets that are not ours."""
    if name.startswith(DOMAINS):
        return [_describe(part) for part in domain_names(name)]
    if name.startswith(FOLDER):
        return [f"{FOLDER}{folder_of(name)}"]
    code = inspect.getfile(type(DATASETS.create(split_name(name)[0])))
    ours = Path(code).parent == Path(__file__).parent
    return [name] if ours else [name, code_of(modules=[code])]
