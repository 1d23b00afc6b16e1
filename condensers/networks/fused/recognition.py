"""Which modules a fused block can stand for."""

from collections.abc import Iterable

from torch import Tensor, nn
from torch.nn.modules import module as torch_module

from condensers.networks.fused.settings import (
    GREATEST,
    LEAKY,
    SIGMOID,
    SWISH,
    WHOLE,
    FusedSettings,
    Norm,
)


def are_hooked(modules: Iterable[nn.Module]) -> bool:
    """Whether one of the modules carries a hook, which would see nothing of one operation.

    torch has no public way to ask.
    """
    if torch_module._has_any_global_hook():  # type: ignore[no-untyped-call]
        return True
    return any(
        one._forward_hooks
        or one._forward_pre_hooks
        or one._backward_hooks
        or one._backward_pre_hooks
        for one in modules
    )


def settings_of(
    x: Tensor,
    modules: tuple[nn.Module, nn.Module, nn.Module],
    pooling: int | None,
    groups: int = 1,
    count: int = 1,
) -> FusedSettings | None:
    """Convolution, norm and activation of x (N, C, H, W) as settings; None if one is not known.

    pooling: as of settings. groups: of the convolution. count: how many such blocks stand side by
    side, each with its own channels.
    """
    convolution, activation = known_convolution(modules[0]), activation_of(modules[2])
    if convolution is None or activation is None or pooling is None:
        return None
    norm = norm_of(modules[1], output_size(x, convolution), count)
    if norm is None:
        return None
    return FusedSettings(int(convolution.padding[0]), norm, *activation, pooling, groups)


def known_convolution(module: nn.Module) -> nn.Conv2d | None:
    """The module if it is a convolution of 3 x 3 pixels, without stride, that pads zeros all
    round.
    """
    if type(module) is not nn.Conv2d or isinstance(module.padding, str):
        return None
    known = (
        module.kernel_size == (3, 3)
        and module.stride == module.dilation == (1, 1)
        and module.padding[0] == module.padding[1]
        and module.padding_mode == "zeros"
        and module.groups == 1
    )
    return module if known else None


def norm_of(module: nn.Module, size: tuple[int, int, int, int], count: int = 1) -> Norm | None:
    """The norm as settings, None if it is not one of ours; size: (N, C, H, W) of what it sees of
    one of `count` networks.
    """
    kind, channels = type(module), size[1]
    if kind is nn.Identity:
        return Norm()
    if isinstance(module, nn.GroupNorm) and kind is nn.GroupNorm:
        fits = module.num_channels == channels
        return Norm(count * module.num_groups, module.eps) if fits else None
    if isinstance(module, nn.LayerNorm) and kind is nn.LayerNorm:
        return Norm(count, module.eps) if module.normalized_shape == size[1:] else None
    if isinstance(module, nn.BatchNorm2d) and kind is nn.BatchNorm2d:
        return _batch_norm_of(module, size) if module.num_features == channels else None
    return None


def _batch_norm_of(module: nn.BatchNorm2d, size: tuple[int, int, int, int]) -> Norm | None:
    if module.training or module.running_mean is None or module.running_var is None:
        alone = size[0] * size[2] * size[3] < 2  # torch refuses it
        return None if alone else Norm(0, module.eps, batch=module)
    return Norm(0, module.eps, running=module)


def activation_of(module: nn.Module) -> tuple[int, float] | None:
    """The activation as settings, with its slope below zero; None if it is not one of ours."""
    if type(module) is nn.LeakyReLU and module.negative_slope >= 0:
        return LEAKY, module.negative_slope
    return PLAIN.get(type(module))


PLAIN = {nn.ReLU: (LEAKY, 0.0), nn.Sigmoid: (SIGMOID, 0.0), nn.SiLU: (SWISH, 0.0)}


def pooling_of(module: nn.Module) -> int | None:
    """The pooling as settings; None if it is not one of torch's that are ours too."""
    if type(module) is nn.Identity:
        return WHOLE
    if type(module) is not nn.MaxPool2d or module.ceil_mode or module.return_indices:
        return None
    found = (module.kernel_size, module.stride, module.padding, module.dilation)
    return GREATEST if found in ((2, 2, 0, 1), ((2, 2), (2, 2), (0, 0), (1, 1))) else None


def output_size(x: Tensor, convolution: nn.Conv2d) -> tuple[int, int, int, int]:
    """(N, C, H, W) of what a known convolution makes of x."""
    more = 2 * int(convolution.padding[0]) - 2
    return len(x), convolution.out_channels, x.shape[2] + more, x.shape[3] + more
