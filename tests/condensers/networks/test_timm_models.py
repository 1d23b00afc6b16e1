"""timm:MODEL, with a module in place of timm that makes models as timm does."""

import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condensers import networks
from condensers.errors import UsageError
from condensers.hyperparameters import settings_of
from condensers.networks import timm_models
from condensers.registry.code_digest import reached
from condensers.registry.registry import NETWORKS


class Model(nn.Module):
    """A convolution with a stride and a pooling, as the stem of a ResNet."""

    def __init__(self, channels: int, classes: int, patch: int = 0) -> None:
        super().__init__()
        if patch:
            self.patch_embed = nn.Sequential(nn.Conv2d(channels, 4, patch, patch))
        else:
            stem = nn.Conv2d(channels, 4, 3, 2, 1)
            self.stem = nn.Sequential(stem, nn.ReLU(), nn.MaxPool2d(2), nn.BatchNorm2d(4))
        self.head = nn.Linear(4, classes)

    def forward_features(self, x: Tensor) -> Tensor:
        found: Tensor = next(self.children())(x)
        return found

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        pooled = x.mean((2, 3))
        found: Tensor = pooled if pre_logits else self.head(pooled)
        return found

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(x))

    def get_classifier(self) -> nn.Module:
        return self.head


def create_model(
    name: str, pretrained: bool, num_classes: int, in_chans: int, **more: Any
) -> Model:
    assert not pretrained
    if name == "vit":
        assert more["img_size"]
        return Model(in_chans, num_classes, 8)
    assert not more
    return Model(in_chans, num_classes)


@pytest.fixture(autouse=True)
def timm(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    module = ModuleType("timm")
    members = {
        "__version__": "1.2.3",
        "create_model": create_model,
        "is_model": ("resnet18", "vit").__contains__,
        "list_models": lambda: ["resnet18", "vit"],
        "get_pretrained_cfg": lambda name, **_: SimpleNamespace(fixed_input_size=name == "vit"),
    }
    for name, member in members.items():
        monkeypatch.setattr(module, name, member, raising=False)
    monkeypatch.setitem(sys.modules, "timm", module)
    timm_models.spec_class.cache_clear()
    yield module
    timm_models.spec_class.cache_clear()


def build(spec: Any, shape: tuple[int, int, int] = (1, 16, 16)) -> Any:
    return networks.build(spec, shape, 3, torch.Generator().manual_seed(1))


def test_a_network_is_drawn_from_its_generator_and_has_the_head_of_the_classes() -> None:
    first, again = build("timm:resnet18"), build("timm:resnet18")
    x = torch.randn(5, 1, 16, 16)
    assert torch.equal(first(x), again(x)) and first(x).shape == (5, 3)
    assert torch.allclose(first.classifier(first.embed(x)), first(x))
    assert first.features(x)[-1].shape == (5, 4, 4, 4)


def test_side_enlarges_and_a_small_stem_keeps_pixels() -> None:
    x = torch.randn(2, 3, 16, 16)
    enlarged = build({"name": "timm:resnet18", "side": 32}, (3, 16, 16))
    assert enlarged.features(x)[-1].shape == (2, 4, 8, 8)
    small = build({"name": "timm:resnet18", "stem": "small"}, (3, 16, 16))
    assert small.features(x)[-1].shape == (2, 4, 16, 16)


def test_a_single_image_that_cannot_be_normalised_is_told() -> None:
    network = build("timm:resnet18", (1, 4, 4))
    assert network(torch.zeros(2, 1, 4, 4)).shape == (2, 3)
    with pytest.raises(UsageError, match="a batch of one image, of 4 x 4 pixels"):
        network(torch.zeros(1, 1, 4, 4))


def test_the_version_is_a_setting_and_so_in_every_key(timm: ModuleType) -> None:
    spec = NETWORKS.create("timm:resnet18")
    assert settings_of(spec)["version"] == "1.2.3" and spec.registered == "timm:resnet18"
    assert NETWORKS.create({"name": spec.registered, **settings_of(spec)}) == spec
    timm.__version__ = "1.2.4"  # type: ignore[attr-defined]
    assert settings_of(NETWORKS.create("timm:resnet18")) != settings_of(spec)
    with pytest.raises(UsageError, match=r"is of timm '1\.2\.3', and 1\.2\.4 is installed"):
        NETWORKS.create({"name": spec.registered, **settings_of(spec)})


def test_the_code_behind_it_is_in_keys() -> None:
    code = reached(["condensers.networks.base"], ["timm:resnet18"])
    assert "condensers.networks.timm_models" in code


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("timm:resnt18", "timm has no network 'resnt18'; did you mean 'resnet18'"),
        ("timm:hf-hub:a/b", "timm has no network"),
        ("timm:resnet18.a1_in1k", "names published weights, which are never loaded"),
        ("timm:vit", "cuts them into patches of 8 pixels); set side = 32"),
        ({"name": "timm:resnet18", "side": 8}, "side 8 is less than the 12 x 12 pixels"),
        ({"name": "timm:vit", "side": 16, "stem": "small"}, "no stride of 2 to take away"),
        ({"name": "timm:resnet18", "stem": "large"}, "'large' is not one of own, small"),
    ],
)
def test_what_does_not_fit_is_one_sentence(spec: Any, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        build(spec, (1, 12, 12))
    assert told in str(caught.value)


def test_without_timm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UsageError, match=r'pip install "condensation-harness\[timm\]"'):
        build("timm:resnet18")
