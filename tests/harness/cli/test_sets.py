"""`condense` and `evaluate`: files made and measured one by one, and every way in which their input
can be wrong.
"""

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from condensers.sets.files import load_set
from tests.helpers.command_line import Harness
from tests.helpers.timing import SetTimer

DM = (
    "condense",
    "dm",
    "--data",
    "digits",
    "--ipc",
    1,
    "--set",
    "iterations=2",
    "--set",
    "batch_real=8",
)
QUICK = ("--set", "epochs=1", "--set", "networks=2", "--set", 'network={name="mlp",width=8}')


@pytest.fixture
def made(harness: Harness, tmp_path: Path) -> Path:
    path = tmp_path / "a.safetensors"
    answer = harness("condense", "random", "--data", "digits", "--ipc", 2, "--out", path)
    assert answer.status == 0, answer.err
    return path


def one_sentence(answer: object, status: int, *words: str) -> None:
    assert answer.status == status, answer  # type: ignore[attr-defined]
    err: str = answer.err  # type: ignore[attr-defined]
    assert err.count("\n") == 1 and err.startswith("error: "), err
    for word in words:
        assert word in err


def test_condense_writes_set_card_and_preview(made: Path) -> None:
    assert sorted(p.name for p in made.parent.iterdir()) == [
        "a.card.json",
        "a.png",
        "a.safetensors",
    ]
    card = json.loads(made.with_suffix(".card.json").read_text())
    assert (card["method"], card["ipc"], card["nbytes"]) == ("random", 2, 20 * 65)
    assert card["cost"]["joules"] == "not measured"


def test_the_same_seed_gives_the_same_file(harness: Harness, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.safetensors" for name in "abc"]
    for path, seed in zip(paths, (1, 1, 2), strict=True):
        assert harness(*DM, "--seed", seed, "--out", path).status == 0
    first, second, other = (path.read_bytes() for path in paths)
    assert first == second != other


def test_bytes_are_a_budget(harness: Harness, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    assert (
        harness("condense", "random", "--data", "digits", "--bytes", 2000, "--out", path).status
        == 0
    )
    assert load_set(path).nbytes == 3 * 10 * 65 <= 2000


def test_condense_says_how_many_images_a_set_decodes_to(harness: Harness, tmp_path: Path) -> None:
    answer = harness(*DM, "--set", 'parameterisation="tiles"', "--out", tmp_path / "a.safetensors")
    assert "4 images per class in place of 1, 650 bytes" in answer.out, answer
    answer = harness(*DM, "--out", tmp_path / "b.safetensors")
    assert "1 images per class, 650 bytes (520 bits per class)," in answer.out, answer


def test_evaluate_prints_mean_interval_and_n(harness: Harness, made: Path) -> None:
    answer = harness("evaluate", made, "--scenario", "accuracy", *QUICK)
    assert answer.status == 0, answer.err
    assert "test-accuracy: " in answer.out and "n = 2 (network of one set)" in answer.out
    raw = json.loads(harness("evaluate", made, *QUICK, "--json").out)
    assert len(raw["measurements"][0]["values"]) == 2


def test_evaluate_says_that_it_approximates(harness: Harness, made: Path) -> None:
    given = ["evaluate", made, "--scenario", "accuracy", "--set", "networks=1", "--set", "epochs=1"]
    given += ["--set", 'network={name="convnet",width=8,depth=1}']
    said = "an approximation: products in bf16, in training and test"
    assert said in harness(*given, "--set", "precision=bf16").out
    assert said not in harness(*given).out


@pytest.mark.parametrize(("seconds", "taken"), [((9.0, 1.0), "bf16"), ((1.0, 9.0), "fp32")])
def test_evaluate_says_what_auto_came_to(
    seconds: tuple[float, float],
    taken: str,
    harness: Harness,
    made: Path,
    set_timer: SetTimer,
) -> None:
    set_timer(*seconds)
    given = ["evaluate", made, "--scenario", "accuracy", "--set", "networks=1", "--set", "epochs=1"]
    given += ["--set", 'network={name="convnet",width=8,depth=1}', "--set", "precision=auto"]
    answer = harness(*given)
    assert f"precision left to this machine: {taken}\n" in answer.out, answer
    assert ("an approximation" in answer.out) is (taken == "bf16")


def test_evaluate_measures_several_architectures(harness: Harness, made: Path) -> None:
    networks = 'architectures=[{name="mlp",width=8},{name="mlp",width=16}]'
    settings = ("--set", networks, "--set", "networks=1", "--set", "epochs=1")
    answer = harness("evaluate", made, "--scenario", "cross-architecture", *settings)
    assert answer.status == 0, answer.err
    assert "test-accuracy of mlp width=16" in answer.out
    assert "mean-test-accuracy" in answer.out


def test_evaluate_names_the_best_architectures_of_a_search(harness: Harness, made: Path) -> None:
    space = '{name="convnet-small",widths=[4,8],depths=[1]}'
    sets = ("--set", "epochs=1", "--set", "architectures=4", "--set", f"space={space}")
    answer = harness("evaluate", made, "--scenario", "search", *sets)
    assert answer.status == 0, answer.err
    assert (
        "n = 4 (architecture of one set)" in answer.out and "best by this proxy: d1-w" in answer.out
    )


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (
            ("condense", "dmm", "--data", "digits", "--ipc", 1),
            2,
            ("unknown method 'dmm'", "did you mean 'dm'?"),
        ),
        (("condense", "dm", "--data", "digts", "--ipc", 1), 2, ("digts", "digits")),
        (("condense", "dm", "--data", "digits", "--ipc", 0), 2, ("ipc 0", "at least 1")),
        (
            ("condense", "random", "--data", "digits", "--ipc", 999),
            2,
            ("ipc 999 is more than class", "take at most"),
        ),
        (("condense", "dm", "--data", "digits", "--bytes", 3), 2, ("3 bytes are too few",)),
        (("condense", "dm", "--data", "digits"), 2, ("either --ipc N", "--bytes B")),
        (
            (*DM, "--set", "iteration=3"),
            2,
            ("unknown key 'iteration'", "did you mean 'iterations'?"),
        ),
        ((*DM, "--set", "iterations=many"), 2, ("iterations: 'many' is not a whole number",)),
        ((*DM, "--set", 'network={name="convnet",depth=9}'), 2, ("too deep",)),
        (("condense", "dm", "--data", "svhn", "--ipc", 1), 3, ("train_32x32.mat",)),
        (("evaluate", "nothing.safetensors"), 2, ("nothing.safetensors: there is no such file",)),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(
    harness: Harness,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    status: int,
    told: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "no-data"))
    one_sentence(harness(*words), status, *told)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_a_place_that_cannot_be_written(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    one_sentence(
        harness(*DM, "--out", tmp_path / "file" / "a.safetensors"),
        2,
        "cannot be written",
        "choose another place",
    )
    one_sentence(harness(*DM, "--out", "/proc/a.safetensors"), 2, "cannot be written")


def test_a_truncated_file(harness: Harness, made: Path) -> None:
    content = made.read_bytes()
    for length in (0, 5, 100, len(content) - 1):
        made.write_bytes(content[:length])
        one_sentence(
            harness("evaluate", made), 2, "a.safetensors", "is cut short or not a .safetensors file"
        )


def test_a_file_without_card(harness: Harness, made: Path) -> None:
    save_file(load_file(made), made)
    one_sentence(harness("evaluate", made), 2, "has no card")


def test_a_card_from_other_data(harness: Harness, made: Path) -> None:
    one_sentence(
        harness("evaluate", made, "--data", "mnist-5k"), 2, "made from digits, not mnist-5k"
    )


def test_a_class_with_no_images(harness: Harness, tmp_path: Path) -> None:
    from PIL import Image

    for split in ("train", "test"):
        for name in ("cats", "dogs"):
            (tmp_path / split / name).mkdir(parents=True)
        for index in range(4):
            Image.new("L", (8, 8), index * 20).save(tmp_path / split / "cats" / f"{index}.png")
    out = tmp_path / "a.safetensors"
    one_sentence(
        harness("condense", "random", "--data", f"folder:{tmp_path}", "--ipc", 1, "--out", out),
        3,
        "dogs",
    )
    assert not out.exists()
