"""Everything the page, the terminal and the Markdown say about a run, as data that can be tested.

It says how steady and how faithful the pictures are. It gives no verdict of its own on clusters: agreement between
pictures is no evidence that the latent space has a gap there; where a run has been tested, the test's verdict is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from steadymap.configs.cards import CARD_OF, ScoreCard
from steadymap.configs.grid import CONTROLS
from steadymap.reports.clusters.cluster_cards import ClusterCard, SmallestSet, cluster_cards, smallest_set
from steadymap.reports.clusters.label_tests import JudgedLabel, label_tests
from steadymap.reports.clusters.tracks import Tracks, follow_clusters
from steadymap.reports.compare.since_last_run import Changes, find_changes
from steadymap.reports.pictures.half_pictures import halves_beside
from steadymap.reports.pictures.null_pictures import NullRow, null_rows
from steadymap.reports.pictures.panels import Panel, to_panel
from steadymap.reports.run.provenance import provenance
from steadymap.reports.run.run_folder import Run
from steadymap.reports.run.selftest_rates import cite_selftest
from steadymap.reports.scores.heat_maps import HeatMap, heat_maps, is_loss
from steadymap.reports.scores.latent_health import spell_aggregate, spell_health
from steadymap.reports.scores.null_scores import NullScores
from steadymap.reports.scores.rnx_curves import CURVE, CurveChart, draw_curves
from steadymap.reports.scores.seed_means import average_by_configuration, mean_by, middle_k
from steadymap.reports.scores.stability_rows import StabilityRow, agreement_matrix, stability_rows
from steadymap.reports.summary.answer import Answer, find_answer
from steadymap.reports.summary.conclusions import find
from steadymap.reports.summary.ranking import RankedSetting, rank_settings
from steadymap.reports.wording import Estimate, count, spell_configuration, spell_number, spell_reducer

LIMIT = (
    "This report says how steady and how faithful the pictures are. It cannot say yet which islands are real clusters "
    "of the latent space: a cut through one even cloud can be perfectly steady. Read an island that stays as a "
    "candidate, not as proof."
)


LIMIT_OF_THE_TEST = (
    "What the test cannot see: a shallow valley needs many rows, so UNCERTAIN is no evidence against a cluster. A "
    "difference between batches is a real valley, which only splits by group can name. That a REAL cluster holds more "
    "than one is not excluded. The chance that any REAL or HIDDEN of this data set is false is at most "
    "α\u00a0=\u00a05\u00a0%."
)

FAST = "Fast run: one pair of halves, two settings, no reference data."


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
    answer
        Which clusters are there, which setting to use, which to avoid.
    ranking
        Every setting, the best first.
    findings
        What else the numbers give, a sentence each; the first is the headline.
    notice
        What has to be known before anything else: that the run was a fast one; else empty.
    clusters
        The consensus clusters, the largest first.
    limit
        What the report cannot say.
    changes
        What changed since the run before of the same name, None where there is none.
    selftest
        How often verdicts were false in the last selftest.
    label_tests
        The classes of the first label, tested like clusters.
    recommended
        The pictures to look at first, one per reducer.
    smallest
        The fewest pictures that show every cluster, None where no picture shows one.
    rows, seeds
        The comparison grid and its columns.
    latent_space
        What the vectors themselves say, before any picture.
    health
        Which of their dimensions carry nothing, or the same twice, a sentence each.
    maps, best
        Heat maps of every score, and the setting that is best at each.
    curves
        R_NX over neighbourhood sizes, None where nothing was drawn.
    controls
        What each control reaches: its name, and score, k and value, for sweeps in which no map shows it.
    stability
        A row per configuration.
    matrix
        Mean ARI between configurations; the diagonal is between seeds.
    tracks
        What settings do to the clusters, None where there are none.
    noise
        Pictures of reference data, by setting.
    halves
        Pictures of halves of the rows, by the cell of the grid that they stand beside.
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
    notice: str
    facts: tuple[str, ...]
    answer: Answer
    ranking: tuple[RankedSetting, ...]
    findings: tuple[str, ...]
    clusters: tuple[ClusterCard, ...]
    limit: str
    changes: Changes | None
    selftest: str
    label_tests: tuple[JudgedLabel, ...]
    recommended: tuple[Recommended, ...]
    smallest: SmallestSet | None
    rows: tuple[GridRow, ...]
    seeds: tuple[int, ...]
    latent_space: tuple[LatentFact, ...]
    health: tuple[str, ...]
    maps: tuple[HeatMap, ...]
    curves: CurveChart | None
    best: tuple[Best, ...]
    controls: tuple[tuple[str, tuple[str, ...]], ...]
    stability: tuple[StabilityRow, ...]
    matrix: tuple[tuple[str, tuple[float | None, ...]], ...]
    tracks: Tracks | None
    noise: tuple[NullRow, ...]
    halves: dict[str, tuple[Panel, ...]]
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
    clusters = cluster_cards(run, panels)
    ranking = rank_settings(run, panels, stability)
    scores = dict.fromkeys([*run.scores["score"], *run.stability["score"]])
    return Summary(
        title=run.manifest["name"],
        run=run.manifest["run"],
        facts=_facts(run),
        notice=FAST if run.manifest.get("fast") else "",
        answer=find_answer(run, clusters, ranking),
        ranking=ranking,
        findings=find(run, panels, stability, clusters),
        clusters=clusters,
        limit=LIMIT_OF_THE_TEST if any(card.verdict for card in clusters) else LIMIT,
        changes=find_changes(run),
        selftest=cite_selftest(run.folder),
        label_tests=label_tests(run),
        recommended=_recommended(run, panels, stability),
        smallest=smallest_set(run, panels),
        rows=_grid(run, panels, stability),
        seeds=tuple(run.manifest["seeds"]),
        latent_space=_latent_space(run),
        health=_health(run),
        maps=heat_maps(run.drawn, _tabulated(run), NullScores(run.nulls)),
        curves=draw_curves(run.drawn, run.scores),
        best=_best(run),
        controls=_controls(run),
        stability=stability,
        matrix=agreement_matrix(run),
        tracks=follow_clusters(run),
        noise=null_rows(run, panels),
        halves=halves_beside(run, others, panels),
        lost=tuple(panel for panel in [*panels, *others] if panel.status != "ok"),
        warnings=tuple(run.manifest["warnings"]),
        provenance=provenance(run),
        reproduce=run.manifest["reproduce"],
        cards={score: CARD_OF[score] for score in scores if score in CARD_OF},
        labels=tuple(run.label_columns),
        drawn_rows=run.manifest["drawn_rows"],
        rows_total=run.manifest["data"]["rows"],
    )


LEFT = "left"
"""Status of what a budget has no room for: may be most of a grid, and is no fault."""


def spell_lost(lost: Sequence[Panel]) -> list[tuple[str, str, str]]:
    """Return title, status and reason of pictures that are not there; those that a budget left count together."""
    left: dict[str, list[Panel]] = {}
    for panel in lost:
        if panel.status == LEFT:
            left.setdefault(panel.reason or "", []).append(panel)
    told = [(panel.title, panel.status, panel.reason or "") for panel in lost if panel.status != LEFT]
    told += [
        (panels[0].title if len(panels) == 1 else count(len(panels), "picture"), LEFT, reason)
        for reason, panels in left.items()
    ]
    return told


def _facts(run: Run) -> tuple[str, ...]:
    data, cells = run.manifest["data"], run.manifest["cells"]
    configurations = run.grid["configuration"].nunique()
    lost = [f"{cells[name]} {name}" for name in ("skipped", "left", "failed") if cells.get(name)]
    facts = [
        f"{count(data['rows'], 'row')} × {count(data['dimensions'], 'dimension')} from {data['source']}",
        f"{count(configurations, 'setting')} × {count(len(run.manifest['seeds']), 'seed')}",
        f"{cells['ok']} of {count(cells['total'], 'picture')} drawn" + (f" ({', '.join(lost)})" if lost else ""),
    ]
    notes = data.get("notes") or {}
    facts += [data["taken"]] if data.get("taken") else []
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
    chosen = run.recommendations[run.recommendations["recommended"]].sort_values("rank", kind="stable")
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
        at = f" at k = {row['k']}" if row["k"] else ""
        value = f"{row['value']:g}" if CARD_OF.get(row["score"]) in COUNTS else str(estimate)
        told.setdefault(row["score"], []).append(f"{value}{at}{chance}")
    return tuple(LatentFact(CARD_OF[score], "; ".join(values)) for score, values in told.items() if score in CARD_OF)


COUNTS = (CARD_OF["active_units"], CARD_OF["collapsed_dimensions"])
"""Facts that are whole numbers."""


def _health(run: Run) -> tuple[str, ...]:
    aggregate = spell_aggregate(run.dimensions, run.clusters["verdict"].dropna().tolist())
    return (*spell_health(run.dimensions, run.latent_space), *([aggregate] if aggregate else []))


def _tabulated(run: Run) -> pd.DataFrame:
    """Return the scores that are read as numbers; the curve is read as a line."""
    return run.scores[run.scores["score"] != CURVE]


def _best(run: Run) -> tuple[Best, ...]:
    """Return the best setting of every score; a control is none, and losses of two settings cannot be compared."""
    compared = set(run.drawn.loc[~run.drawn["reducer"].isin(CONTROLS), "configuration"])
    found = []
    for score in dict.fromkeys(_tabulated(run)["score"]):
        means = {name: one for name, one in average_by_configuration(run, score).items() if name in compared}
        if is_loss(score) or not means:
            continue
        sign = -1 if score in CARD_OF and CARD_OF[score].better == "lower" else 1
        name = max(means, key=lambda one: sign * means[one].value)
        k = middle_k(run.scores[run.scores["score"] == score])
        found.append(Best(score, name, k, means[name]))
    return tuple(found)


def _controls(run: Run) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """List what every control reaches at every k."""
    found = []
    for control in CONTROLS:
        joined = _tabulated(run).merge(run.drawn[run.drawn["reducer"] == control][["cell"]], on="cell")
        told = tuple(
            f"{_title(score)} {value:.3f}" + ("" if pd.isna(k) else f" at k = {spell_number(k)}")
            for (score, k), value in mean_by(joined, "score", "k").items()
        )
        if told:
            found.append((spell_reducer(control), told))
    return tuple(found)


def _title(score: str) -> str:
    return CARD_OF[score].title if score in CARD_OF else score
