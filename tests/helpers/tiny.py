"""Settings with which any registered method or selection runs in well under a second."""

from typing import Any

from condensers.registry.registry import METHODS, SELECTIONS

TINY = {"iterations": 2, "batch_real": 8, "network": {"name": "convnet", "depth": 2, "width": 8}}
TINY_TRAINING = {"name": "trained-on-synthetic", "outer": 2, "inner": 1}
TINY_REAL_TRAINING = {"name": "trained-on-real", "inner": 2, "n_data": 16, "batch": 8}
TINY_NNGP = {
    "name": "rf_nngp",
    "models": 1,
    "width": 8,
    "depth": 2,
    "pooling": "avg",
    "weight_variance": 2.0,
    "bias_variance": 0.01,
}
TINY_RANDOM_FEATURES = {
    "name": "kernel-regression",
    "criterion": "platt",
    "ridge": 5e-3,
    "kernel": TINY_NNGP,
}
TINY_EXPERTS = {
    "name": "experts",
    "experts": 1,
    "epochs": 2,
    "expert_epochs": 1,
    "max_start": 2,
    "batch": 64,
}
TINY_LATENT = {
    "name": "latent",
    "channels": 1,
    "width": 1,
    "decoders": 2,
    "warm_steps": 2,
    "warm_batch": 8,
}
TINY_BASES = {
    "name": "bases",
    "hallucinators": 2,
    "shrink": 2,
    "map_shrink": 4,
    "warm_steps": 2,
    "warm_batch": 8,
}
TINY_FIELDS = {"name": "neural-fields", "width": 3, "warm_steps": 2}
TINY_ATTENTION = {"name": "attention", "epochs": 1, "most_steps": 2}
TINY_QUEUE = {
    "name": "queue",
    "size": 3,
    "first": 1,
    "interval": 1,
    "training_steps": 1,
    "batch": 8,
}
TINY_OF: dict[str, dict[str, Any]] = {
    "kfs": {"parameterisation": TINY_LATENT},
    "haba": {
        "parameterisation": TINY_BASES,
        "model_schedule": TINY_EXPERTS,
        "objective": {"name": "trajectory", "steps": 2, "lr": 0.1, "batch_syn": 16},
    },
    "ddif": {"parameterisation": TINY_FIELDS},
    "dc": {"model_schedule": TINY_TRAINING},
    "dsa": {"model_schedule": TINY_TRAINING},
    "masked-dc": {"model_schedule": TINY_TRAINING, "view": TINY_ATTENTION},
    "masked-dsa": {"model_schedule": TINY_TRAINING, "view": TINY_ATTENTION},
    "dd": {"objective": {"name": "unrolled", "epochs": 2, "lr": 0.5}},
    "mtt": {
        "model_schedule": TINY_EXPERTS,
        "objective": {"name": "trajectory", "steps": 2, "lr": 0.1},
    },
    "tesla": {
        "model_schedule": TINY_EXPERTS,
        "objective": {"name": "trajectory", "steps": 2, "lr": 0.1, "reverse": "tesla"},
    },
    "dcc": {"model_schedule": TINY_TRAINING},
    "idc": {"model_schedule": TINY_REAL_TRAINING},
    "dream": {"model_schedule": TINY_REAL_TRAINING},
    "cafe": {
        "model_schedule": {
            "name": "gated",
            "query": 2,
            "window": 2,
            "most_steps": 2,
            "most_epochs": 2,
        }
    },
    "idm": {"model_schedule": TINY_QUEUE},
    "semantic": {"model_schedule": TINY_QUEUE},
    "forgetting": {"epochs": 2},
    "el2n": {"epochs": 1, "networks": 2},
    "grand": {"networks": 2},
    "margin": {"epochs": 1},
    "real-tiles": {"factor": 1},
    "frepo": {"model_schedule": {"name": "pool", "size": 2, "max_age": 2}},
    "rfad": {"objective": TINY_RANDOM_FEATURES},
}


def tiny_spec(name: str) -> dict[str, Any]:
    registry = SELECTIONS if name in SELECTIONS.entries() else METHODS
    known = {entry["name"] for entry in registry.describe(name)["fields"]}
    return (
        {"name": name}
        | {key: value for key, value in TINY.items() if key in known}
        | TINY_OF.get(name, {})
    )
