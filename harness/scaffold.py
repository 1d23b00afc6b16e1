"""The two files that `harness new condenser` writes: a method that runs as it is, and its test, which passes as it is."""

import keyword
import re
from pathlib import Path
from typing import NamedTuple

from condensers.context import write_atomically
from condensers.errors import StorageFailed, UsageError
from condensers.registry import METHODS, SELECTIONS


class Written(NamedTuple):
    """location: how a suite names the method."""

    method: Path
    test: Path
    location: str


def new_condenser(name: str, folder: Path) -> Written:
    """Write NAME.py and test_NAME.py into `folder`; UsageError where the name is taken or no name, or a file is there."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise UsageError(f"'{name}' cannot be a method's name; take small letters, digits and hyphens, such as my-method")
    if name in METHODS.entries() or name in SELECTIONS.entries():
        raise UsageError(f"'{name}' is registered already; choose another name")
    module = name.replace("-", "_")
    if keyword.iskeyword(module):
        raise UsageError(f"'{name}' is a word of Python itself; choose another name")
    method, test = folder / f"{module}.py", folder / f"test_{module}.py"
    for path in (method, test):
        if path.exists():
            raise UsageError(f"{path}: is there already; choose another name or --dir")
    cls = "".join(word.capitalize() for word in name.split("-"))
    try:
        for path, template in ((method, METHOD), (test, TEST)):
            text = template.replace("NAME", name).replace("CLASS", cls).replace("MODULE", module)
            write_atomically(path, text.encode())
    except StorageFailed as fault:
        raise UsageError(f"--dir {folder}: {fault}") from None
    return Written(method, test, f"{method}:{cls}")


METHOD = '''"""NAME: synthetic images whose features have the mean and the spread that those of the real images have.

min_S  E_theta  sum_c  || mean_b x_cb - mean_b s_cb ||^2 + weight * || var_b x_cb - var_b s_cb ||^2

x_cb, s_cb: features of real and synthetic images b of class c, in a fresh network without its classifier, after one augmentation
that both share. Source: yours; name the paper, the section and the equation here. Differences from the authors' code: say here
what you changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from condensers.composition import Composition
from condensers.fields import hyper
from condensers.objectives.base import Pair


@dataclass(frozen=True)
class CLASSObjective:
    """Squared distances of the mean and the variance of each feature, summed over features and classes."""

    weight: float = hyper(0.1, unit="times the term of the variances", source="ours", minimum=0.0)

    registered: ClassVar[str] = "NAME-objective"
    kind: ClassVar[str] = "pairs"  # the loss compares real and synthetic images of a class
    needs: ClassVar[str] = "network"  # what the schedule is to give at each step
    real: ClassVar[bool] = True  # whether real images are drawn
    couples_classes: ClassVar[bool] = False  # whether the images of one class depend on the other classes
    joint: ClassVar[bool] = True  # one loss of several classes at once, rather than a class at a time

    def loss(self, network: nn.Module, pairs: Sequence[Pair]) -> Tensor:
        """Sum over the pairs' classes, differentiable in the synthetic images, (n, C, H, W) float32 normalised."""
        return torch.stack([self._pair(network, pair) for pair in pairs]).sum()

    def _pair(self, network: Any, pair: Pair) -> Tensor:
        with torch.no_grad():
            real = network.embed(pair.real)
        synthetic = network.embed(pair.synthetic)
        means = (real.mean(0) - synthetic.mean(0)).square().sum()
        spreads = (real.var(0, correction=0) - synthetic.var(0, correction=0)).square().sum()
        return torch.as_tensor(means + self.weight * spreads)


@dataclass(frozen=True)
class CLASS(Composition):
    """NAME: pixels x siamese augmentation x mean and variance of features x fresh networks."""

    iterations: int = hyper(1000, unit="steps on the images", source="ours", minimum=1)
    lr: float = hyper(1.0, source="ours", minimum=0.0)
    batch_real: int = hyper(64, unit="images per class", source="ours", minimum=1)
    objective: Any = hyper(CLASSObjective(), source="ours", part="objective")

    registered: ClassVar[str] = "NAME"
    evaluation: ClassVar[str] = "dsa"  # the augmentation with which networks are trained on the set: "dsa" or "none"
'''

TEST = '''"""NAME: its loss is that of its equation, sets are whole, the seed decides every byte, also after a stop."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from condensers.context import Context
from condensers.data import ClassData
from condensers.errors import Interrupted
from condensers.objectives.base import Pair
from condensers.registry import METHODS, create_condenser
from condensers.synthetic import Budget, SyntheticSet

FILE = Path(__file__).with_name("MODULE.py")
METHOD = f"{FILE}:CLASS"
SMALL = {"name": METHOD, "iterations": 3, "batch_real": 8, "network": {"name": "convnet", "depth": 2, "width": 8}}


@pytest.fixture(params=[(1, 8, 8), (3, 16, 16)], ids=["grey8", "colour16"])
def data(request: pytest.FixtureRequest) -> ClassData:
    """Three classes of 12 random images."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (36, *request.param), generator=generator).to(torch.uint8)
    channels = request.param[0]
    names = ("first", "second", "third")
    return ClassData("random", images, torch.arange(36) % 3, names, (0.5,) * channels, (0.25,) * channels, mirror=False)


def make(data: ClassData, ipc: int, context: Context) -> SyntheticSet:
    made: SyntheticSet = create_condenser(SMALL).condense(data, Budget(ipc=ipc), context)
    return made


@pytest.mark.parametrize("ipc", [1, 3])
def test_a_set_of_any_size_is_whole(data: ClassData, ipc: int) -> None:
    images, labels = make(data, ipc, Context()).decode()
    assert images.shape == (3 * ipc, *data.shape)
    assert labels.tolist() == [label for label in range(3) for _ in range(ipc)]
    assert bool(images.isfinite().all())


def test_it_learns(data: ClassData) -> None:
    still = create_condenser({**SMALL, "lr": 0.0}).condense(data, Budget(ipc=1), Context()).tensors["images"]
    assert not torch.equal(make(data, 1, Context()).tensors["images"], still)


def test_the_seed_decides_every_byte(data: ClassData) -> None:
    first, second, other = (make(data, 2, Context(seed=seed)).tensors["images"] for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_stopped_and_resumed_it_gives_the_same_bytes(data: ClassData, tmp_path: Path) -> None:
    answers = iter([False, True])
    with pytest.raises(Interrupted):
        make(data, 2, Context(folder=tmp_path, stop=lambda: next(answers)))
    resumed = make(data, 2, Context(folder=tmp_path))
    assert torch.equal(resumed.tensors["images"], make(data, 2, Context()).tensors["images"])


def test_the_loss_is_the_one_of_the_equation() -> None:
    """The equation once more, feature by feature and image by image, on a network that only flattens."""

    class Flat(torch.nn.Module):
        def embed(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1)

    generator = torch.Generator().manual_seed(1)
    real, synthetic = torch.randn(5, 1, 2, 2, generator=generator), torch.randn(3, 1, 2, 2, generator=generator)
    expected = 0.0
    for feature in range(4):
        x, s = (batch.flatten(1)[:, feature].tolist() for batch in (real, synthetic))
        mean_x, mean_s = sum(x) / len(x), sum(s) / len(s)
        var_x = sum((v - mean_x) ** 2 for v in x) / len(x)
        var_s = sum((v - mean_s) ** 2 for v in s) / len(s)
        expected += (mean_x - mean_s) ** 2 + 0.7 * (var_x - var_s) ** 2
    loss = replace(create_condenser(METHOD).objective, weight=0.7).loss(Flat(), [Pair(0, real, synthetic)])
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_every_hyperparameter_says_where_its_default_comes_from() -> None:
    fields = METHODS.describe(METHOD)["fields"]
    assert fields and all(field["source"] for field in fields)
'''
