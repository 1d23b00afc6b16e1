"""Each published format is read as its authors wrote it: the same pixels, labels and rates, and
nothing that it does not say.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from condensers.errors import UsageError
from condensers.formats import safe_pickle
from condensers.formats.reading import Files, read
from tests.condensers.formats.conftest import Original, numpys_old_name

Save = Callable[[Any, str], Path]


@pytest.mark.parametrize("old", [False, True], ids=["numpy2", "numpy1"])
def test_files_of_dc_hold_numpy_scalars_and_several_experiments(
    dc_file: Path, original: Original, old: bool
) -> None:
    with pytest.raises(Exception, match="Weights only load failed"):
        torch.load(dc_file)
    if old:
        numpys_old_name(dc_file)
    last, first = read(Files(dc_file)), read(Files(dc_file, experiment=0))
    assert (last.format, last.pixels, last.names, last.dataset, last.rates) == (
        "dc",
        None,
        (),
        None,
        None,
    )
    assert torch.equal(last.images, original.images)
    assert torch.equal(last.labels, original.labels)
    assert torch.equal(first.images, original.images * 2)
    with pytest.raises(UsageError, match="has 2 experiments; pass --experiment 0 to 1"):
        read(Files(dc_file, experiment=2))


def test_numpy_scalars_are_read_as_the_numbers_they_are(save: Save) -> None:
    numbers = [
        np.float64(0.1),
        np.float32(-2.5),
        np.float16(3),
        np.int64(-7),
        np.uint8(200),
        np.bool_(True),
        np.int16(-300),
    ]
    big = np.frombuffer(b"\x3f\xf8\x00\x00\x00\x00\x00\x00", dtype=">f8")[0]
    assert safe_pickle.read(save([*numbers, big], "numbers.pt")) == [
        number.item() for number in numbers
    ] + [1.5]


def test_the_reader_leaves_torchs_list_of_safe_names_as_it_was(dc_file: Path) -> None:
    before = set(torch.serialization.get_safe_globals())
    safe_pickle.read(dc_file)
    assert set(torch.serialization.get_safe_globals()) == before


def test_a_file_of_torch_before_1_6(original: Original, tmp_path: Path) -> None:
    path = tmp_path / "res.pt"
    content = {
        "data": [[original.images, original.labels]],
        "accs_all_exps": {"ConvNet": [np.float64(0.5)]},
    }
    torch.save(content, path, _use_new_zipfile_serialization=False)
    assert torch.equal(read(Files(path)).images, original.images)


@pytest.mark.parametrize("rate", [0.02, torch.tensor(0.02), None], ids=["number", "tensor", "none"])
def test_files_of_mtt_stand_apart(save: Save, original: Original, rate: Any) -> None:
    images, labels = (
        save(original.images.requires_grad_(), "images_best.pt"),
        save(original.labels, "labels_best.pt"),
    )
    lr = None if rate is None else save(rate, "lr_best.pt")
    found = read(Files(images, labels, lr))
    assert (
        found.format == "mtt"
        and torch.equal(found.images, original.images)
        and not found.images.requires_grad
    )
    if rate is None:
        assert found.rates is None and found.recipe == {}
    else:
        assert (
            found.rates is not None
            and found.rates.tolist() == [pytest.approx(0.02)]
            and found.recipe == {"lr": "rates"}
        )
    with pytest.raises(
        UsageError, match="holds images alone; pass the file of their labels: --with-labels"
    ):
        read(Files(images))


def test_files_of_idc_are_in_0_to_1(save: Save, original: Original) -> None:
    found = read(Files(save([original.images.sigmoid(), original.labels], "data.pt")))
    assert (found.format, found.pixels) == ("idc", "unit")
    assert torch.equal(found.images, original.images.sigmoid())


@pytest.mark.parametrize("passes", [1, 3])
def test_files_of_dd_are_steps_in_their_order(save: Save, original: Original, passes: int) -> None:
    """Two steps of one image a class, in an order of classes of their own, gone through `passes`
    times.
    """
    mixed = torch.randperm(10, generator=torch.Generator().manual_seed(3))
    steps = [
        (original.images[mixed * 2 + s], mixed.clone(), torch.tensor([0.1 * (s + 1)]))
        for s in range(2)
    ] * passes
    found = read(Files(save(steps, "results.pth")))
    assert (found.format, found.recipe) == ("dd", {"ordered": True, "epochs": passes})
    assert len(found.images) == 20 and torch.equal(found.images[:10], original.images[mixed * 2])
    assert found.rates is not None and torch.allclose(
        found.rates, torch.tensor([0.1, 0.2] * passes)
    )


@pytest.mark.parametrize("keys", [("images", "labels"), ("image", "label")], ids=["kip", "frepo"])
def test_archives_of_numpy_put_channels_last(
    tmp_path: Path, original: Original, keys: tuple[str, str]
) -> None:
    path = tmp_path / "step000100.npz"
    rows = torch.nn.functional.one_hot(original.labels).double() - 0.1
    np.savez(
        path,
        **dict(zip(keys, (original.images.permute(0, 2, 3, 1).numpy(), rows.numpy()), strict=True)),
    )
    found = read(Files(path))
    assert (found.format, found.pixels, found.names) == ("npz", None, ())
    assert torch.equal(found.images, original.images)
    assert torch.equal(found.labels, rows.float())


def test_another_format_than_the_file_has_is_a_sentence(
    dc_file: Path, save: Save, original: Original
) -> None:
    for wrong in ("mtt", "idc", "dd", "npz"):
        with pytest.raises(UsageError, match=r"res_DM_blobs8_ConvNet_2ipc\.pt"):
            read(Files(dc_file, dc_file), wrong)
    with pytest.raises(UsageError, match="--format dm: unknown; did you mean 'dd'"):
        read(Files(dc_file), "dm")
    with pytest.raises(UsageError, match="is built like no known format"):
        read(Files(save({"x": original.images}, "x.pt")))
