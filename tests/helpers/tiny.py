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
TINY_CURRICULUM = {"name": "by-difficulty", "epochs": 1, "all_at": 2, "batch": 64}
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
TINY_REFINED = {
    "name": "refined",
    "inside": "transform",
    "refiner": {"name": "residual", "steps": 2, "feature_steps": 1, "feature_width": 4, "batch": 8},
    "images": 4,
}
TINY_BATCH_NORM = {
    "name": "convnet",
    "depth": 1,
    "width": 4,
    "norm": "batch",
    "activation": "relu",
    "pooling": "avg",
}
TINY_PRETRAINED = {"name": "pretrained", "epochs": 1, "batch": 64}
TINY_EARLY = {
    "name": "early-teacher",
    "epochs": [1, 2],
    "steps": 1,
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
    "datm": {
        "model_schedule": TINY_EXPERTS,
        "objective": {"name": "trajectory", "steps": 2, "lr": 0.1},
    },
    "pad": {
        "model_schedule": TINY_EXPERTS | {"curriculum": TINY_CURRICULUM},
        "objective": {"name": "trajectory", "steps": 2, "lr": 0.1, "shallow": 0.5},
    },
    "ncfm": {
        "model_schedule": {"name": "blended", "networks": 1, "epochs": 1, "batch": 64},
        "objective": {"name": "characteristic-function", "frequencies": 32},
    },
    "dcc": {"model_schedule": TINY_TRAINING},
    "idc": {"model_schedule": TINY_REAL_TRAINING},
    "dream": {"model_schedule": TINY_REAL_TRAINING},
    "dream-plus": {"model_schedule": TINY_REAL_TRAINING},
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
    "dm-transform": {"model_schedule": TINY_QUEUE, "parameterisation": TINY_REFINED},
    "semantic": {
        "model_schedule": TINY_QUEUE,
        "parameterisation": {"name": "jpeg", "quality": 5},
    },
    "sre2l": {"network": TINY_BATCH_NORM, "model_schedule": TINY_PRETRAINED},
    "cda": {"network": TINY_BATCH_NORM, "model_schedule": TINY_PRETRAINED},
    "g-vbsm": {
        "network": TINY_BATCH_NORM,
        "model_schedule": {
            **TINY_PRETRAINED,
            "measure": True,
            "networks": [TINY_BATCH_NORM, {**TINY_BATCH_NORM, "norm": "instance"}],
        },
    },
    "forgetting": {"epochs": 2},
    "el2n": {"epochs": 1, "networks": 2},
    "grand": {"networks": 2},
    "margin": {"epochs": 1},
    "real-tiles": {"factor": 1},
    "random-soft": {"labels": TINY_EARLY},
    "rded": {
        "factor": 1,
        "candidates": 8,
        "crops": 2,
        "network": TINY_BATCH_NORM,
        "model_schedule": TINY_PRETRAINED,
    },
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
