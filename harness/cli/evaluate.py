"""`evaluate`: one scenario on one set."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.catalogue import completion
from harness.cli import options
from scenarios.registry import SCENARIOS

NOT_ONE_BY_ONE = (
    "note: {method} lets the classes of a set depend on each other, so this memory knows of classes"
    " to come; a suite condenses it anew for each experience"
)
WHITENED = (
    "note: this set was published for whitened images; --set whitening=card measures it under that"
    " whitening"
)


def evaluate(
    file: Annotated[
        Path,
        typer.Argument(
            help="A set: FILE.safetensors, or gallery:NAME.",
            autocompletion=completion.complete_set,
        ),
    ],
    scenario: Annotated[
        str,
        typer.Option(
            "--scenario",
            help=f"{', '.join(SCENARIOS.builtin)}, one of a plug-in, or FILE.py:Name.",
            rich_help_panel=options.WHAT,
            autocompletion=completion.complete_scenario,
        ),
    ] = "accuracy",
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            help="The data it was made from; its card says which.",
            rich_help_panel=options.DATA,
            autocompletion=completion.complete_dataset,
        ),
    ] = None,
    seed: options.Seed = 0,
    overrides: options.Overrides = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print the raw outcome as JSON.", rich_help_panel=options.OUTPUT
        ),
    ] = False,
    device: options.Device = "auto",
    threads: options.Threads = 1,
    data_dir: options.DataDir = None,
    download: options.Download = False,
) -> None:
    """Measure one scenario on one set.

    Interrupted, it goes on when run again; `harness run` compares sets.
    """
    from condensers.hyperparameters import settings_of
    from condensers.registry.code_digest import code_of
    from condensers.sets.doubts import doubts
    from condensers.sets.files import load_set, require_same_data
    from harness import gallery
    from harness.printable import visible
    from harness.process import choose_device, prepare
    from harness.sets.make import checkpoint_folder, dataset_of_card, progress_context
    from scenarios.registry import SCENARIOS

    use = SCENARIOS.create(options.spec_of(scenario, "scenario", overrides))
    prepare(threads)
    synthetic = load_set(gallery.locate(file))
    splits = options.load_data(data or dataset_of_card(synthetic, file), data_dir, download)
    require_same_data(synthetic, splits.train, file)
    if use.condenses_along_stream(True) and synthetic.card.get("couples_classes", True):
        typer.echo(visible(NOT_ONE_BY_ONE.format(method=synthetic.card["method"])), err=True)
    if synthetic.recipe.get("whitening") and settings_of(use).get("whitening") == "none":
        typer.echo(WHITENED, err=True)
    for doubt in doubts(synthetic, splits.train):
        typer.echo(visible(f"warning: {file}: {doubt}"), err=True)
    asked = [use.registered, settings_of(use), code_of(use)]
    determines = [*asked, synthetic.card, splits.test.digest, seed]
    with (
        checkpoint_folder(gallery.output_path(file), determines) as folder,
        progress_context(folder, seed, choose_device(device)) as context,
    ):
        outcome = use.run(synthetic, splits, context)
    if as_json:
        typer.echo(json.dumps(outcome.as_json(), indent=1))
    else:
        _print(file, scenario, synthetic, outcome)
        _print_precision(settings_of(use).get("precision", "fp32"), outcome.detail)


def _print_precision(precision: str, detail: Mapping[str, Any]) -> None:
    from harness.report.precisions import AUTO, EXACT, chosen_precisions

    if precision == AUTO:
        found = chosen_precisions(detail) or [EXACT]
        typer.echo(f"  precision left to this machine: {' and '.join(found)}")
        precision = next((name for name in found if name != EXACT), EXACT)
    if precision != EXACT:
        typer.echo(f"  an approximation: products in {precision}, in training and test")


def _print(file: Path, scenario: str, synthetic: Any, outcome: Any) -> None:
    from condensers.sets.rate import describe_size
    from harness.printable import fold, visible
    from harness.statistics.bounds import bounds_of
    from harness.statistics.intervals import interval

    card = synthetic.card
    size = f"ipc {synthetic.ipc}, {describe_size(synthetic.nbytes, len(synthetic.classes))}"
    typer.echo(
        visible(f"{file}: {card['method']} on {card['dataset']}, {size}; scenario {scenario}")
    )
    for m in outcome.measurements:
        summary = interval(list(m.values), bounds_of(m.metric, m.unit))
        over = ", ".join(sorted({key for repeat in m.repeats for key in repeat}))
        drawn = f" ({over} of one set)" if over else ""
        bounds = (
            f"[{summary.low:.2f}, {summary.high:.2f}]"
            if summary.low is not None
            else f"({summary.method})"
        )
        better = {True: "; higher is better", False: "; lower is better", None: ""}[
            m.higher_is_better
        ]
        value = f"{summary.mean:.2f} {m.unit}".strip()
        typer.echo(f"  {m.metric}: {value} {bounds}, n = {len(m.values)}{drawn}{better}")
    if "recipe" in outcome.detail:
        typer.echo(visible(fold(f"  {_describe_recipe(outcome.detail)}", hang=4)))
    if "whitening" in outcome.detail:
        typer.echo(
            f"  under ZCA whitening, eps {outcome.detail['whitening']['eps']:g}, of training, test"
            " and synthetic images alike"
        )
    if "architectures" in outcome.detail:
        best = sorted(outcome.detail["architectures"], key=lambda row: -row["score"])[:3]
        named = ", ".join(f"{row['id']} ({row['score']:.1f})" for row in best)
        typer.echo(visible(f"  best by this proxy: {named}"))
        typer.echo(
            "  how far this order is right needs the ground truth: put the set's method into a"
            " suite with the scenario search"
        )
    typer.echo(
        f"  took {outcome.costs['seconds']:.1f} s, {outcome.costs.get('images', 0):.0f} images in"
        " training"
    )


TOLD = ("optimiser", "lr", "schedule", "epochs", "steps", "batch", "augmentation", "mix", "loss")


def _describe_recipe(detail: Mapping[str, Any]) -> str:
    """What a named recipe came to, in a line."""
    said = ", ".join(f"{name} {detail[name]}" for name in TOLD if name in detail)
    return f"recipe {detail['recipe']}: {said}"
