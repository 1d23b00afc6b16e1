"""What is used of NNI (3.0), imported without its warnings; it takes seconds, so import this where
it is needed only.
"""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter(
        "ignore"
    )  # NNI warns of every class of torch.nn that is younger than itself
    import nni

    nni.set_default_framework("none")  # else it imports lightning at once
    from nni.mutable import MutableAnnotation
    from nni.nas import strategy
    from nni.nas.evaluator import FunctionalEvaluator
    from nni.nas.nn.pytorch import Cell, LayerChoice, ModelSpace
    from nni.nas.space import model_context
    from nni.nas.strategy.hpo import HPOTunerStrategy

__all__ = [
    "Cell",
    "FunctionalEvaluator",
    "HPOTunerStrategy",
    "LayerChoice",
    "ModelSpace",
    "MutableAnnotation",
    "model_context",
    "nni",
    "strategy",
]
