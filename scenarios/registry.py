"""Names -> scenarios; and a search's spaces, strategies, engines, baselines, one-shot algorithms.

Third parties add theirs under `condensation_harness.scenarios`, `.spaces`, `.search-strategies`,
`.engines`, `.one-shot-algorithms` and `.baselines`.
"""

from typing import TYPE_CHECKING

from scenarios.typed_registry import TypedRegistry

if TYPE_CHECKING:
    from scenarios.protocol import Scenario
    from scenarios.search.baselines.base import Baseline
    from scenarios.search.engines.engines import Engine
    from scenarios.search.one_shot.algorithms import Algorithm
    from scenarios.search.spaces.base import SearchSpace
    from scenarios.search.strategies import SearchStrategy

SCENARIOS: "TypedRegistry[Scenario]" = TypedRegistry(
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
    "scenarios.protocol:Scenario",
    needs=("run", "references"),
)
SPACES: "TypedRegistry[SearchSpace]" = TypedRegistry(
    "space",
    "spaces",
    {
        "convnet-720": "scenarios.search.spaces.convnet:ConvNetSpace",
        "convnet-small": "scenarios.search.spaces.convnet:SmallConvNetSpace",
        "nas-bench-201": "scenarios.search.spaces.nas_bench_201:NasBench201Space",
        "darts": "scenarios.search.spaces.darts:DartsSpace",
    },
    "scenarios.search.spaces.base:SearchSpace",
    needs=("choices", "spec", "fitting", "identifier"),
)
SEARCH_STRATEGIES: "TypedRegistry[SearchStrategy]" = TypedRegistry(
    "search strategy",
    "search-strategies",
    {
        "random": "scenarios.search.strategies:RandomSearch",
        "grid": "scenarios.search.strategies:GridSearch",
        "listed": "scenarios.search.strategies:ListedSearch",
        "evolution": "scenarios.search.strategies:EvolutionSearch",
        "tpe": "scenarios.search.strategies:TpeSearch",
    },
    "scenarios.search.strategies:SearchStrategy",
)
ALGORITHMS: "TypedRegistry[Algorithm]" = TypedRegistry(
    "one-shot algorithm",
    "one-shot-algorithms",
    {
        "darts": "scenarios.search.one_shot.algorithms:DartsAlgorithm",
        "gumbel-darts": "scenarios.search.one_shot.algorithms:GumbelDarts",
        "random-one-shot": "scenarios.search.one_shot.algorithms:RandomOneShot",
    },
    "scenarios.search.one_shot.algorithms:Algorithm",
)
BASELINES: "TypedRegistry[Baseline]" = TypedRegistry(
    "baseline",
    "baselines",
    {
        "truth": "scenarios.search.baselines.truth:TruthBaseline",
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
    "scenarios.search.baselines.base:Baseline",
)
ENGINES: "TypedRegistry[Engine]" = TypedRegistry(
    "engine",
    "engines",
    {
        "sequential": "scenarios.search.engines.engines:SequentialEngine",
        "local": "scenarios.search.engines.engines:LocalEngine",
        "remote": "scenarios.search.engines.engines:RemoteEngine",
    },
    "scenarios.search.engines.engines:Engine",
)
