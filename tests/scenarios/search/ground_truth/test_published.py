"""NAS-Bench-201's published truth: what files hold it, what is refused, how a sample is drawn, and
a search that is compared with it.
"""

import bz2
import csv
import json
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import DataMissing, UsageError
from scenarios.protocol import Reference, Splits
from scenarios.search.candidate import parameter_count
from scenarios.search.ground_truth import files
from scenarios.search.ground_truth.published import SPACE, Trained, make_published_table
from scenarios.search.ground_truth.published_files import read_published
from scenarios.search.ground_truth.sampling import sample_strata
from scenarios.search.ground_truth.table import GroundTruthTable
from scenarios.search.judging import measure_size
from scenarios.search.scenario import Search
from scenarios.search.spaces.cell_strings import isomorphism_class, write_cell
from scenarios.search.spaces.letters import NAS_BENCH_EDGES

MADE = {"command": "harness truth import", "torch": None, "device": None}
OPERATIONS = ("skip_connect", "conv_1x1", "conv_3x3")


def some_cells() -> list[dict[str, str]]:
    """27 cells, of which the last node's edges alone differ; no two are one network."""
    plain = dict.fromkeys(NAS_BENCH_EDGES, "conv_3x3")
    return [
        plain | dict(zip(("0_3", "1_3", "2_3"), names, strict=True))
        for names in product(OPERATIONS, repeat=3)
    ]


TRUE = {write_cell(choice): 60.0 + at for at, choice in enumerate(some_cells())}
FOUND = [Trained(cell, value) for cell, value in TRUE.items()]


@pytest.fixture(scope="module")
def table() -> GroundTruthTable:
    return make_published_table(FOUND, "cifar10", MADE, partial=True)


def official(seeds: tuple[int, ...]) -> dict[str, Any]:
    """The nested tables of the authors' files, with what else they hold."""

    def result(value: float, name: str) -> dict[str, Any]:
        accuracies = {f"{name}@{epoch}": value - (199 - epoch) / 10 for epoch in (0, 199)}
        times = {epoch: 2.0 for epoch in range(200)}
        return {"epochs": 200, "eval_acc1es": accuracies, "train_times": times, "flop": 1.5}

    infos = {
        at: {
            "full": {
                "all_results": {
                    **{("cifar10", s): result(v + (s - 777) / 100, "ori-test") for s in seeds},
                    ("cifar10-valid", 777): result(v - 5, "x-valid"),
                    ("cifar100", 777): result(v - 20, "x-test"),
                },
                "arch_str": cell,
            },
            "less": {"all_results": {}},
        }
        for at, (cell, v) in enumerate(TRUE.items())
    }
    return {"meta_archs": list(TRUE), "arch2infos": infos, "evaluated_indexes": set()}


def as_npz(path: Path) -> None:
    np.savez(path, arch=np.array(list(TRUE)), test_accuracy_cifar10=np.array([*TRUE.values()]))


def as_csv(path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["arch_str", "cifar10_test_accuracy"], *TRUE.items()])


def as_pth(path: Path) -> None:
    content = official((777,))
    content["evaluated_indexes"] = list(range(len(TRUE)))
    torch.save(content, path)


def as_pickle(path: Path) -> None:
    content = official((777,))
    for infos in content["arch2infos"].values():
        infos["200"] = infos.pop("full")
    with bz2.open(path, "wb") as file:
        pickle.dump(content | {"evaluated_indexes": [1]}, file, protocol=4)


FILES: dict[str, Callable[[Path], None]] = {
    "a.npz": as_npz,
    "a.csv": as_csv,
    "a.pth": as_pth,
    "a.pickle.pbz2": as_pickle,
    "cells.json": lambda path: void(path.write_text(json.dumps(TRUE))),
    "rows.json": lambda path: void(
        path.write_text(json.dumps([{"arch": a, "test_accuracy": v} for a, v in TRUE.items()]))
    ),
    "columns.json": lambda path: void(
        path.write_text(json.dumps({"arch": list(TRUE), "test_acc": list(TRUE.values())}))
    ),
}


def void(_: object) -> None:
    """A lambda that writes gives nothing back."""


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_truth(name: str, tmp_path: Path) -> None:
    FILES[name](tmp_path / name)
    found = read_published(tmp_path / name, "cifar10")
    assert {one.cell: one.test for one in found} == pytest.approx(TRUE)


def test_the_authors_files_hold_seeds_seconds_and_validation(tmp_path: Path) -> None:
    content = official((777, 888)) | {"evaluated_indexes": []}
    torch.save(content, tmp_path / "a.pth")
    found = read_published(tmp_path / "a.pth", "cifar10")
    assert len(found) == 2 * len(TRUE)
    first = [one for one in found if one.cell == next(iter(TRUE))]
    assert [(one.seed, one.test, one.validation, one.seconds) for one in first] == [
        (777, pytest.approx(60.0), pytest.approx(55.0), 400.0),
        (888, pytest.approx(61.11), None, 400.0),
    ]
    other = read_published(tmp_path / "a.pth", "cifar100")
    assert other[0].test == pytest.approx(40.0)
    with pytest.raises(UsageError, match="no training of 200 epochs on ImageNet16-120"):
        read_published(tmp_path / "a.pth", "imagenet16-120")


def test_a_pickle_is_never_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "run"),)

    for name, opened in (("a.pbz2", bz2.open), ("a.pkl", open)):
        with opened(tmp_path / name, "wb") as file:  # type: ignore[operator]
            pickle.dump({"meta_archs": Evil()}, file)
        with pytest.raises(UsageError, match="is refused, because it holds more than lists"):
            read_published(tmp_path / name, "cifar10")
    torch.save({"meta_archs": Evil()}, tmp_path / "a.pth")
    with pytest.raises(UsageError, match="is refused"):
        read_published(tmp_path / "a.pth", "cifar10")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.txt", b"", "no file of NAS-Bench-201 by its ending"),
        ("a.json", b"{", "is not JSON"),
        ("a.json", b"[]", "is built like no file of NAS-Bench-201"),
        ("a.json", b'[{"arch": "x"}]', "has no column test_accuracy_cifar10 or .*--column"),
        ("a.csv", b"arch,test_acc\nx,high\n", "has 'high' for the cell x, no number"),
        ("a.csv", b"\xff\xfe", "is no CSV file"),
        ("a.npz", b"PK", "is cut short or damaged"),
        ("a.pbz2", b"BZh9", "is cut short or damaged"),
        ("a.pkl", b"", "is cut short or damaged"),
        ("a.json", b'{"arch2infos": {"0": 1}, "meta_archs": []}', "is not built as NAS-Bench-201"),
    ],
    ids=[
        "ending",
        "no-json",
        "empty",
        "no-column",
        "no-number",
        "no-csv",
        "no-npz",
        "cut-short",
        "no-pickle",
        "no-nesting",
    ],
)
def test_what_cannot_be_read_is_one_sentence(
    name: str, content: bytes, why: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=why) as fault:
        read_published(tmp_path / name, "cifar10")
    assert "\n" not in str(fault.value)


def test_a_table_says_what_was_published_and_what_was_not(
    table: GroundTruthTable, tmp_path: Path
) -> None:
    files.write_table(tmp_path / "a.json", table)
    read = files.read_table(tmp_path / "a.json")
    assert read.content == table.content and read.target.published
    row = read.row(read.ids[0], 0)
    assert row is not None and row["validation"] is None and row["seconds"] is None
    assert row["test"] == TRUE[write_cell(row["choices"])]


def test_counts_are_those_of_our_networks_of_the_published_size(table: GroundTruthTable) -> None:
    for name in table.ids[::13]:
        row = table.row(name, 0)
        assert row is not None
        counted = measure_size(SPACE.spec(row["choices"]), (3, 32, 32), 10)
        assert counted == {key: row[key] for key in ("parameters", "flops")}


def test_published_networks_have_the_published_parameters() -> None:
    """0.129306 million in the public table of NAS-Bench-Suite-Zero."""
    cell = dict.fromkeys(NAS_BENCH_EDGES, "avg_pool_3x3") | {
        "0_2": "conv_1x1",
        "0_3": "conv_1x1",
    }
    assert parameter_count(SPACE.spec(cell), (3, 32, 32), 10) == 129_306


def changed(at: int, **values: Any) -> list[Trained]:
    return [one._replace(**values) if place == at else one for place, one in enumerate(FOUND)]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (changed(3, test=101.0), "accuracy of the cell .* is 101.0, not a percentage"),
        (changed(3, test=float("nan")), "is nan, not a percentage"),
        (changed(3, validation=-1.0), "the validation accuracy of the cell"),
        (changed(3, cell="|none~0|"), "is not one of NAS-Bench-201"),
        (changed(3, parameters=7.0), "the file says 7"),
        ([*FOUND, FOUND[0]], "occurs 2 times with seed 0"),
        ([one._replace(test=one.test / 100) for one in FOUND], "multiply them by 100"),
        ([one._replace(group=1) for one in FOUND], "holds different networks"),
        (FOUND[:1], "holds 1 of the 15,625 cells"),
    ],
)
def test_what_cannot_be_true_is_refused(found: list[Trained], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        make_published_table(found, "cifar10", MADE, partial=True)


def test_part_of_the_cells_must_be_asked_for() -> None:
    with pytest.raises(UsageError, match=r"holds 27 of the 15,625 cells.*--partial"):
        make_published_table(FOUND, "cifar10", MADE)


def test_accuracies_that_belong_to_other_cells_are_refused() -> None:
    """Node 1 is node 0, so that the edges from them to the last node may change places."""
    ones = [
        choice | {"0_1": "skip_connect"} for choice in some_cells() if choice["0_3"] < choice["1_3"]
    ]
    twins = [one | {"0_3": one["1_3"], "1_3": one["0_3"]} for one in ones]
    assert [*map(isomorphism_class, ones)] == [*map(isomorphism_class, twins)]
    tests = [60.0 + at for at in range(len(ones))]
    for second, fits in ((tests, True), (tests[::-1], False)):
        found = [
            Trained(write_cell(choice), test)
            for choice, test in zip([*ones, *twins], [*tests, *second], strict=True)
        ]
        if fits:
            make_published_table(found, "cifar10", MADE, partial=True)
        else:
            with pytest.raises(UsageError, match="cells and accuracies do not belong together"):
                make_published_table(found, "cifar10", MADE, partial=True)


def test_a_sample_has_one_of_each_part_of_the_order(table: GroundTruthTable) -> None:
    drawn = sample_strata(table, 9, seed=1)
    tests = sorted(row["test"] for row in drawn.rows)
    assert [int((value - 60) // 3) for value in tests] == list(range(9))
    assert drawn.content == sample_strata(table, 9, seed=1).content
    assert drawn.ids != sample_strata(table, 9, seed=2).ids
    assert drawn.made[0]["sampled"]["of"] == table.content
    assert min(row["test"] for row in sample_strata(table, 9, 1, above=70).rows) > 70
    with pytest.raises(UsageError, match="28 architectures asked for, and 27"):
        sample_strata(table, 28, 0)


def test_a_sample_holds_no_network_twice() -> None:
    plain = dict.fromkeys(NAS_BENCH_EDGES, "none") | {"0_3": "conv_3x3"}
    same = [plain | {"0_1": name} for name in ("none", "conv_1x1", "conv_3x3")]
    found = [Trained(write_cell(choice), 80.0) for choice in same] + FOUND
    table = make_published_table(found, "cifar10", MADE, partial=True)
    drawn = sample_strata(table, 28, 0)
    classes = [isomorphism_class(choice) for choice in drawn.architectures.values()]
    assert len(set(classes)) == 28


@pytest.fixture
def images(make_data: Callable[..., ClassData]) -> Splits:
    parts = [
        replace(make_data((3, 8, 8), 10, count, seed=seed), name="cifar10@8")
        for seed, count in enumerate((12, 4, 4))
    ]
    return Splits(*parts)


@pytest.fixture
def small(table: GroundTruthTable, tmp_path: Path) -> Search:
    files.write_table(tmp_path / "nine.json", sample_strata(table, 9, 0))
    return Search(
        space={"name": "nas-bench-201", "channels": 2, "cells": 1},
        strategy="listed",
        truth=str(tmp_path / "nine.json"),
        steps=3,
        batch=8,
        augmentation="none",
        early_stopping_most=1,
        validation_images=10,
        readings=2,
        subset_ipc=2,
    )


def test_a_search_is_compared_with_what_was_published(small: Search, images: Splits) -> None:
    """The whole of it, on synthetic images: 9 cells, truth, short training, accuracy and loss."""
    truth = small.run(Reference("truth"), images, Context(seed=3))
    rows = truth.detail["architectures"]
    assert [row["score"] for row in rows] == [TRUE[write_cell(_edges(row))] for row in rows]
    assert "seconds" not in truth.costs and "seconds" not in rows[0]
    assert truth.detail["truth"]["published"].startswith("NAS-Bench-201")
    assert truth.detail["truth"]["space"] == {"name": "nas-bench-201", "channels": 16, "cells": 5}
    short = small.run(Reference("early-stopping"), images, Context(seed=3))
    assert [row["id"] for row in short.detail["architectures"]] == [row["id"] for row in rows]
    assert short.detail["table"] == truth.detail["table"]
    for row in short.detail["architectures"]:
        assert row["steps"] == 3 and row["images"] == 24 and row["score"] == row["validation"]
        assert row["loss"] == row["curve"][-1]["loss"] > 0
    by_loss = replace(small, score_by="loss").run(Reference("subset"), images, Context(seed=3))
    assert all(row["score"] == -row["loss"] for row in by_loss.detail["architectures"])
    assert by_loss.detail["score"] == "validation loss, its sign changed"
    assert by_loss.measurements[0].unit == "nats"


def _edges(row: dict[str, Any]) -> dict[str, str]:
    return {edge: row[edge] for edge in NAS_BENCH_EDGES}


def test_loss_is_the_cross_entropy_of_the_validation_images(small: Search, images: Splits) -> None:
    job = small.make_proxy_judge(images, images.train.images, images.train.labels, small.recipe())
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 10))
    data = images.validation
    logits = network(data.normalise(data.images))
    found = job.measure(network, data)
    expected = torch.nn.functional.cross_entropy(logits, data.labels).item()
    assert found["loss"] == pytest.approx(expected, rel=1e-6)
    with torch.no_grad():
        network[1].weight.fill_(float("nan"))
    assert job.measure(network, data)["loss"] == 1e6


def test_steps_are_the_same_for_sets_of_all_sizes(small: Search, images: Splits) -> None:
    for count in (5, 40):
        train = images.train
        job = small.make_proxy_judge(
            images, train.images[:count], train.labels[:count], small.recipe()
        )
        assert job.recipe.steps == 3 and job.readings[-1] == 3
    assert small.count_proxy_passes(images, 40) == small.count_proxy_passes(images, 4000)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"space": "convnet-small"}, "space nas-bench-201 and convnet-small"),
        ({"strategy": {"name": "evolution"}, "architectures": 20}, "take listed or random"),
        ({"truth": "auto"}, "truth names none"),
        ({"strategy": "random", "architectures": 9}, "has no row for"),
    ],
)
def test_a_search_that_does_not_fit_is_refused(
    small: Search, images: Splits, settings: dict[str, Any], why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        replace(small, truth_content="", **settings).run(Reference("truth"), images, Context())


def test_other_images_are_refused(small: Search, images: Splits) -> None:
    parts = (images.train, images.validation, images.test)
    other = Splits(*(replace(part, name="svhn") for part in parts))
    with pytest.raises(UsageError, match="data cifar10 and svhn"):
        small.run(Reference("truth"), other, Context())


def test_a_table_is_found_in_the_data_folder(
    table: GroundTruthTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path))
    with pytest.raises(DataMissing, match="harness truth import"):
        files.find_path("nas-bench-201-cifar10")
    path = files.locate_imported("nas-bench-201-cifar10")
    path.parent.mkdir()
    files.write_table(path, table)
    assert files.find_path("nas-bench-201-cifar10") == path == Path(files.find_path(str(path)))


def real_file() -> Path | None:
    """The public table of all cells, where HARNESS_DATA names a folder that holds it."""
    folder = Path(os.environ.get("HARNESS_DATA", "no such folder"))
    places = (folder / "nasbench201.npz", folder / "nasbench201" / "nasbench201.npz")
    return next((path for path in places if path.is_file()), None)


@pytest.mark.real_data
@pytest.mark.skipif(real_file() is None, reason="HARNESS_DATA holds no nasbench201.npz")
def test_the_real_table_says_what_papers_say() -> None:
    path = real_file()
    assert path is not None
    table = make_published_table(read_published(path, "cifar10"), "cifar10", MADE)
    tests = np.array([row["test"] for row in table.rows])
    assert len(tests) == 15_625 and round(float(tests.max()), 2) == 94.37
    sizes_of = np.array([row["parameters"] for row in table.rows])
    assert spearmanr(sizes_of, tests).statistic == pytest.approx(0.753, abs=5e-4)
    with np.load(path, allow_pickle=False) as loaded:
        truth = loaded["test_accuracy_cifar10"]
        assert len(set(loaded["unique"].tolist())) == 6466
        for name, rho in (("logsynflow", 0.826), ("naswot", 0.793)):
            found = spearmanr(loaded[f"{name}_cifar10"], truth).statistic
            assert found == pytest.approx(rho, abs=5e-4)
    few = sample_strata(table, 100, seed=0, above=60)
    assert len({isomorphism_class(choice) for choice in few.architectures.values()}) == 100
