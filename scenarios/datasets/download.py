"""Fetching published files through torchvision, which knows their addresses and checksums."""

import http.client
import zlib
from pathlib import Path

from condensers.errors import DataMissing
from scenarios.datasets.packages import package


def fetch(name: str, dataset: str, root: Path) -> None:
    """Let `torchvision.datasets.<dataset>` put its files below `root`; any failure becomes one DataMissing sentence."""
    make = getattr(package("torchvision.datasets", "torchvision", name), dataset)
    # SVHN alone is fetched part by part; the others bring both parts at once.
    parts: tuple[dict[str, str], ...] = ({"split": "train"}, {"split": "test"}) if dataset == "SVHN" else ({},)
    try:
        root.mkdir(parents=True, exist_ok=True)
        for part in parts:
            make(str(root), download=True, **part)
    except (OSError, RuntimeError, ValueError, EOFError, zlib.error, http.client.HTTPException) as fault:
        reason = " ".join(str(fault).split()) or type(fault).__name__
        raise DataMissing(
            f"{name}: the download into {root} failed ({reason}); try again later, or put the files there yourself"
        ) from fault
