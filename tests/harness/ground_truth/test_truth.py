"""Ground-truth tables by the command line: built in parts, stopped and gone on with, merged,
shown.
"""

import csv
import io
import signal
from pathlib import Path
from typing import Any

import pytest

from condensers.engine.context import Context
from harness.ground_truth.summary import ceiling
from scenarios.search import candidate
from scenarios.search.ground_truth import files
from scenarios.search.ground_truth.table import make_table
from tests.helpers.command_line import Harness, start, wait_until

# Six architectures of one block of eight channels, on 4 x 4 pixels.
SPACE = ("space.depths=[1]", "space.widths=[8]", "space.activations=['relu']", "truth_epochs=1")


def words(out: Path, *more: object, settings: tuple[str, ...] = SPACE) -> tuple[object, ...]:
    changed = [word for setting in settings for word in ("--set", setting)]
    return (
        "truth",
        "build",
        "convnet-small",
        "--data",
        "digits@4",
        "--workers",
        1,
        "--out",
        out,
        *changed,
        *more,
    )


def results(path: Path) -> list[tuple[Any, ...]]:
    return [
        (row["id"], row["seed"], row["validation"], row["test"])
        for row in files.read_table(path).rows
    ]


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what is trained; an architecture whose name is in `breaking`, put there as
    "!NAME", fails.
    """
    names: list[str] = []

    def watched(network: Any, job: Any, context: Context, name: str) -> dict[str, Any]:
        if f"!{name}" in names:
            raise RuntimeError("out of memory")
        names.append(name)
        return train(network, job, context, name)

    train = candidate.train
    monkeypatch.setattr(candidate, "train", watched)
    return names


def test_parts_of_two_machines_merge_into_what_one_builds(
    harness: Harness, tmp_path: Path, trainings: list[str]
) -> None:
    whole, out = tmp_path / "whole.json", tmp_path / "merged.json"
    built = harness(*words(whole, "--seeds", 2))
    assert built.status == 0, built.err
    assert "whole.json: 12 rows, 6 architectures, seeds 0, 1," in built.out and len(trainings) == 12
    assert not (tmp_path / "whole.work").exists()
    parts = [tmp_path / f"part{index}.json" for index in (1, 2)]
    for index, path in enumerate(parts, 1):
        assert "6 rows" in harness(*words(path, "--seeds", 2, "--part", f"{index}/2")).out
    assert harness("truth", "merge", *parts, "--out", out).status == 0
    assert results(out) == results(whole) and len(files.read_table(out).made) == 2
    refused = harness("truth", "merge", parts[0], "--out", out)
    assert refused.status == 2 and "nothing to be merged with" in refused.err


def test_more_seeds_are_added_to_a_file_and_another_truth_is_not(
    harness: Harness, tmp_path: Path, trainings: list[str]
) -> None:
    out, other_cell = (
        tmp_path / "t.json",
        tmp_path / "t.work" / "cells" / "of-more-seeds" / "record.json",
    )
    other_cell.parent.mkdir(parents=True)
    other_cell.touch()
    harness(*words(out, "--seeds", 1))
    assert [path.name for path in other_cell.parent.parent.iterdir()] == ["of-more-seeds"]
    first = results(out)
    del trainings[:]
    assert "12 rows" in harness(*words(out, "--seeds", 2)).out
    assert len(trainings) == 6 and [row for row in results(out) if row[1] == 0] == first
    other = harness(*words(out, "--set", "truth_lr=0.1"))
    assert (
        other.status == 2
        and "holds another truth (truth_lr 0.01 and 0.1, the file's first)" in other.err
    )


def test_a_failed_architecture_is_told_and_tried_again(
    harness: Harness, tmp_path: Path, trainings: list[str]
) -> None:
    out, broken = tmp_path / "t.json", "train d1-w8-batch-relu-avg"
    trainings.append(f"!{broken}")
    failed = harness(*words(out, "--seeds", 1))
    assert failed.status == 1 and "5 rows" in failed.out
    assert "failed: truth: d1-w8-batch-relu-avg, seed 0: RuntimeError: out of memory" in failed.err
    trainings[:] = []
    again = harness(*words(out, "--seeds", 1))
    assert again.status == 0 and "6 rows" in again.out and trainings == [broken]


def test_a_deadline_leaves_what_is_done_and_the_line_that_goes_on(
    harness: Harness, tmp_path: Path
) -> None:
    out = tmp_path / "t.json"
    stopped = harness(*words(out, "--minutes", 0))
    assert (
        stopped.status == 130 and "12 cells left; go on with:\nharness truth build" in stopped.err
    )
    assert not out.exists()
    assert harness(*words(out)).status == 0 and len(files.read_table(out).rows) == 12


def test_a_killed_build_goes_on_and_comes_to_the_same(harness: Harness, tmp_path: Path) -> None:
    out, work, settings = tmp_path / "t.json", tmp_path / "t.work", (*SPACE[:-1], "truth_epochs=10")
    process = start(*words(out, "--seeds", 1, settings=settings))
    wait_until(lambda: len(list(work.rglob("record.json"))) >= 2)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL and not out.exists()
    kept = {path: path.stat().st_mtime_ns for path in work.rglob("record.json")}
    assert 2 <= len(kept) < 6
    again = harness(*words(out, "--seeds", 1, settings=settings))
    assert again.status == 0 and again.err.count("done: truth") == 6 - len(kept)
    harness(*words(tmp_path / "whole.json", "--seeds", 1, settings=settings))
    assert results(out) == results(tmp_path / "whole.json")


def test_show_says_how_far_seeds_agree_and_csv_has_every_row(
    harness: Harness, tmp_path: Path
) -> None:
    out = tmp_path / "t.json"
    harness(*words(out, "--seeds", 2))
    shown = harness("truth", "show", out)
    assert shown.status == 0, shown.err
    assert (
        "ground truth of convnet-small on digits@4, 1 x 4 x 4 pixels, 10 classes, 1295 + 143 + 359"
        " images" in shown.out
    )
    assert (
        "6 architectures of 6, seeds 0, 1, 12 rows" in shown.out and "truth_epochs 1" in shown.out
    )
    assert (
        "Kendall's tau-b between two seeds" in shown.out
        and "best 6 by mean test accuracy" in shown.out
    )
    lines = list(csv.DictReader(io.StringIO(harness("truth", "csv", out).out)))
    assert [(line["id"], int(line["seed"]), float(line["test"])) for line in lines] == [
        (row["id"], row["seed"], row["test"]) for row in files.read_table(out).rows
    ]
    harness("truth", "csv", out, "--out", tmp_path / "t.csv")
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 13


def test_the_noise_ceiling_is_scipy_s_over_the_architectures_that_have_all_seeds(
    harness: Harness, tmp_path: Path
) -> None:
    from scipy import stats

    out = tmp_path / "t.json"
    harness(
        *words(out, "--seeds", 2, settings=(*SPACE[:1], "space.widths=[8, 16]", "truth_epochs=1"))
    )
    table = files.read_table(out)
    one = make_table(table.target, table.choices, table.made, table.rows[:-1])
    tests = [
        [
            row["test"]
            for row in one.rows
            if row["seed"] == seed and row["id"] != table.rows[-1]["id"]
        ]
        for seed in (0, 1)
    ]
    found = ceiling(one)
    assert len(tests[0]) == 23 and found["Kendall's tau-b"].n == 23
    assert found["Kendall's tau-b"].mean == pytest.approx(
        stats.kendalltau(*tests).statistic, abs=0.02
    )
    assert found["Spearman's rho"].mean == pytest.approx(
        stats.spearmanr(*tests).statistic, abs=0.02
    )
    assert (
        ceiling(
            make_table(
                table.target,
                table.choices,
                table.made,
                [row for row in table.rows if row["seed"] == 0],
            )
        )
        == {}
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--part", "3/2"), "--part 3/2: write it as I/N with I from 1 to N"),
        (
            ("--architectures", "some"),
            "--architectures some: neither all nor a whole number of at least 2",
        ),
        (("--architectures", 99), "99 asked for, but the space has only 6"),
        (("--set", "truth_epoch=3"), "unknown key 'truth_epoch'"),
    ],
)
def test_wrong_words_are_refused_before_any_training(
    harness: Harness, tmp_path: Path, more: tuple[Any, ...], said: str
) -> None:
    answer = harness(*words(tmp_path / "t.json", *more))
    assert answer.status == 2 and said in answer.err and not (tmp_path / "t.json").exists()
    assert answer.err.count("error:") == 1


def test_published_accuracies_are_imported_and_sampled(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path))
    file = tmp_path / "cells.csv"
    last = ("skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    cells = [
        f"|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|{a}~0|none~1|{b}~2|" for a in last for b in last
    ]
    rows = [f"{cell},{70 + at}" for at, cell in enumerate(cells)]
    file.write_text("\n".join(["arch,test_accuracy_cifar10", *rows]), encoding="utf-8")
    answer = harness("truth", "import", file)
    assert answer.status == 2 and "holds 16 of the 15,625 cells" in answer.err
    answer = harness("truth", "import", file, "--data", "cifar11")
    assert answer.status == 2 and "did you mean 'cifar10'?" in answer.err
    answer = harness("truth", "import", file, "--partial")
    assert answer.status == 0, answer.err
    assert "16 architectures, seeds 0, seconds not published" in answer.out
    assert (tmp_path / "ground-truth" / "nas-bench-201-cifar10.json").is_file()
    few = tmp_path / "few.json"
    answer = harness("truth", "sample", "nas-bench-201-cifar10", "--architectures", 4, "--out", few)
    assert answer.status == 0, answer.err
    tests = sorted(row["test"] for row in files.read_table(few).rows)
    assert [int((test - 70) // 4) for test in tests] == [0, 1, 2, 3]
    shown = harness("truth", "show", few).out
    assert "published NAS-Bench-201 (Dong & Yang, ICLR 2020)" in shown and "not published" in shown
    assert "nan" not in shown


def test_a_published_table_that_is_missing_is_missing_data(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path))
    answer = harness("truth", "show", "nas-bench-201-cifar10")
    assert answer.status == 3 and "harness truth import" in answer.err
