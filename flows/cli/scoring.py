"""Commands that measure: scores of a picture, the cards of all scores, the rate of false verdicts here."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import Metric
from steadymap.flows.cli.options import (
    EXIT_NOTHING_USABLE,
    EXIT_REPORT,
    NO_WORDS,
    JsonOption,
    RoleWords,
    StoreOption,
    app,
    open_place,
    quiet_console,
)
from steadymap.flows.cli.prefect_server import prepare_engine

if TYPE_CHECKING:
    from steadymap.tasks.cells.score_embedding import ScoredEmbedding

SELFTEST = Path(__file__).resolve().parents[2] / "configs" / "selftest.yaml"

CURVE = "r_nx"
"""The score that is a curve."""


@app.command
def score(
    latents: Annotated[Path, Parameter(help="Latent vectors: .npy, .npz, .parquet, .csv or .h5ad.")],
    embedding: Annotated[Path, Parameter(help="Coordinates of the same rows, made by any tool (columns x, y).")],
    /,
    *,
    k: Annotated[list[int] | None, Parameter(name="-k", help="Neighbourhood sizes (default 7).")] = None,
    roles: RoleWords = NO_WORDS,
    metric: Annotated[Metric, Parameter(help="Distance in the latent space.")] = "euclidean",
    exact: Annotated[bool, Parameter(negative="", help="Look from every row, not from 2,000 above 5,000.")] = False,
    as_json: JsonOption = False,
) -> int:
    """Print every score of an embedding that any tool made."""
    from steadymap.configs.document import anchor_source
    from steadymap.configs.sweep import DataSource
    from steadymap.tasks.cells.score_embedding import score_embedding

    source = anchor_source(DataSource(path=str(latents), **roles.given()), Path.cwd())
    scored = score_embedding(source, embedding, tuple(dict.fromkeys(k or [7])), metric=metric, exact=exact)
    if as_json:
        result = {
            "rows": scored.rows,
            "degenerate": scored.degenerate,
            "taken": scored.taken,
            "scores": [asdict(one) for one in scored.scores],
            "pca": [asdict(one) for one in scored.pca],
            "chance": [asdict(one) for one in scored.chance],
        }
        print(json.dumps(result))
    elif scored.degenerate is None:
        print(scored.taken)
        _print_scores(scored)
    if scored.degenerate is not None:
        print(f"steadymap: {embedding}: degenerate, so no score: {scored.degenerate}", file=sys.stderr)
        return EXIT_NOTHING_USABLE
    return EXIT_REPORT


@app.command
def scores(*, as_json: JsonOption = False) -> int:
    """Print the card of every score: what it asks, its formula, range, source, cost, and what it cannot see."""
    from steadymap.configs.cards import CARDS

    if as_json:
        bounded = [
            {**asdict(card), "range": [end if math.isfinite(end) else None for end in card.range]} for card in CARDS
        ]
        print(json.dumps(bounded, ensure_ascii=False, allow_nan=False))
        return EXIT_REPORT
    console = Console()
    for card in CARDS:
        low, high = card.range
        console.print(f"[bold]{card.title}[/bold] ({card.score}, of a {card.of})", highlight=False)
        for name, text in (
            ("asks", card.question),
            ("formula", card.formula),
            ("range", f"{low:g} to {high:g}, {card.better} is better"),
            ("cannot see", card.blind),
            ("source", card.source),
            ("cost", card.cost),
        ):
            console.print(Padding(f"{name}: {text}", (0, 0, 0, 2)), markup=False, highlight=False)
        console.print()
    return EXIT_REPORT


@app.command
def selftest(
    config: Annotated[Path, Parameter(help="A YAML config.")] = SELFTEST,
    *,
    parts: Annotated[str | None, Parameter(help="Some parts only, separated by commas.")] = None,
    families: Annotated[str | None, Parameter(help="Some families only, separated by commas.")] = None,
    sets: Annotated[int | None, Parameter(help="Sets of every family and dimension.")] = None,
    store: StoreOption = "results",
    as_json: JsonOption = False,
) -> int:
    """Judge generated data with known truth: this installation's own rate of false verdicts, and its power."""
    from steadymap.configs.document import read_settings
    from steadymap.configs.selftest import SelftestConfig

    asked = read_settings(config, SelftestConfig)
    changes = {"families": tuple(families.split(",")) if families else None, "sets": sets}
    update = {name: value for name, value in changes.items() if value is not None}
    chosen = [part.model_copy(update=update) for part in asked.parts if parts is None or part.name in parts.split(",")]
    if not chosen:
        raise InputError(
            f"--parts {parts}", rule=f"one of {', '.join(part.name for part in asked.parts)}", remedy="name one of them"
        )
    settings = asked.model_copy(update={"parts": tuple(chosen)})
    place = open_place(store, writing=True)
    prepare_engine(place)
    from steadymap.flows.cli.embedded_server import start_server
    from steadymap.flows.cli.terminal import live_progress, selftest_table
    from steadymap.flows.selftest import selftest as run_selftest

    console = quiet_console(as_json)
    with live_progress(console):
        start_server()
        summary = run_selftest(settings, place.place)
    if as_json:
        print(json.dumps(summary))
        return EXIT_REPORT
    for part in summary["parts"]:
        console.print(selftest_table(part))
    for name in summary["false_sets"]:
        console.print(f"false verdict: {name}", markup=False, highlight=False)
    return EXIT_REPORT


def _print_scores(scored: ScoredEmbedding) -> None:
    from steadymap.configs.cards import CARD_OF

    beside = [{(one.score, one.k): one.value for one in own} for own in (scored.pca, scored.chance)]
    table = Table("score", "k", "value", "± standard error", "PCA", "chance", "better")
    for one in scored.scores:
        if one.score == CURVE:
            continue  # a line of some forty numbers, which --json has
        k = "" if one.k is None else str(one.k)
        error = f"{one.stderr:.4f}" if one.stderr else "–"
        known = (own.get((one.score, one.k)) for own in beside)
        others = ("–" if value is None else f"{value:.3f}" for value in known)
        table.add_row(CARD_OF[one.score].title, k, f"{one.value:.6f}", error, *others, CARD_OF[one.score].better)
    Console().print(table)
