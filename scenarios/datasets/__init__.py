"""Names -> training, validation and test images.

Importing this package imports no torch, so that listing stays fast.
"""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from condensers.errors import DataMissing, UsageError, shown, suggestion
from condensers.registry.code_digest import code_of
from scenarios.datasets.naming import (
    DOMAINS,
    FOLDER,
    HELD_OUT,
    HUGGING_FACE,
    MEMORY,
    NPZ,
    ON_DISK,
    TEST_OPTION,
    TORCHVISION,
    DatasetName,
    domain_names,
    name_in_cards,
    parse_name,
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
OPTIONS = {  # beside those of images
    FOLDER: ("mirror",),
    MEMORY: ("mirror",),
    NPZ: ("mirror",),
    TORCHVISION: ("mirror",),
    HUGGING_FACE: ("mirror", "image", "label"),
}
EXAMPLES = {FOLDER: "folder:photos", NPZ: "npz:bloodmnist.npz", HUGGING_FACE: "hf:saved"}


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
    parsed = parse_name(name)
    require_options(parsed, name)
    if parsed.scheme == MEMORY:
        raise UsageError(
            f"dataset {shown(name)} was in memory; write it with scenarios.save_npz, and name the"
            " file: npz:PATH"
        )
    if parsed.scheme in ON_DISK and not parsed.place:
        kind = "folder" if parsed.scheme == FOLDER else "file or folder"
        raise UsageError(
            f"dataset '{parsed.scheme}' names no {kind}; write"
            f" {parsed.scheme}{ON_DISK[parsed.scheme]}, for example {EXAMPLES[parsed.scheme]}"
        )
    if not parsed.scheme:
        _check_registered(parsed.place)


def require_options(parsed: DatasetName, name: str) -> None:
    """Refuse options that the data set does not take, and values that they do not."""
    from scenarios.datasets.adapters.preparation import KEYS, Preparation

    known = [*KEYS, TEST_OPTION, *OPTIONS.get(parsed.scheme, ())]
    unknown = next((key for key, _ in parsed.options if key not in known), None)
    if unknown and parsed.scheme != TORCHVISION:  # whose classes have options of their own
        raise UsageError(
            f"dataset {shown(name)}: unknown option {shown(unknown)}; {suggestion(unknown, known)}"
        )
    options = dict(parsed.options)
    Preparation.from_options(options, name)
    if options.get("mirror", "true") not in ("true", "false"):
        raise UsageError(f"dataset {shown(name)}: mirror={options['mirror']} is not true or false")
    if options.get(TEST_OPTION, HELD_OUT) != HELD_OUT:
        raise UsageError(
            f"dataset {shown(name)}: test={options[TEST_OPTION][:60]} is no part to test on; write"
            f" test={HELD_OUT}, or leave it out for the test images"
        )


def _check_registered(base: str) -> None:
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
            f"{fault} (or folder:PATH for images of your own, npz:FILE, hf:PATH, torchvision:NAME,"
            " domains:A+B for several)"
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
            your own; npz:FILE for arrays as MedMNIST has them; hf:PATH for what `save_to_disk` of
            Hugging Face's `datasets` wrote; torchvision:NAME; domains:A+B for several; or
            FILE.py:Name (or module:Name), a class with a method `read`, as `harness new dataset`
            writes one. The code of the last is run; cards and reports leave out the folder of its
            file. Options follow after commas: folder:photos,convert=rgb,resize=32,crop=pad.
            NAME@PIXELS averages the images to that height, NAME~COUNT keeps the first COUNT
            training images of each class (those held out for validation among them):
            fashion-mnist@14~600. NAME,test=validation puts the validation images in the place of
            the test images, which are not read, and holds out others for validation: for choosing.
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
    from scenarios.datasets.adapters.reading import read_raw
    from scenarios.datasets.derived import combine, replace_test
    from scenarios.datasets.split import as_splits

    def read_domains(_: MakeArray | None) -> Splits:
        parts = [
            load(part, data_dir=place.root, download=place.download, validation=validation)
            for part in domain_names(name)
        ]
        return combine(parts)

    def read_one(make_array: MakeArray | None) -> Splits:
        raw = read_raw(name, place, validation, make_array)
        if dict(parse_name(name).options).get(TEST_OPTION):
            raw = replace_test(name_in_cards(name), raw, validation)
        return as_splits(name_in_cards(name), raw, validation)

    return read_domains if name.startswith(DOMAINS) else read_one


def _find_sources(name: str, place: DataLocation) -> Sources | None:
    """The files of a data set as they are; None where it does not say what it is read from."""
    from scenarios.datasets.sources import join_sources, stamp_files, stamp_folder

    if name.startswith(DOMAINS):
        parts = [_find_sources(part, place) for part in domain_names(name)]
        known = [part for part in parts if part is not None]
        return join_sources(known) if len(known) == len(parts) else None
    parsed = parse_name(name)
    if parsed.scheme in ON_DISK:
        return stamp_files([parsed.path]) if parsed.path.is_file() else stamp_folder(parsed.path)
    if parsed.scheme:
        return None
    files = DATASETS.create(parsed.place).files(place)
    return stamp_files(files) if files else None


def _describe(name: str) -> list[Any]:
    """What is read, where a folder is, and the code of data sets that are not ours."""
    if name.startswith(DOMAINS):
        return [_describe(part) for part in domain_names(name)]
    parsed = parse_name(name)
    if parsed.scheme in ON_DISK:
        return [str(replace(parsed, place=str(parsed.path)))]
    if parsed.scheme:
        return [name]
    code = inspect.getfile(type(DATASETS.create(parsed.place)))
    ours = Path(code).parent == Path(__file__).parent
    return [name] if ours else [name, code_of(modules=[code])]
