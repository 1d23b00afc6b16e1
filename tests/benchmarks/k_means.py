"""k-means of CIFAR-10's classes: CPU seconds, and the objective against Lloyd's rounds over all
pixels.

    python tests/benchmarks/k_means.py RECORD.json [CLASSES]

600 clusters of every class; Lloyd's 100 rounds, a minute each, of the first CLASSES classes (2 if
left out). The figures go into the record under "k-means"; what else it holds stays. CIFAR-10 is
read from HARNESS_DATA.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from condensers.clustering import ITERATIONS, centroids, lloyd_centroids
from scenarios.datasets import load

CLUSTERS = 600
Cluster = Callable[[Tensor, int, torch.Generator], Tensor]


def measure(points: Tensor, cluster: Cluster) -> dict[str, float]:
    """CPU seconds, and the sum of squared distances to the nearest centroid."""
    begun = time.process_time()
    centres = cluster(points, CLUSTERS, torch.Generator().manual_seed(0))
    seconds = time.process_time() - begun
    nearest = (torch.cdist(part, centres).min(1).values for part in torch.split(points, 2048))
    objective = sum(float(part.double().square().sum()) for part in nearest)
    return {"seconds": round(seconds, 2), "objective": round(objective)}


def main(arguments: Sequence[str]) -> None:
    torch.set_num_threads(1)
    place, compared = Path(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 2
    data, rows = load("cifar10").train, []
    for label in data.classes:
        points = data.normalise(data.images[data.members(label)]).flatten(1)
        row: dict[str, Any] = {
            "class": data.class_names[label],
            "images": len(points),
            "ours": measure(points, centroids),
        }
        if label < compared:
            row["lloyd"] = measure(points, lloyd_centroids)
        rows.append(row)
        print(row, file=sys.stderr, flush=True)
    record = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    record["k-means"] = {"clusters": CLUSTERS, "rounds": ITERATIONS, "classes": rows}
    place.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
