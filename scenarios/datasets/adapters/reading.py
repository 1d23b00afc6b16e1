"""The name of one data set -> its parts, with all that its options and marks ask for."""

from __future__ import annotations

from scenarios.datasets import DATASETS
from scenarios.datasets.adapters.pooling import prepare_raw
from scenarios.datasets.adapters.preparation import KEYS, Preparation
from scenarios.datasets.derived import limit_images, shrink_images
from scenarios.datasets.folder import Folder
from scenarios.datasets.location import DataLocation
from scenarios.datasets.naming import (
    FOLDER,
    HUGGING_FACE,
    NPZ,
    TEST_OPTION,
    TORCHVISION,
    DatasetName,
    name_in_cards,
    parse_name,
)
from scenarios.datasets.pictures import MakeArray
from scenarios.datasets.raw import RawData, check_raw


def read_raw(
    name: str, place: DataLocation, validation: float, make_array: MakeArray | None
) -> RawData:
    """Read a data set, prepared, limited and shrunk as its name says.

    Args:
        name: Of one data set, no domains.
        place: Where files are looked for.
        validation: The share that a folder without validation images holds out.
        make_array: Makes the arrays of a folder in files; in memory if left out.

    Raises:
        UsageError: A mark or an option does not fit the data.
        DataMissing: Files are absent, damaged or of another kind.
    """
    parsed = parse_name(name)
    options = dict(parsed.options)
    preparation = Preparation.from_options(options, name)
    mirror = {"true": True, "false": False}.get(options.get("mirror", ""))
    if parsed.scheme == FOLDER:  # its files are decoded one by one, each to its last size
        folder = Folder(
            parsed.place,
            preparation,
            parsed.height,
            parsed.count,
            mirror is not False,
        )
        return folder.read(validation, make_array)
    raw = _read_whole(parsed, place, preparation, mirror)
    called = name_in_cards(name)
    raw = raw if parsed.count is None else limit_images(called, raw, parsed.count)
    return raw if parsed.height is None else shrink_images(called, raw, parsed.height)


def _read_whole(
    parsed: DatasetName, place: DataLocation, preparation: Preparation, mirror: bool | None
) -> RawData:
    """All images of a data set that is no folder, prepared."""
    options = dict(parsed.options)
    if parsed.scheme == NPZ:
        from scenarios.datasets.adapters.npz_file import read_npz

        return prepare_raw(read_npz(parsed.path, mirror), preparation)
    if parsed.scheme == HUGGING_FACE:
        from scenarios.datasets.adapters.hugging_face import HuggingFaceSource

        columns = options.get("image", ""), options.get("label", "")
        source = HuggingFaceSource(parsed.path, *columns, preparation, mirror is not False)
        return source.read()
    if parsed.scheme == TORCHVISION:
        from scenarios.datasets.adapters.torch_vision import TorchvisionSource

        own = {
            key: text for key, text in options.items() if key not in (*KEYS, TEST_OPTION, "mirror")
        }
        return TorchvisionSource(parsed.place, own, place, preparation, mirror).read()
    raw = check_raw(DATASETS.create(parsed.place).read(place), parsed.place)
    return prepare_raw(raw, preparation)
