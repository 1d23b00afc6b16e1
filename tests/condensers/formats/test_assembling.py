"""What is made of a published file is the set it holds: its images, the classes meant, labels in
their form, a true card.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.formats.assembling import assemble, describe_published
from condensers.formats.choices import Choices
from condensers.formats.published import Published
from condensers.formats.reading import Files, read
from condensers.sets.files import require_same_data
from condensers.sets.merging import restrict, shrink
from tests.condensers.formats.conftest import AS_DATA, Original, bring

Save = Callable[[Any, str], Path]


def test_images_and_labels_are_those_of_the_file(
    dc_file: Path, original: Original, grey8: ClassData
) -> None:
    made = bring(dc_file, grey8, AS_DATA)
    images, labels = made.decode()
    assert torch.equal(images, original.images)
    assert torch.equal(labels, original.labels)
    assert (
        made.tensors["images"].dtype == torch.float32
        and made.tensors["labels"].dtype == torch.uint8
    )
    assert made.nbytes == 20 * (64 * 4 + 1)
    require_same_data(made, grey8, dc_file)


def test_the_card_says_where_the_set_is_from(dc_file: Path, grey8: ClassData) -> None:
    card = bring(dc_file, grey8, Choices("with-data", "with-data", method="DM")).card
    digest = hashlib.sha256(dc_file.read_bytes()).hexdigest()
    said = {"pixels": "normalised by 0.5/0.25", "contrast": pytest.approx(1, abs=0.01)}
    assert card["source"] == {"file": dc_file.name, "sha256": digest, "format": "dc", **said}
    assert (card["imported"], card["method"], card["dataset"], card["digest"]) == (
        True,
        "DM",
        grey8.name,
        grey8.digest,
    )
    assert (card["ipc"], card["images_per_class"], card["classes"]) == (2, 2, list(range(10)))
    assert card["recipe"] == {"augmentation": "dsa", "labels": "hard"}
    assert (
        card["couples_classes"] is True and card["seed"] is None and card["hyperparameters"] == {}
    )


def test_what_the_file_does_not_say_is_asked_all_at_once(dc_file: Path, grey8: ClassData) -> None:
    with pytest.raises(UsageError) as fault:
        assemble(read(Files(dc_file)), grey8, Choices())
    first, second = str(fault.value).splitlines()
    assert (
        "its pixels, -" in first
        and "pass --normalised with-data (by the mean and std of blobs8)" in first
    )
    assert "which classes its labels 0 to 9 are; pass --labels with-data" in second
    assert "20 images 1x8x8, floating-point pixels from -" in describe_published(
        read(Files(dc_file))
    )


@pytest.mark.parametrize("storage", ["float32", "uint8"])
def test_pixels_on_any_scale_come_out_the_same(save: Save, grey8: ClassData, storage: str) -> None:
    """Real images, published in 0 to 1, normalised as the data, normalised otherwise, and as
    bytes.
    """
    bytes_ = torch.cat([grey8.images[grey8.members(c)[:2]] for c in grey8.classes])
    labels, unit = torch.arange(10).repeat_interleave(2), bytes_.float() / 255
    published = {
        "none": unit,
        "with-data": (unit - grey8.mean[0]) / grey8.std[0],
        "0.3/0.5": (unit - 0.3) / 0.5,
        "": bytes_,
    }
    for said, images in published.items():
        path = save({"data": [[images, labels]]}, "a.pt")
        made = bring(path, grey8, Choices(said, "with-data", storage=storage))
        assert torch.allclose(made.decode()[0], grey8.normalise(bytes_), atol=1e-5), said
        if storage == "uint8":
            assert torch.equal(made.tensors["images"], bytes_), said


def test_a_scale_that_cannot_be_is_refused(dc_file: Path, grey8: ClassData) -> None:
    for said, told in (
        ("none", "so they are neither 0 to 1 nor 0 to 255 but normalised"),
        ("0.1,0.2/0.3,0.4", "has 1 channels, but the mean or std has 2 and 2 numbers"),
        ("0.1", "write none, with-data, or MEAN/STD"),
        ("0.1/0", "its std is not a list of positive numbers"),
        ("nan/1", "its mean is not a list of numbers"),
    ):
        with pytest.raises(UsageError, match=told):
            assemble(read(Files(dc_file)), grey8, Choices(said, "with-data"))


def test_labels_count_the_classes_that_are_named(
    save: Save, original: Original, grey8: ClassData
) -> None:
    order = [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]
    path = save({"data": [[original.images, original.labels]]}, "a.pt")
    for said in (",".join(map(str, order)), ",".join(grey8.class_names[c] for c in order)):
        images, labels = bring(path, grey8, Choices("with-data", said)).decode()
        assert labels.tolist() == original.labels.tolist(), "sorted by the data set's labels"
        for position, label in enumerate(order):
            assert torch.equal(
                images[2 * label : 2 * label + 2], original.images[2 * position : 2 * position + 2]
            )


def test_a_file_with_some_of_the_classes(save: Save, original: Original, grey8: ClassData) -> None:
    path = save({"data": [[original.images[:4], torch.tensor([1, 0, 0, 1])]]}, "a.pt")
    made = bring(path, grey8, Choices("with-data", "7,class 2"))
    assert made.classes == (2, 7) and made.decode()[1].tolist() == [2, 2, 7, 7]
    assert torch.equal(made.decode()[0], original.images[[0, 3, 1, 2]])


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ("0,1,2", "classes are named for 0 to 2, and none for 3 to 9"),
        ("0,0", "names a class twice"),
        ("0,cat", "has no class 'cat'"),
    ],
)
def test_an_order_that_cannot_be_is_refused(
    dc_file: Path, grey8: ClassData, order: str, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        assemble(read(Files(dc_file)), grey8, Choices("with-data", order))


def test_foreign_shapes_are_refused(
    save: Save, original: Original, grey8: ClassData, grey28: ClassData
) -> None:
    few = save({"data": [[original.images[:4], original.labels[:4]]]}, "b.pt")
    with pytest.raises(
        UsageError,
        match="its images are 1x8x8, those of blobs28 1x28x28; pass the --data it was made from",
    ):
        assemble(read(Files(few)), grey28, AS_DATA)


def test_unequal_counts_and_other_numberings_are_read(
    save: Save, original: Original, grey8: ClassData
) -> None:
    uneven = bring(
        save({"data": [[original.images[:19], original.labels[:19]]]}, "a.pt"), grey8, AS_DATA
    )
    assert (uneven.ipc, uneven.card["images_per_class"]) == (2, 2)
    assert uneven.card["counts"] == {name: 2 - (name == "class 9") for name in grey8.class_names}
    assert torch.equal(uneven.decode()[0], original.images[:19])
    assert restrict(uneven, [8, 9]).card["counts"] == {"class 8": 2, "class 9": 1}
    assert (
        "counts" not in restrict(uneven, [0, 1]).card
        and "counts" not in shrink(uneven, 1, "first", torch.Generator()).card
    )
    for labels, said in (
        (original.labels + 1, "from-1"),
        (
            original.labels * 10,
            ",".join(f"{10 * c}={name}" for c, name in enumerate(grey8.class_names)),
        ),
        (functional.one_hot(original.labels), "with-data"),
        (original.labels.tolist(), "with-data"),
        (original.labels.numpy(), "with-data"),
    ):
        for content in (
            {"images": original.images, "labels": labels},
            {"data": [(original.images.numpy(), labels)]},
        ):
            made = bring(save(content, "b.pt"), grey8, Choices("with-data", said))
            assert (
                torch.equal(made.decode()[1], original.labels) and made.recipe["labels"] == "hard"
            )
            assert torch.equal(made.decode()[0], original.images) and "counts" not in made.card
    last_first = bring(
        save([original.images.permute(0, 2, 3, 1), original.labels], "c.pt"), grey8, AS_DATA
    )
    assert torch.equal(last_first.decode()[0], original.images), "channels last"


def test_labels_from_1_are_told_how_to_be_read(
    save: Save, original: Original, grey8: ClassData
) -> None:
    path = save([original.images, original.labels + 1], "a.pt")
    with pytest.raises(
        UsageError,
        match="has labels 1 to 10, but classes are named for 0 to 9, and none for 10; pass",
    ):
        bring(path, grey8, AS_DATA)
    assert describe_published(read(Files(path))).endswith("labels 1 to 10")
    with pytest.raises(UsageError, match="'one' is no label; write pairs"):
        bring(path, grey8, Choices("with-data", "one=1"))


@pytest.mark.parametrize("white", [1.0, 255.0], ids=["0-to-1", "0-to-255"])
def test_ranges_decide_and_no_advice_spoils_a_set(
    save: Save, grey8: ClassData, white: float
) -> None:
    bytes_ = torch.cat([grey8.images[grey8.members(c)[:2]] for c in grey8.classes])
    path = save([bytes_.float() / 255 * white, torch.arange(10).repeat_interleave(2)], "a.pt")
    for said in ("", "none"):
        made = bring(path, grey8, Choices(said, "with-data"))
        assert torch.allclose(made.decode()[0], grey8.normalise(bytes_), atol=1e-5)
        assert made.card["source"]["pixels"] == f"0 to {white:g}"
    with pytest.raises(UsageError, match="normalised ones go below 0; leave --normalised out"):
        bring(path, grey8, Choices("with-data", "with-data"))


def test_a_contrast_that_cannot_be_is_refused(
    save: Save, original: Original, grey8: ClassData
) -> None:
    path = save([original.images / 3, original.labels], "a.pt")
    with pytest.raises(
        UsageError,
        match=r"its images have 0.33 times the contrast of blobs8, so they are not; pass another",
    ):
        bring(path, grey8, AS_DATA)
    made = bring(path, grey8, Choices("with-data", "with-data", any_contrast=True))
    assert torch.equal(made.decode()[0], original.images / 3)


def soft(original: Original, rows: Tensor) -> Published:
    return Published(Path(__file__), "mtt", original.images, rows)


def test_soft_labels_keep_their_form(original: Original, grey8: ClassData) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(20, 10, generator=generator) + 9 * functional.one_hot(original.labels, 10)
    guessed = assemble(soft(original, logits.softmax(1)), grey8, AS_DATA)
    assert guessed.recipe["labels"] == "probabilities" and torch.equal(
        guessed.tensors["labels"], logits.softmax(1)
    )
    with pytest.raises(UsageError, match=r"pass --soft-labels scores .* or logits"):
        assemble(soft(original, logits), grey8, AS_DATA)
    scores = assemble(soft(original, logits), grey8, Choices("with-data", "with-data", "scores"))
    assert scores.recipe == {"augmentation": "dsa", "labels": "scores", "loss": "mse"}
    assert torch.equal(scores.tensors["labels"], logits)
    of_logits = assemble(soft(original, logits), grey8, Choices("with-data", "with-data", "logits"))
    assert of_logits.recipe["labels"] == "probabilities" and torch.allclose(
        of_logits.tensors["labels"], logits.softmax(1)
    )
    with pytest.raises(UsageError, match="its labels are no probabilities"):
        assemble(soft(original, logits), grey8, Choices("with-data", "with-data", "probabilities"))


def test_columns_of_soft_labels_go_to_the_classes_named(
    original: Original, grey8: ClassData
) -> None:
    rows = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    two = Published(Path(__file__), "mtt", original.images[:2], rows)
    made = assemble(two, grey8, Choices("with-data", "7,2"))
    expected = torch.zeros(2, 10)
    expected[0, 2], expected[0, 7] = 0.8, 0.2  # the image of class 2 comes first
    expected[1, 2], expected[1, 7] = 0.1, 0.9
    assert torch.equal(made.tensors["labels"], expected) and made.classes == (2, 7)
    with pytest.raises(UsageError, match="has scores for 2 classes, blobs8 has 10"):
        assemble(two, grey8, Choices("with-data", "7,2", "scores"))


def test_learned_labels_that_prefer_other_classes_keep_the_files_order(
    original: Original, grey8: ClassData
) -> None:
    rows = torch.full((20, 10), 0.05)
    rows[:, 3] = 0.55
    made = assemble(soft(original, rows), grey8, AS_DATA)
    assert torch.equal(made.decode()[0], original.images) and made.ipc == 2


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"soft": "hard"}, "--soft-labels hard: unknown"),
        ({"augmentation": "cutmix"}, "--augmentation cutmix: unknown"),
        ({"storage": "int8"}, "storage: 'int8' is not one of"),
        ({"factor": 9}, "cannot|factor"),
    ],
)
def test_an_unknown_choice_is_a_sentence(
    dc_file: Path, grey8: ClassData, wrong: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        assemble(read(Files(dc_file)), grey8, Choices("with-data", "with-data", **wrong))
