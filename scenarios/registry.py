"""Names -> scenarios; and a search's spaces, strategies, engines, one-shot algorithms and baselines.

Third parties add theirs under `condensation_harness.scenarios`, `.spaces`, `.search-strategies`, `.engines`,
`.one-shot-algorithms` and `.baselines`.
"""

from condensers.registry.registry import Registry

SCENARIOS = Registry(
    "scenario",
    "scenarios",
    {
        "accuracy": "scenarios.accuracy:Accuracy",
        "cross-architecture": "scenarios.cross_architecture:CrossArchitecture",
        "continual": "scenarios.continual.scenario:Continual",
        "data-space": "scenarios.data_space.scenario:DataSpace",
        "search": "scenarios.search.scenario:Search",
        "one-shot": "scenarios.search.one_shot.scenario:OneShot",
        "mask-quality": "scenarios.mask_quality:MaskQuality",
        "privacy": "scenarios.privacy.scenario:Privacy",
    },
    needs=("run", "references"),
)
SPACES = Registry(
    "space",
    "spaces",
    {
        "convnet-720": "scenarios.search.spaces.convnet:ConvNetSpace",
        "convnet-small": "scenarios.search.spaces.convnet:SmallConvNetSpace",
        "nas-bench-201": "scenarios.search.spaces.nas_bench_201:NasBench201Space",
        "darts": "scenarios.search.spaces.darts:DartsSpace",
    },
    needs=("choices", "spec", "fitting", "identifier"),
)
SEARCH_STRATEGIES = Registry(
    "search strategy",
    "search-strategies",
    {
        "random": "scenarios.search.strategies:Random",
        "grid": "scenarios.search.strategies:Grid",
        "evolution": "scenarios.search.strategies:Evolution",
        "tpe": "scenarios.search.strategies:Tpe",
    },
)
ALGORITHMS = Registry(
    "one-shot algorithm",
    "one-shot-algorithms",
    {
        "darts": "scenarios.search.one_shot.algorithms:Darts",
        "gumbel-darts": "scenarios.search.one_shot.algorithms:GumbelDarts",
        "random-one-shot": "scenarios.search.one_shot.algorithms:RandomOneShot",
    },
)
BASELINES = Registry(
    "baseline",
    "baselines",
    {
        "truth": "scenarios.search.baselines.truth:Truth",
        "parameters": "scenarios.search.baselines.parameters:Parameters",
        "early-stopping": "scenarios.search.baselines.early_stopping:EarlyStopping",
        "subset": "scenarios.search.baselines.subset:Subset",
        "flops": "scenarios.search.baselines.flops:Flops",
        "synflow": "scenarios.search.baselines.synflow:SynFlow",
        "jacob-cov": "scenarios.search.baselines.jacob_cov:JacobCov",
        "naswot": "scenarios.search.baselines.naswot:NASWOT",
        "grad-norm": "scenarios.search.baselines.grad_norm:GradNorm",
        "snip": "scenarios.search.baselines.snip:Snip",
    },
)
ENGINES = Registry(
    "engine",
    "engines",
    {
        "sequential": "scenarios.search.engines.sequential:Sequential",
        "local": "scenarios.search.engines.local:Local",
        "remote": "scenarios.search.engines.remote:Remote",
    },
)
