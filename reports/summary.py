"""Everything the page, the terminal and the Markdown say about a run, as data that can be tested.

It says how steady and how faithful the pictures are. It gives no verdict on clusters: agreement between pictures is no
evidence that the latent space has a gap there.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from configs.cards import CARD_OF, ScoreCard
from reports.averages import average_by_configuration, mean_by, middle_k
from reports.curves import CURVE, CurveChart, draw_curves
from reports.findings import find
from reports.heat_maps import LINEAR, HeatMap, heat_maps
from reports.panels import Panel, to_panel
from reports.provenance import provenance
from reports.run_folder import Run
from reports.steadiness import StabilityRow, agreement_matrix, stability_rows
from reports.wording import Estimate, count, spell_configuration, spell_number

LIMIT = (
    "This report says how steady and how faithful the pictures are. It cannot say yet which islands are real clusters "
    "of the latent space: a cut through one even cloud can be perfectly steady. Read an island that stays as a "
    "candidate, not as proof."
)


@dataclass(frozen=True)
class GridRow:
    """A configuration's panels, a place per seed, and its main numbers: name and value."""

    configuration: str
    reducer: str
    panels: tuple[Panel, ...]
    numbers: tuple[tuple[str, str], ...]

    @property
    def title(self) -> str:
        """The configuration in words."""
        return spell_configuration(self.configuration)


@dataclass(frozen=True)
class Recommended:
    """A picture to look at first, why, and the numbers that speak for it: name and value."""

    panel: Panel
    reason: str
    numbers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class LatentFact:
    """A fact about the latent vectors themselves: its card, and in words its value at every k, with that of chance."""

    card: ScoreCard
    numbers: str


@dataclass(frozen=True)
class Best:
    """The setting with the best mean of a score at the k that recommendations are made at."""

    score: str
    configuration: str
    k: int | None
    estimate: Estimate


@dataclass(frozen=True)
class Summary:
    """A run in words and numbers.

    Attributes
    ----------
    title, run
        Name of the sweep and of its folder.
    facts
        Size of data and sweep, a phrase each.
    findings
        The answer that the numbers give, a sentence each; the first is the headline.
    limit
        What the report cannot say.
    recommended
        The pictures to look at first, one per reducer.
    rows, seeds
        The comparison grid and its columns.
    latent_space
        What the vectors themselves say, before any picture.
    maps, best
        Heat maps of every score, and the setting that is best at each.
    curves
        R_NX over neighbourhood sizes, None where nothing was drawn.
    linear
        What PCA reaches: score, k and value, for sweeps in which no map shows it.
    stability
        A row per configuration.
    matrix
        Mean ARI between configurations; the diagonal is between seeds.
    lost
        Panels without a picture.
    warnings
        What was changed to fit the data.
    provenance
        Name and value of everything needed to repeat the run.
    reproduce
        The command that repeats it.
    cards
        The score cards of the scores in the run, by score.
    labels
        Names of the label columns.
    drawn_rows, rows_total
        Rows in every picture, and rows of the data.
    """

    title: str
    run: str
    facts: tuple[str, ...]
    findings: tuple[str, ...]
    limit: str
    recommended: tuple[Recommended, ...]
    rows: tuple[GridRow, ...]
    seeds: tuple[int, ...]
    latent_space: tuple[LatentFact, ...]
    maps: tuple[HeatMap, ...]
    curves: CurveChart | None
    best: tuple[Best, ...]
    linear: tuple[str, ...]
    stability: tuple[StabilityRow, ...]
    matrix: tuple[tuple[str, tuple[float | None, ...]], ...]
    lost: tuple[Panel, ...]
    warnings: tuple[str, ...]
    provenance: tuple[tuple[str, str], ...]
    reproduce: str
    cards: dict[str, ScoreCard]
    labels: tuple[str, ...]
    drawn_rows: int
    rows_total: int


def summarise(run: Run) -> Summary:
    """Say what a run has found."""
    panels = [to_panel(row) for row in run.grid.to_dict("records")]
    others = [to_panel(row) for row in run.cells[run.cells["kind"] != "data"].to_dict("records")]
    stability = stability_rows(run)
    scores = dict.fromkeys([*run.scores["score"], *run.stability["score"]])
    return Summary(
        title=run.manifest["name"],
        run=run.manifest["run"],
        facts=_facts(run),
        findings=find(run, panels, stability),
        limit=LIMIT,
        recommended=_recommended(run, panels, stability),
        rows=_grid(run, panels, stability),
        seeds=tuple(run.manifest["seeds"]),
        latent_space=_latent_space(run),
        maps=heat_maps(run.drawn, _tabulated(run)),
        curves=draw_curves(run.drawn, run.scores),
        best=_best(run),
        linear=_linear(run),
        stability=stability,
        matrix=agreement_matrix(run),
        lost=tuple(panel for panel in [*panels, *others] if panel.status != "ok"),
        warnings=tuple(run.manifest["warnings"]),
        provenance=provenance(run),
        reproduce=run.manifest["reproduce"],
        cards={score: CARD_OF[score] for score in scores if score in CARD_OF},
        labels=tuple(run.label_columns),
        drawn_rows=run.manifest["drawn_rows"],
        rows_total=run.manifest["data"]["rows"],
    )


def _facts(run: Run) -> tuple[str, ...]:
    data, cells = run.manifest["data"], run.manifest["cells"]
    configurations = run.grid["configuration"].nunique()
    lost = [f"{cells[name]} {name}" for name in ("skipped", "failed") if cells.get(name)]
    facts = [
        f"{count(data['rows'], 'row')} × {count(data['dimensions'], 'dimension')} from {data['source']}",
        f"{count(configurations, 'setting')} × {count(len(run.manifest['seeds']), 'seed')}",
        f"{cells['ok']} of {count(cells['total'], 'picture')} drawn" + (f" ({', '.join(lost)})" if lost else ""),
    ]
    notes = data.get("notes") or {}
    facts += [f"{name.replace('_', ' ')} {_spell_note(value)}" for name, value in notes.items()]
    return tuple(facts)


def _spell_note(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


# --- pictures ---------------------------------------------------------------------------------------------------


def _grid(run: Run, panels: list[Panel], stability: tuple[StabilityRow, ...]) -> tuple[GridRow, ...]:
    reducers = dict(zip(run.grid["configuration"], run.grid["reducer"], strict=True))
    place = {seed: number for number, seed in enumerate(run.manifest["seeds"])}
    rows: dict[str, list[Panel]] = {}
    for panel in panels:
        rows.setdefault(panel.configuration, []).append(panel)
    steadiness = {row.configuration: row.seeds.get("ari") for row in stability}
    trust = average_by_configuration(run, "trustworthiness")
    return tuple(
        GridRow(
            configuration=name,
            reducer=reducers[name],
            panels=tuple(
                sorted(row, key=lambda panel: -1 if panel.seed is None else place.get(panel.seed, len(place)))
            ),
            numbers=_named(
                ("ARI between seeds", steadiness.get(name)),
                ("trustworthiness", trust.get(name)),
            ),
        )
        for name, row in rows.items()
    )


def _recommended(run: Run, panels: list[Panel], stability: tuple[StabilityRow, ...]) -> tuple[Recommended, ...]:
    by_cell = {panel.cell: panel for panel in panels}
    steadiness = {row.configuration: row for row in stability}
    trust, auc = average_by_configuration(run, "trustworthiness"), average_by_configuration(run, "auc_ln_k")
    chosen = run.recommendations[run.recommendations["recommended"]]
    found = []
    for row in chosen.to_dict("records"):
        panel, name = by_cell[row["cell"]], row["configuration"]
        own = steadiness[name]
        numbers = _named(
            ("islands", panel.islands),
            ("in no island", None if panel.noise_share is None else f"{100 * panel.noise_share:.0f} %"),
            ("trustworthiness", trust.get(name)),
            ("AUC of R_NX", auc.get(name)),
            ("ARI between seeds", own.seeds.get("ari")),
            ("ARI with other settings", own.configurations.get("ari")),
        )
        found.append(Recommended(panel, row["reason"], numbers))
    return tuple(found)


def _named(*numbers: tuple[str, object]) -> tuple[tuple[str, str], ...]:
    """Keep what is known."""
    return tuple((name, str(value)) for name, value in numbers if value is not None)


# --- scores and stability ---------------------------------------------------------------------------------------


def _latent_space(run: Run) -> tuple[LatentFact, ...]:
    told: dict[str, list[str]] = {}
    for row in run.latent_space.to_dict("records"):
        estimate = Estimate(float(row["value"]), None if pd.isna(row["stderr"]) else float(row["stderr"]) or None)
        chance = "" if pd.isna(row["chance"]) else f", chance {row['chance']:.3f}"
        told.setdefault(row["score"], []).append(f"{estimate} at k = {row['k']}{chance}")
    return tuple(LatentFact(CARD_OF[score], "; ".join(values)) for score, values in told.items() if score in CARD_OF)


def _tabulated(run: Run) -> pd.DataFrame:
    """Return the scores that are read as numbers; the curve is read as a line."""
    return run.scores[run.scores["score"] != CURVE]


def _best(run: Run) -> tuple[Best, ...]:
    found = []
    for score in dict.fromkeys(_tabulated(run)["score"]):
        means = average_by_configuration(run, score)
        sign = -1 if score in CARD_OF and CARD_OF[score].better == "lower" else 1
        name = max(means, key=lambda one: sign * means[one].value)
        k = middle_k(run.scores[run.scores["score"] == score])
        found.append(Best(score, name, k, means[name]))
    return tuple(found)


def _linear(run: Run) -> tuple[str, ...]:
    """List what PCA reaches at every k."""
    joined = _tabulated(run).merge(run.drawn[run.drawn["reducer"] == LINEAR][["cell"]], on="cell")
    means = mean_by(joined, "score", "k")
    return tuple(
        f"{_title(score)} {value:.3f}" + ("" if pd.isna(k) else f" at k = {spell_number(k)}")
        for (score, k), value in means.items()
    )


def _title(score: str) -> str:
    return CARD_OF[score].title if score in CARD_OF else score
