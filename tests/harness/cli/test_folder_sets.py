"""Sets of folder:PATH: they come back from any directory, and what is known of the folder goes with
all that is made of it.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from condensers.sets.files import load_set
from harness.store.store import Store
from tests.helpers.command_line import Harness

QUICK = ("--set", "epochs=1", "--set", "networks=1", "--set", 'network={name="mlp",width=8}')
SUITE = """
about = "seconds"
data = ["{data}"]
seeds = 1
ipc = [1]

[[condensers]]
method = "random"

[[scenarios]]
scenario = "accuracy"
network = {{ name = "mlp", width = 8 }}
networks = 1
epochs = 1
full_epochs = 1
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of two parts and classes, twelve different images a class, away from where the
    commands run.
    """
    root = tmp_path / "home" / "photos"
    for number in range(48):
        part, label = ("Train", "Test")[number % 2], "ab"[number // 2 % 2]
        file = root / part / label / f"{number:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(
            np.random.RandomState(number).randint(0, 256, (8, 8)).astype(np.uint8)
        ).save(file)
    return root


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    place = tmp_path / "elsewhere"
    place.mkdir()
    return place


@pytest.fixture
def made(harness: Harness, photos: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A set of the folder, made beside it by its last name alone."""
    monkeypatch.chdir(photos.parent)
    assert (
        harness(
            "condense", "random", "--data", "folder:photos", "--ipc", 2, "--out", "a.safetensors"
        ).status
        == 0
    )
    return photos.parent / "a.safetensors"


@pytest.mark.parametrize("to", ["npz", "pt"])
@pytest.mark.parametrize("named", ["relative", "absolute", "unnamed", "moved"])
def test_a_set_of_a_folder_comes_back_from_any_directory(
    named: str,
    to: str,
    harness: Harness,
    made: Path,
    photos: Path,
    elsewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(elsewhere)
    sent = made.with_suffix(f".{to}")
    assert harness("export", made, "--to", to).status == 0
    moved = elsewhere / "pictures"
    if named == "moved":
        shutil.move(photos, moved)
    data = {
        "relative": "folder:../home/photos",
        "absolute": f"folder:{photos}",
        "moved": "folder:pictures",
    }.get(named)
    answer = harness("import", sent, "--out", "back", *(("--data", data) if data else ()))
    assert answer.status == 0, answer.err
    assert "note:" not in answer.out + answer.err
    assert load_set(elsewhere / "back.safetensors").card["digest"] == load_set(made).card["digest"]
    for file in (made, Path("back.safetensors")):
        measured = harness(
            "evaluate",
            file,
            *QUICK,
            *(("--data", data) if data else ("--data", f"folder:{photos}")),
        )
        assert measured.status == 0, measured.err


@pytest.mark.parametrize("to", ["png", "hf"])
def test_a_set_of_a_folder_is_exported_as_pictures_from_any_directory(
    to: str, harness: Harness, made: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(elsewhere)
    assert harness("export", made, "--to", to, "--out", "out").status == 0
    assert len(list((elsewhere / "out").rglob("*.png"))) == 4


def test_a_folder_that_is_nowhere_is_asked_for(
    harness: Harness, made: Path, photos: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(elsewhere)
    assert harness("evaluate", made, *QUICK).status == 0  # the folder is beside the file
    photos.rename(photos.parent / "other")
    for verb in (("evaluate", made), ("import", made.with_suffix(".npz"))):
        harness("export", made, "--to", "npz")
        answer = harness(*verb)
        assert answer.status == 3 and answer.err.count("\n") == 1
        assert (
            f"was made from a folder 'photos', which is not in {elsewhere} nor in {photos.parent}"
            in answer.err
        )
        assert "--data folder:PATH" in answer.err


def test_other_images_are_not_taken_for_those_of_the_set(
    harness: Harness, made: Path, photos: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(elsewhere)
    harness("export", made, "--to", "npz", "--out", "a.npz")
    (photos / "Train" / "a" / "00.png").unlink()
    changed = harness("import", "a.npz", "--data", f"folder:{photos}", "--out", "b")
    assert changed.status == 0
    assert "note: a.npz: was made from other images of folder:photos (digest" in changed.out
    photos.rename(elsewhere / "pictures")
    answer = harness("import", "a.npz", "--data", "folder:pictures", "--out", "c")
    assert (
        answer.status == 2
        and "made from folder:photos, whose images are not those of folder:pictures" in answer.err
    )
    answer = harness("import", "a.npz", "--data", "digits", "--out", "c")
    assert answer.status == 2 and "says it was made from folder:photos, not digits" in answer.err


NOTE = (
    "1 of 25 test images is in the training part too, equal in every pixel: Train/a/04.png and"
    " Test/b/copy.png"
)


def test_copies_are_told_by_commands_card_record_and_report(
    harness: Harness, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(photos / "Train/a/04.png", photos / "Test/b/copy.png")
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path))
    name = f"folder:{photos}"
    condensed = harness("condense", "random", "--data", name, "--ipc", 1, "--out", "a.safetensors")
    assert f"note: folder:photos: {NOTE}" in condensed.err and "note" not in condensed.out
    assert any(note.startswith(NOTE) for note in load_set("a.safetensors").card["data_notes"])
    assert (
        f"note: folder:photos: {NOTE}"
        in harness("evaluate", "a.safetensors", "--data", name, *QUICK).err
    )
    harness("export", "a.safetensors", "--to", "hf", "--out", "hf")
    assert "Test/b/copy.png" in (tmp_path / "hf" / "README.md").read_text().replace("\\", "")
    Path("suite.toml").write_text(SUITE.format(data=name))
    assert f"note: folder:photos: {NOTE}" in harness("plan", "suite.toml").err
    ran = harness("run", "suite.toml", "--out", "out", "--workers", 1)
    assert ran.status == 0 and f"note: folder:photos: {NOTE}" in ran.err
    _, records, _ = Store(tmp_path / "out").contents()
    said = [
        record["outcome"]["detail"]["said"] for record in records if record["kind"] == "scenario"
    ]
    assert said and all(any(note.startswith(NOTE) for note in notes) for notes in said)
    assert NOTE in harness("report", "out", "--format", "md").out
