import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from condensers.errors import DataMissing, UsageError
from harness.suite import definition, plan
from scenarios.datasets import load
from scenarios.protocol import Splits
from tests.conftest import MakeData
from tests.helpers.suites import TINY


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "s.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def cells(tmp_path: Path, text: str, *overrides: str) -> list[plan.Cell]:
    return list(plan.lay_out(definition.read(written(tmp_path, text), overrides), load).cells)


def test_built_in_suites_are_right() -> None:
    for name in definition.built_in():
        read = definition.read(name)
        assert read.about and read.scenarios and not read.faults


IN_COMMENTS = [
    (name, setting.strip("'"))
    for name, path in definition.built_in().items()
    for setting in re.findall(r"^#.*`--set ([^`]+)`", path.read_text(encoding="utf-8"), re.M)
]


@pytest.mark.parametrize(("name", "setting"), IN_COMMENTS)
def test_what_the_comment_of_a_suite_proposes_can_be_planned(
    name: str, setting: str, make_data: MakeData
) -> None:
    suite = definition.read(name, [setting])
    matched = tuple(one for one in suite.condensers if one.teraflops)  # others are quick to refuse
    labels = tuple(one.label for one in matched)
    scenarios = tuple(replace(one, condensers=labels, references=()) for one in suite.scenarios)
    data = {one: make_data((3, 32, 32), 10, 600) for one in suite.data} if matched else {}
    parts = {one: Splits(*(replace(data, name=one),) * 3) for one, data in data.items()}
    few = replace(suite, data=tuple(data), condensers=matched, scenarios=scenarios)
    assert bool(plan.lay_out(few, parts.__getitem__).cells) == bool(matched)


def test_rows_on_what_a_mask_must_be_like_differ_in_nothing_but_their_view() -> None:
    suite = definition.read("cifar10-semantics")
    rows = {entry.label: dict(entry.spec) for entry in suite.condensers}
    of = {"dm": rows["dm, whole images"], "idc": rows["idc, whole images"]}
    kinds = ("soft masks", "binary masks", "annealed masks", "early masks", "masks for matching")
    shares = ("10 % masked", "half masked", "90 % masked")
    wanted = [f"dm, {one}" for one in (*kinds, *shares)]
    wanted += ["idc, soft masks", "idc, masks for matching"]
    views = [rows[label].pop("view") for label in wanted]
    assert all(views.count(view) == (2 if view in views[-2:] else 1) for view in views)
    assert all(rows[label] == of[label.partition(",")[0]] for label in wanted)
    measured = suite.scenarios[1].condensers
    assert measured is not None and {*wanted, "dm, whole images"} <= {*measured}


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    text = TINY.replace("seeds = 2", "seeds = 0\nsede = 3").replace("ipc = [1]", "ipc = [0]")
    text = text.replace('method = "random"', 'method = "randon"')
    with pytest.raises(UsageError) as fault:
        cells(tmp_path, text)
    sentences = str(fault.value).splitlines()
    assert len(sentences) == 4
    assert any("did you mean 'random'?" in s for s in sentences)
    assert any("unknown key 'sede'; did you mean 'seeds'?" in s for s in sentences)
    assert any("ipc: 0 is not a whole number of at least 1" in s for s in sentences)


def test_faults_of_parts_are_told_at_once(tmp_path: Path) -> None:
    text = TINY.replace('method = "dm"', 'method = "dn"').replace(
        "epochs = 2", "epochs = 0\nepoch = 3", 1
    )
    with pytest.raises(UsageError) as fault:
        cells(tmp_path, text)
    assert "unknown method 'dn'; did you mean 'dm'?" in str(fault.value)
    assert "unknown key 'epoch'" in str(fault.value)
    assert "epochs: 0 is below the least allowed value, 1" in str(fault.value)


def test_missing_data_is_missing_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path))
    with pytest.raises(DataMissing, match="data_batch_1"):
        cells(tmp_path, TINY.replace("digits", "cifar10"))


def test_unknown_data_suggests(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="digits"):
        cells(tmp_path, TINY.replace('"digits"', '"digit"'))


def test_cells_are_those_of_the_suite(tmp_path: Path) -> None:
    found = cells(tmp_path, TINY)
    kinds = sorted((c.kind, c.label, c.seed) for c in found)
    assert kinds == sorted(
        [("condense", m, s) for m in ("random", "dm") for s in (0, 1)]
        + [("scenario", m, s) for m in ("random", "dm", "full-data") for s in (0, 1)]
    )
    places = {c.key: i for i, c in enumerate(found)}
    assert all(places[c.needs] < places[c.key] for c in found if c.needs), (
        "a set comes before its use"
    )
    assert {c.as_json()["class_count"] for c in found} == {10}
    assert len({c.key for c in found} - {replace(c, class_count=None).key for c in found}) == 0


def test_key_holds_what_determines_the_result_and_nothing_else(tmp_path: Path) -> None:
    keys = {c.key for c in cells(tmp_path, TINY)}
    assert keys == {
        c.key
        for c in cells(tmp_path, TINY.replace('method = "dm"', 'method = "dm"\nlabel = "mine"'))
    }
    spelled = TINY.replace("iterations = 3", "iterations = 3\nlr = 1.0")
    assert keys == {c.key for c in cells(tmp_path, spelled)}, (
        "a default that is written out is the same work"
    )
    changed = {c.key for c in cells(tmp_path, TINY, "condensers.dm.iterations=4")}
    assert len(keys & changed) == 6, "only the two sets of dm and their two uses are new"


def test_real_images_stand_beside_a_float_set_at_equal_bytes(tmp_path: Path) -> None:
    text = TINY.replace(
        "iterations = 3",
        'iterations = 3\nparameterisation = { name = "pixels", storage = "float32" }',
    )
    budgets = {
        c.budget for c in cells(tmp_path, text) if c.label == "random" and c.kind == "scenario"
    }
    assert budgets == {("ipc", 1), ("ipc", (4 * 64 + 1) // 65)}


def test_the_methods_own_recipe_is_used_for_real_images_too(tmp_path: Path) -> None:
    schedule = 'model_schedule = { name = "trained-on-synthetic", outer = 1 }'
    text = (
        TINY
        + f'\n[[condensers]]\nmethod = "dc"\niterations = 1\n{schedule}\nnetwork = {{ name = "mlp"'
        " }\n"
    )
    found = [c for c in cells(tmp_path, text) if c.kind == "scenario" and c.seed == 0]
    assert {(c.label, c.recipe) for c in found} == {
        ("random", "dsa"), ("random", "none"), ("dm", "dsa"), ("dc", "none"), ("full-data", None)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("seeds", "write it as key=value"),
        ("condensers.dmm.lr=1", "did you mean 'dm'"),
        ("scenario.accuracy.epochs=1", "did you mean 'scenarios'"),
    ],
)
def test_overrides_that_lead_nowhere(tmp_path: Path, override: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        definition.read(written(tmp_path, TINY), [override])


def test_ipc_above_a_class_of_a_selection_is_found_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ipc 1000 is more than class"):
        cells(tmp_path, TINY, "ipc=[1000]")


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        (
            "condensers.dm.network=3",
            "condensers.dm.network: 3 is neither the name of a network nor a table with a `name`",
        ),
        (
            'condensers.dm.network=["mlp"]',
            "condensers.dm.network: a list is neither the name of a network",
        ),
        (
            "condensers.dm.objective={}",
            "condensers.dm.objective: a table of a objective needs a `name`",
        ),
        (
            "condensers.dm.regularisers=[7]",
            "condensers.dm.regularisers[0]: 7 is neither the name of a regulariser",
        ),
        ("condensers.dm.halve_at=[0.5, true]", "condensers.dm.halve_at[1]: True is not a number"),
        (
            "condensers.dm.network.width=9223372036854775808",
            "condensers[1].network.width: 9223372036854775808 is beyond",
        ),
        (
            "scenarios.accuracy.network=1979-05-27",
            "scenarios[0].network: 1979-05-27 is no text, number, list or table",
        ),
    ],
    ids=["number", "list", "no name", "among several", "item", "64 bits", "date"],
)
def test_a_part_of_the_wrong_type_is_told_by_its_place(
    tmp_path: Path, override: str, sentence: str
) -> None:
    with pytest.raises(UsageError) as fault:
        cells(tmp_path, TINY, override)
    assert f"{tmp_path / 's.toml'}: {sentence}" in str(fault.value)


def test_faults_of_several_parts_of_one_condenser_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as fault:
        cells(
            tmp_path,
            TINY,
            "condensers.dm.network=3",
            "condensers.dm.model_schedule=false",
            "condensers.dm.view=oval",
        )
    assert len(str(fault.value).splitlines()) == 3


def test_a_strategy_of_the_wrong_type_is_told_by_its_place(tmp_path: Path) -> None:
    text = TINY + '\n[[scenarios]]\nscenario = "continual"\nstrategies = ["replay", 3]\n'
    with pytest.raises(
        UsageError, match=r"strategies\[1\]: 3 is neither the name of a strategy nor a table"
    ):
        cells(tmp_path, text)


def settings(tmp_path: Path, *overrides: str) -> tuple[Any, Any]:
    """The spec of the suite's dm, and the settings of its scenario."""
    made = [
        c for c in cells(tmp_path, TINY, *overrides) if c.label == "dm" and c.kind == "scenario"
    ]
    return made[0].condenser, made[0].settings


def test_a_setting_of_a_part_that_has_no_table_is_set_in_its_default(tmp_path: Path) -> None:
    condenser, scenario = settings(
        tmp_path,
        "condensers.dm.objective.name=gradient",
        "condensers.dm.model_schedule.reuse=3",
        "scenarios.accuracy.network=mlp",
        "scenarios.accuracy.network.width=16",
    )
    assert condenser["objective"]["name"] == "gradient"
    assert condenser["model_schedule"] == {"name": "fresh", "reuse": 3, "every": 1}
    assert (scenario["network"]["name"], scenario["network"]["width"]) == ("mlp", 16)


def test_a_part_within_a_part_is_reached(tmp_path: Path) -> None:
    condenser, _ = settings(
        tmp_path,
        "condensers.dm.view=background",
        "condensers.dm.view.seed.network.width=16",
        "condensers.dm.view.seed.steps=4",
    )
    seed = condenser["view"]["seed"]
    assert (seed["algorithm"], seed["steps"], seed["network"]["width"]) == (
        "integrated-gradients",
        4,
        16,
    )
    assert seed["network"]["norm"] == "batch", "what the default sets beside it stays"


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        (
            "condensers.dm.regularisers.weight=1",
            "regularisers is a list of regularisers; set the whole of it",
        ),
        ("condensers.dm.labels.networks.width=1", "no table 'networks' here; known: none"),
        ("condensers.dm.netwrk.width=1", "no table 'netwrk' here; did you mean 'network'"),
        ("condensers.dm.iterations.x=1", "no table 'iterations' here"),
        ("scenarios.accuracy.network.name.x=1", "no table 'name' here"),
    ],
    ids=["several", "no-part", "near", "number", "name"],
)
def test_overrides_of_what_is_no_part(tmp_path: Path, override: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        definition.read(written(tmp_path, TINY), [override])


def test_a_data_set_may_be_a_table_of_options(tmp_path: Path) -> None:
    text = TINY.replace(
        '["digits"]', '[{ name = "digits~9", convert = "rgb", resize = 16 }, "digits"]'
    )
    read = definition.read(written(tmp_path, text))
    assert read.data == ("digits,convert=rgb,resize=16~9", "digits") and not read.faults
    assert definition.read(written(tmp_path, text), ["data=digits"]).data == ("digits",)
    wrong = TINY.replace('["digits"]', '[{ name = "digits", resize = [8] }, { resize = 8 }]')
    assert [fault.partition(": ")[2] for fault in definition.read(written(tmp_path, wrong)).faults][
        :2
    ] == [
        "data[0]: resize = a list is no option of a data set",
        'data[1]: a data set needs a `name`, such as name = "folder:photos"',
    ]
    unknown = TINY.replace('["digits"]', '[{ name = "digits", resise = 8 }]')
    with pytest.raises(UsageError, match="unknown option 'resise'; did you mean 'resize'"):
        cells(tmp_path, unknown)


def test_a_truth_may_have_other_seeds_than_the_proxies(tmp_path: Path) -> None:
    text = """
data = ["digits"]
ipc = [1]
seeds = [3, 4, 5]

[[condensers]]
method = "random"

[[scenarios]]
scenario = "search"
truth_seeds = 2
references = ["truth", "snip"]
"""
    laid_out = [cell for cell in cells(tmp_path, text) if cell.kind == "scenario"]
    seeds = {
        label: [cell.seed for cell in laid_out if cell.label == label]
        for label in ("truth", "snip", "random")
    }
    assert seeds == {"truth": [0, 1], "snip": [3, 4, 5], "random": [3, 4, 5]}
