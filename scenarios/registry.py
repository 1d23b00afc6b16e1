"""Names -> scenarios; and a search's spaces, strategies, engines, one-shot algorithms and
baselines.

Third parties add theirs under `condensation_harness.scenarios`, `.spaces`, `.search-strategies`,
`.engines`, `.one-shot-algorithms` and `.baselines`.
"""

from condensers.registry.registry import Registry

SCENARIOS = Registry(
    "scenario",
    "scenarios",
    {
        "accuracy": "scenarios.accuracy.scenario:Accuracy",
        "cross-architecture": "scenarios.accuracy.cross_architecture:CrossArchitecture",
        "continual": "scenarios.continual.scenario:Continual",
        "data-space": "scenarios.data_space.scenario:DataSpace",
        "search": "scenarios.search.scenario:Search",
        "one-shot": "scenarios.search.one_shot.scenario:OneShot",
        "mask-quality": "scenarios.mask_quality.scenario:MaskQuality",
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
        "listed": "scenarios.search.strategies:Listed",
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
        "parameters": "scenarios.search.baselines.size:Parameters",
        "early-stopping": "scenarios.search.baselines.short_training:EarlyStopping",
        "subset": "scenarios.search.baselines.short_training:Subset",
        "flops": "scenarios.search.baselines.size:Flops",
        "synflow": "scenarios.search.baselines.zero_cost:SynFlow",
        "jacob-cov": "scenarios.search.baselines.zero_cost:JacobCov",
        "naswot": "scenarios.search.baselines.zero_cost:NASWOT",
        "grad-norm": "scenarios.search.baselines.zero_cost:GradNorm",
        "snip": "scenarios.search.baselines.zero_cost:Snip",
    },
)
ENGINES = Registry(
    "engine",
    "engines",
    {
        "sequential": "scenarios.search.engines.engines:Sequential",
        "local": "scenarios.search.engines.engines:Local",
        "remote": "scenarios.search.engines.engines:Remote",
    },
)
