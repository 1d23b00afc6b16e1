"""The type checker refuses a part that breaks the contract of its base class."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BREAKING = [
    pytest.param(
        "condensers/parts/model_schedules/random_networks.py",
        'def begin(self, setting: RunSetting) -> "FreshNetworks"',
        'def start(self, setting: RunSetting) -> "FreshNetworks"',
        "Final class condensers.parts.model_schedules.random_networks.Fresh has abstract attributes"
        ' "begin"',
        id="a-model-schedule-without-begin",
    ),
    pytest.param(
        "condensers/parts/objectives/mean_embedding.py",
        "def statistics(",
        "def _statistics(",
        "Final class condensers.parts.objectives.mean_embedding.MeanEmbedding has abstract"
        ' attributes "statistics"',
        id="an-objective-without-statistics",
    ),
    pytest.param(
        "condensers/parts/views/base.py",
        """    def apply(self, data: ClassData, context: Context) -> ClassData:
        \"\"\"Return the data themselves.""",
        """    def apply(self, data: ClassData) -> ClassData:
        \"\"\"Return the data themselves.""",
        'Signature of "apply" incompatible with supertype',
        id="a-view-of-another-signature",
    ),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package in a folder of its own, with what the type checker knows of it already."""
    folder = tmp_path_factory.mktemp("types")
    shutil.copytree(
        ROOT / "condensers", folder / "condensers", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def check(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[str, int]:
    api = pytest.importorskip("mypy.api", reason="a developer's tool")
    monkeypatch.chdir(folder)
    said, _, status = api.run(["--config-file=pyproject.toml", "-p", "condensers", *words])
    return said, status


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("file", "before", "after", "refusal"), BREAKING)
def test_a_breaking_edit_is_refused(
    copy: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    before: str,
    after: str,
    refusal: str,
) -> None:
    path = copy / file
    whole = path.read_text(encoding="utf-8")
    assert whole.count(before) >= 1
    try:
        path.write_text(whole.replace(before, after, 1), encoding="utf-8")
        said, status = check(copy, monkeypatch)
    finally:
        path.write_text(whole, encoding="utf-8")
    assert status == 1
    assert refusal in said, said


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_unchanged_it_is_taken(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said, status = check(copy, monkeypatch)
    assert status == 0, said
