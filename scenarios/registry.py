"""Names -> scenarios and search spaces; third parties add theirs under `condensation_harness.scenarios` and `.spaces`."""

from condensers.registry import Registry

SCENARIOS = Registry(
    "scenario",
    "scenarios",
    {
        "accuracy": "scenarios.accuracy:Accuracy",
        "cross-architecture": "scenarios.cross_architecture:CrossArchitecture",
        "continual": "scenarios.continual.scenario:Continual",
        "search": "scenarios.search.scenario:Search",
    },
)
SPACES = Registry(
    "space",
    "spaces",
    {"convnet": "scenarios.search.space:ConvNetSpace", "convnet-small": "scenarios.search.space:SmallConvNetSpace"},
)
