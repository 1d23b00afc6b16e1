"""Names, their descriptions without torch, near names, and parts of third parties."""

import dataclasses
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from condensers import methods
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.methods.distribution_matching.dm import DM
from condensers.networks.convnet import ConvNetSpec
from condensers.parts.augmentations.dsa import Siamese
from condensers.parts.parameterisations.pixels import Pixels
from condensers.registry import registry
from condensers.registry.registry import METHODS, NETWORKS, SELECTIONS, create_condenser, with_parts
from condensers.sets.synthetic_set import Budget

ALL = [r for r in vars(registry).values() if isinstance(r, registry.Registry)]
EVERY = [(r, name) for r in ALL for name in r.entries()]


def test_the_promised_names_are_there() -> None:
    promised = (
        "dd dc dsa masked-dc masked-dsa dm dm-fast cafe idc kfs kip rfad frepo mtt tesla datadam"
        " idm dream dcc dm-transform semantic haba fred ddif sre2l cda g-vbsm m3d ncfm"
        " datm pad dream-plus"
    )
    assert set(METHODS.entries()) == set(promised.split())
    promised = (
        "random herding k-center k-means k-means-centroids forgetting el2n grand margin real-tiles"
        " real-jpeg real-png real-transform random-soft rded"
    )
    assert set(SELECTIONS.entries()) == set(promised.split())
    assert list(NETWORKS.entries()) == [
        "convnet",
        "mlp",
        "lenet",
        "resnet18",
        "resnet18-ap",
        "alexnet",
        "vgg11",
        "vit-tiny",
        "shrunk",
        "any-of",
    ]


@pytest.mark.parametrize(("part", "name"), EVERY, ids=[f"{r.kind}-{name}" for r, name in EVERY])
def test_a_description_is_complete_and_true(part: registry.Registry, name: str) -> None:
    found = part.describe(name)
    assert found["summary"].endswith(".")
    assert len(found["about"]) > len(found["summary"])
    cls = part.load(name)
    fields = {f.name: f for f in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else {}
    assert [entry["name"] for entry in found["fields"]] == list(fields)
    for entry in found["fields"]:
        assert entry["source"], f"{name}.{entry['name']} does not say where its default comes from"
        assert as_built(entry["default"], fields[entry["name"]]) == fields[entry["name"]].default
        assert entry.get("unit", "") == fields[entry["name"]].metadata["unit"]


def as_built(shown: object, field: "dataclasses.Field[object]") -> object:
    """A default as it is shown -> as it is: a table is the part that it would make."""
    kind = field.metadata["part"]
    if isinstance(shown, list):
        return tuple(as_built(one, field) for one in shown)
    return registry.PARTS[kind].create(shown) if kind and isinstance(shown, dict) else shown


def test_inherited_fields_are_listed_with_the_changed_defaults() -> None:
    dc, dsa = ({e["name"]: e for e in METHODS.describe(name)["fields"]} for name in ("dc", "dsa"))
    assert list(dc) == list(dsa)
    changed = {name for name in dc if dc[name]["default"] != dsa[name]["default"]}
    assert changed == {"init", "augmentation"}
    assert dsa["optimiser"] == dc["optimiser"]


def test_an_unknown_name_suggests_the_near_one() -> None:
    with pytest.raises(UsageError, match="unknown method 'dma'; did you mean 'dm'"):
        METHODS.locate("dma")
    with pytest.raises(
        UsageError,
        match="unknown network 'zzz'; known: alexnet, any-of, convnet, lenet, mlp, resnet18",
    ):
        NETWORKS.create("zzz")
    with pytest.raises(
        UsageError, match=r"condensers\[1\]: unknown method 'hearding'; did you mean 'herding'"
    ):
        create_condenser({"name": "hearding"}, where="condensers[1]")
    for nameless in ({}, {"name": ["dm"]}, {"lr": 1.0}):
        with pytest.raises(UsageError, match="unknown method"):
            create_condenser(nameless)
    with pytest.raises(
        UsageError, match="a table of a network needs a `name`; known: alexnet, any-of, convnet"
    ):
        NETWORKS.create({"depth": 2})


def test_a_part_is_made_from_a_name_a_table_or_itself() -> None:
    assert NETWORKS.create("convnet") == ConvNetSpec()
    spec = {"name": "convnet", "depth": 2}
    assert NETWORKS.create(spec) == ConvNetSpec(depth=2)
    assert spec == {"name": "convnet", "depth": 2}
    network, made = ConvNetSpec(depth=2), DM(iterations=1)
    assert NETWORKS.create(network) is network
    assert create_condenser(made) is made
    parts = create_condenser({"name": "dm", "iterations": 1})
    assert parts == with_parts(DM(iterations=1)), "the parts that it names are made too"
    assert (parts.network, parts.augmentation, parts.parameterisation) == (
        ConvNetSpec(),
        Siamese(),
        Pixels(),
    )


@pytest.fixture
def third_party(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A package installed beside this one, with a method `first` and an attempt to replace `dm`."""
    (tmp_path / "their_package").mkdir()
    (tmp_path / "their_package" / "__init__.py").write_text("import torch\n")
    (tmp_path / "their_package" / "first.py").write_text(
        '"""First: the first images.\n\nNot published.\n"""\n\n'
        "from dataclasses import dataclass\n"
        "from condensers.hyperparameters import hyper\n"
        "from condensers.selections.base import RandomSelection\n\n\n"
        "@dataclass(frozen=True)\n"
        "class First(RandomSelection):\n"
        '    """The first images of each class."""\n\n'
        '    skip: int = hyper(0, unit="images", source="theirs", minimum=0)\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    def installed_entry_points(group: str) -> list[EntryPoint]:
        found = {"first": "their_package.first:First", "dm": "their_package.first:First"}
        return (
            [EntryPoint(n, v, group) for n, v in found.items()]
            if group == "condensation_harness.methods"
            else []
        )

    monkeypatch.setattr(registry, "installed_entry_points", installed_entry_points)
    monkeypatch.setattr(METHODS, "_third", None)


@pytest.mark.usefixtures("third_party")
def test_a_third_partys_method_is_found_described_and_run(grey8: ClassData) -> None:
    assert list(METHODS.entries())[-1] == "first"
    assert METHODS.entries()["dm"] == "condensers.methods.distribution_matching.dm:DM", (
        "a built-in name cannot be taken over"
    )
    assert [entry["name"] for entry in METHODS.describe("first")["fields"]] == ["skip"]
    made = create_condenser({"name": "first", "skip": 2})
    assert made.skip == 2
    assert made.condense(grey8, Budget(ipc=1), Context()).ipc == 1
    with pytest.raises(UsageError, match="skip: -1 is below the least allowed value, 0"):
        create_condenser({"name": "first", "skip": -1})


@pytest.mark.usefixtures("third_party")
def test_a_built_in_name_cannot_be_taken_over() -> None:
    assert METHODS.load("dm") is DM


def test_an_entry_whose_module_is_gone_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        registry,
        "installed_entry_points",
        lambda group: [EntryPoint("gone", "not_there.at_all:Gone", group)],
    )
    monkeypatch.setattr(METHODS, "_third", None)
    with pytest.raises(UsageError, match=r"method 'gone' cannot be loaded .*not_there"):
        METHODS.describe("gone")
    with pytest.raises(UsageError, match=r"method 'gone' cannot be loaded .*not_there"):
        METHODS.load("gone")


def test_every_method_is_in_the_folder_of_methods() -> None:
    files = {
        f"condensers.methods.{path.parent.name}.{path.stem}"
        for path in Path(next(iter(methods.__path__))).glob("*/[!_]*.py")
    }
    assert files == {place.partition(":")[0] for place in registry.METHODS.entries().values()}


def test_settings_beside_a_name_or_a_table_are_taken_and_never_dropped() -> None:
    made = registry.create_condenser("dm", iterations=3)
    assert made == registry.create_condenser({"name": "dm", "iterations": 3})
    assert registry.create_condenser({"name": "dm", "iterations": 9, "lr": 0.5}, iterations=3) == (
        registry.create_condenser({"name": "dm", "iterations": 3, "lr": 0.5})
    )
    with pytest.raises(UsageError, match="unknown key 'iteration'"):
        registry.create_condenser("dm", iteration=3)
    with pytest.raises(UsageError, match=r"takes no further settings \(iterations\)"):
        registry.create_condenser(made, iterations=4)
    with pytest.raises(TypeError):
        registry.create_condenser("dm", {"iterations": 3})  # type: ignore[misc]
