"""The figures of all attacks on all targets, from what was read of each shadow."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from scenarios.privacy.attacks import auc, lira, loss_threshold, true_positive_rate
from scenarios.privacy.shadows import list_usable_shadows
from scenarios.protocol import Measurement

RATES = {"1 %": 1.0, "0.1 %": 0.1}  # false positives


def measure_attacks(found: Sequence[Mapping[str, Any]], inside: Tensor) -> list[Measurement]:
    """AUC, and true-positive rates in %, of each attack; near copies and the networks' test
    accuracy. One value a target.
    """
    each = [_measure_target(target, found, inside) for target in range(len(found))]
    repeats = [{"target": target} for target in range(len(found))]
    made = []
    for metric in each[0]:
        unit = "area" if metric.endswith("-auc") else "%"
        values = [one[metric] for one in each]
        made.append(Measurement(metric, values, repeats, unit, metric == "half-accuracy"))
    return made


def score_attacks(
    target: int, found: Sequence[Mapping[str, Any]], inside: Tensor
) -> dict[str, Tensor]:
    """Attack -> scores (N,) float64 of all images, the higher the likelier a member."""
    others = list_usable_shadows(target, len(found))
    confidences = torch.tensor([one["confidence"] for one in found], dtype=torch.float64)
    scores = {
        "lira": lira(confidences[target], confidences[others], inside[others].cpu()),
        "loss": loss_threshold(confidences[target]),
    }
    for name, distances in found[target].get("nearest", {}).items():
        scores[f"nearest-{name}"] = -torch.tensor(distances, dtype=torch.float64)
    return scores


def explain_missing_rates(inside: Tensor) -> list[str]:
    """A sentence for each rate that too few non-members allow no figure for."""
    few = int((~inside).sum(1).min())
    return [
        f"true positives at {name} false positives need {round(100 / percent):,} non-members, and"
        f" there are {few:,}"
        for name, percent in RATES.items()
        if few * percent < 100
    ]


def _measure_target(
    target: int, found: Sequence[Mapping[str, Any]], inside: Tensor
) -> dict[str, float]:
    members, scores = inside[target].cpu(), score_attacks(target, found, inside)
    least = int((~inside).sum(1).min())
    figures = {f"{name}-auc": auc(own[members], own[~members]) for name, own in scores.items()}
    for label, percent in RATES.items():
        for name, own in scores.items() if least * percent >= 100 else []:
            rate = true_positive_rate(own[members], own[~members], percent)
            assert rate is not None
            figures[f"{name}-tpr@{label}"] = rate
    if "near-copies" in found[target]:
        figures["near-copies"] = found[target]["near-copies"]
    return figures | {"half-accuracy": found[target]["accuracy"]}
