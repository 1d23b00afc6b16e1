"""Features of torchvision's ResNet-18 with its ImageNet weights, of images brought to four times their size and three channels.

Source: D. Kim & Bae's code (IPIU 2022) starts from the same weights; it widens the maps inside the network instead.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import ResNet18_Weights, resnet18

from condensers.errors import UsageError

LARGER = 4  # maps of the third stage are then a quarter of the image's side


class Pretrained:
    """Stands where a network's spec does."""

    def module(self, shape: tuple[int, int, int], classes: int) -> "PretrainedFeatures":
        """UsageError where no file of the weights is there and none can be fetched."""
        network = resnet18()
        try:
            weights = ResNet18_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True)
        except (OSError, RuntimeError) as fault:
            folder = f"{torch.hub.get_dir()}/checkpoints"
            raise UsageError(
                f"view.weights: torchvision's weights of ResNet-18 are not in {folder} and cannot be fetched ({fault}); put the"
                " file there, or take weights none"
            ) from fault
        network.load_state_dict(weights)
        return PretrainedFeatures(network)


class PretrainedFeatures(nn.Module):
    """The first three stages."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        parts = dict(network.named_children())
        first = nn.Sequential(*(parts[name] for name in ("conv1", "bn1", "relu", "maxpool", "layer1")))
        self.blocks = nn.ModuleList([first, parts["layer2"], parts["layer3"]])

    def features(self, x: Tensor) -> list[Tensor]:
        """(N, C, H, W) float32 normalised, one or three channels -> the output of each stage."""
        x = functional.interpolate(x.expand(-1, 3, -1, -1), scale_factor=LARGER, mode="bilinear", align_corners=False)
        outputs = []
        for block in self.blocks:
            x = block(x)
            outputs.append(x)
        return outputs
