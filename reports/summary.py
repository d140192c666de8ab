"""Everything the page, the terminal and the Markdown say about a run, as data that can be tested.

It says how steady and how faithful the pictures are. It gives no verdict on clusters: agreement between pictures is no
evidence that the latent space has a gap there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import pandas as pd

from configs.cards import CARD_OF, ScoreCard
from reports.curves import CURVE, CurveChart, draw_curves
from reports.heat_maps import LINEAR, HeatMap, heat_maps, mean_over_seeds
from reports.run_folder import Run
from reports.wording import Estimate, count, list_names, spell_configuration, spell_number

MEASURES = ("ari", "ami", "element_centric", "neighbour_jaccard", "procrustes")
MEASURE_NAMES = {
    "ari": "ARI",
    "ami": "AMI",
    "element_centric": "ECS",
    "neighbour_jaccard": "neighbours",
    "procrustes": "Procrustes",
}

GLOBAL_SCORES = {"distance_correlation": "distance correlation", "triplet_accuracy": "random triplets"}
"""What is said of the arrangement of the whole, by score; both are of the cell and need no labels."""

STEADY = 0.75
"""Below this ARI between seeds a setting's islands are called a matter of luck; Hennig's bound for valid clusters."""

LIMIT = (
    "This report says how steady and how faithful the pictures are. It cannot say yet which islands are real clusters "
    "of the latent space: a cut through one even cloud can be perfectly steady. Read an island that stays as a "
    "candidate, not as proof."
)


@dataclass(frozen=True)
class Panel:
    """One place of the comparison grid: a picture, or the reason why there is none."""

    cell: str
    configuration: str
    seed: int | None
    status: str
    reason: str | None
    islands: int | None
    noise_share: float | None
    dimension: int

    @property
    def title(self) -> str:
        """Configuration and seed in words."""
        setting = spell_configuration(self.configuration)
        return setting if self.seed is None else f"{setting}, seed {self.seed}"


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
class StabilityRow:
    """How well a configuration's pictures agree, by measure: between its seeds, and with other configurations."""

    configuration: str
    runs: int
    seeds: dict[str, Estimate]
    configurations: dict[str, Estimate]

    @property
    def title(self) -> str:
        """The configuration in words."""
        return spell_configuration(self.configuration)


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
    panels = [_panel(row) for row in run.cells.to_dict("records")]
    stability = _stability_rows(run)
    scores = dict.fromkeys([*run.scores["score"], *run.stability["score"]])
    return Summary(
        title=run.manifest["name"],
        run=run.manifest["run"],
        facts=_facts(run),
        findings=_findings(run, panels, stability),
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
        matrix=_matrix(run),
        lost=tuple(panel for panel in panels if panel.status != "ok"),
        warnings=tuple(run.manifest["warnings"]),
        provenance=_provenance(run),
        reproduce=run.manifest["reproduce"],
        cards={score: CARD_OF[score] for score in scores if score in CARD_OF},
        labels=tuple(run.label_columns),
        drawn_rows=run.manifest["drawn_rows"],
        rows_total=run.manifest["data"]["rows"],
    )


def _panel(row: dict[Any, Any]) -> Panel:
    return Panel(
        cell=row["cell"],
        configuration=row["configuration"],
        seed=None if pd.isna(row["seed"]) else int(row["seed"]),
        status=row["status"],
        reason=None if pd.isna(row["reason"]) else row["reason"],
        islands=None if pd.isna(row["islands"]) else int(row["islands"]),
        noise_share=None if pd.isna(row["noise_share"]) else float(row["noise_share"]),
        dimension=int(row["dimension"]),
    )


def _facts(run: Run) -> tuple[str, ...]:
    data, cells = run.manifest["data"], run.manifest["cells"]
    configurations = run.cells["configuration"].nunique()
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


# --- the answer -------------------------------------------------------------------------------------------------


def _findings(run: Run, panels: list[Panel], stability: tuple[StabilityRow, ...]) -> tuple[str, ...]:
    drawn = [panel for panel in panels if panel.status == "ok"]
    if not drawn:
        return ("No picture could be drawn; the reasons are below.",)
    nonlinear = set(run.drawn.loc[run.drawn["reducer"] != LINEAR, "configuration"])
    found = [_about_seeds(stability), *_about_luck(stability), _about_settings(run, nonlinear)]
    found.append(_about_arrangement(run))
    found.append(_about_islands([panel for panel in drawn if panel.configuration in nonlinear] or drawn))
    return tuple(sentence for sentence in found if sentence)


def _about_seeds(stability: tuple[StabilityRow, ...]) -> str:
    """Say how well the seeds of a setting agree: the headline."""
    compared = {row.title: row.seeds["ari"].value for row in stability if "ari" in row.seeds}
    if not compared:
        return "No setting has pictures from two seeds, so this run cannot tell structure from the luck of a seed."
    steady = [name for name, value in compared.items() if value >= STEADY]
    typical = f"agreement between seeds (ARI, 1 is the same islands, 0 chance) is {_median(compared.values()):.2f}"
    if len(compared) == 1:
        return f"With another seed {next(iter(compared))} draws {'the same' if steady else 'other'} islands: {typical}."
    lead = f"{len(steady)} of {len(compared)} settings draw much the same islands whatever the seed"
    low, high = min(compared, key=lambda name: compared[name]), max(compared, key=lambda name: compared[name])
    return f"{lead}: median {typical}, from {compared[low]:.2f} ({low}) to {compared[high]:.2f} ({high})."


def _about_luck(stability: tuple[StabilityRow, ...]) -> list[str]:
    shaky = [row.title for row in stability if "ari" in row.seeds and row.seeds["ari"].value < STEADY]
    if not shaky:
        return []
    return [f"Do not trust a single picture of {list_names(shaky)}: another seed draws other islands."]


def _about_settings(run: Run, nonlinear: set[str]) -> str:
    between = run.pairs[
        (run.pairs["between"] == "configurations")
        & (run.pairs["score"] == "ari")
        & run.pairs["configuration_a"].isin(nonlinear)
        & run.pairs["configuration_b"].isin(nonlinear)
    ]
    if between.empty:
        return ""
    means = _mean_by(between, "configuration_a", "configuration_b")
    (a, b), lowest = min(means.items(), key=lambda pair: pair[1])
    aside = ", PCA aside," if (run.drawn["reducer"] == LINEAR).any() else ""
    return (
        f"Between different settings{aside} the median ARI is {between['value'].median():.2f}; furthest apart are "
        f"{spell_configuration(a)} and {spell_configuration(b)} ({lowest:.2f})."
    )


def _about_arrangement(run: Run) -> str:
    """Say which of t-SNE and UMAP keeps more of the global arrangement here, each at its best setting."""
    told, winners = [], set()
    for score, words in GLOBAL_SCORES.items():
        best = _best_by_reducer(run, score)
        if not {"tsne", "umap"} <= set(best):
            continue
        tsne, umap = best["tsne"], best["umap"]
        noise = 2 * math.hypot(tsne.stderr or 0, umap.stderr or 0)
        gap = tsne.value - umap.value
        winners.add("" if abs(gap) <= noise else "t-SNE" if gap > 0 else "UMAP")
        linear = f" (PCA {best[LINEAR].value:.2f})" if LINEAR in best else ""
        told.append(f"{words} t-SNE {tsne.value:.2f}, UMAP {umap.value:.2f}{linear}")
    if not told:
        return ""
    clear = winners - {""}
    lead = f"{clear.pop()} keeps more" if len(clear) == 1 else "Neither of t-SNE and UMAP clearly keeps more"
    return f"{lead} of the global arrangement of this data, each at its best setting: {'; '.join(told)}."


def _best_by_reducer(run: Run, score: str) -> dict[str, Estimate]:
    """Return the highest mean over seeds that any setting of each reducer reaches."""
    reducers = dict(zip(run.cells["configuration"], run.cells["reducer"], strict=True))
    best: dict[str, Estimate] = {}
    for name, estimate in _by_configuration(run, score).items():
        reducer = reducers[name]
        if reducer not in best or estimate.value > best[reducer].value:
            best[reducer] = estimate
    return best


def _about_islands(panels: list[Panel]) -> str:
    counts = [panel.islands for panel in panels if panel.islands is not None]
    if not counts:
        return ""
    low, high, middle = min(counts), max(counts), round(_median(counts))
    if low == high:
        return f"Every picture shows {count(low, 'island')}."
    return f"The number of islands depends on the picture: {low} to {high}, half of them show {middle} or more."


def _median(values: Any) -> float:
    return float(pd.Series(list(values)).median())


# --- pictures ---------------------------------------------------------------------------------------------------


def _grid(run: Run, panels: list[Panel], stability: tuple[StabilityRow, ...]) -> tuple[GridRow, ...]:
    reducers = dict(zip(run.cells["configuration"], run.cells["reducer"], strict=True))
    place = {seed: number for number, seed in enumerate(run.manifest["seeds"])}
    rows: dict[str, list[Panel]] = {}
    for panel in panels:
        rows.setdefault(panel.configuration, []).append(panel)
    steadiness = {row.configuration: row.seeds.get("ari") for row in stability}
    trust = _by_configuration(run, "trustworthiness")
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
    trust, auc = _by_configuration(run, "trustworthiness"), _by_configuration(run, "auc_ln_k")
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


def _middle_k(scores: pd.DataFrame) -> int | None:
    """Return the middle k, the one that recommendations are made at."""
    ks = sorted(scores["k"].dropna().unique())
    return int(ks[len(ks) // 2]) if ks else None


def _by_configuration(run: Run, score: str) -> dict[str, Estimate]:
    """Average a score at the middle k over the seeds of every configuration."""
    values = run.scores[run.scores["score"] == score]
    k = _middle_k(values)
    joined = (values if k is None else values[values["k"] == k]).merge(run.cells[["cell", "configuration"]], on="cell")
    return {str(name): mean_over_seeds(group) for name, group in joined.groupby("configuration", sort=False)}


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
        means = _by_configuration(run, score)
        sign = -1 if score in CARD_OF and CARD_OF[score].better == "lower" else 1
        name = max(means, key=lambda one: sign * means[one].value)
        k = _middle_k(run.scores[run.scores["score"] == score])
        found.append(Best(score, name, k, means[name]))
    return tuple(found)


def _linear(run: Run) -> tuple[str, ...]:
    """List what PCA reaches at every k."""
    joined = _tabulated(run).merge(run.drawn[run.drawn["reducer"] == LINEAR][["cell"]], on="cell")
    means = _mean_by(joined, "score", "k")
    return tuple(
        f"{_title(score)} {value:.3f}" + ("" if pd.isna(k) else f" at k = {spell_number(k)}")
        for (score, k), value in means.items()
    )


def _mean_by(table: pd.DataFrame, first: str, second: str) -> dict[tuple[Any, Any], float]:
    means = table.groupby([first, second], sort=False, dropna=False, observed=True)["value"].mean()
    return cast("dict[tuple[Any, Any], float]", means.to_dict())


def _title(score: str) -> str:
    return CARD_OF[score].title if score in CARD_OF else score


def _stability_rows(run: Run) -> tuple[StabilityRow, ...]:
    rows = []
    runs = run.drawn["configuration"].value_counts()
    for configuration in dict.fromkeys(run.drawn["configuration"]):
        own = run.stability[run.stability["configuration"] == configuration]
        estimates: dict[str, dict[str, Estimate]] = {"seeds": {}, "configurations": {}}
        for row in own.to_dict("records"):
            stderr = None if pd.isna(row["stderr"]) else float(row["stderr"])
            estimates.setdefault(row["between"], {})[row["score"]] = Estimate(float(row["value"]), stderr)
        rows.append(
            StabilityRow(configuration, int(runs[configuration]), estimates["seeds"], estimates["configurations"])
        )
    return tuple(rows)


def _matrix(run: Run) -> tuple[tuple[str, tuple[float | None, ...]], ...]:
    names = list(dict.fromkeys(run.drawn["configuration"]))
    ari = run.pairs[run.pairs["score"] == "ari"]
    means = _mean_by(ari, "configuration_a", "configuration_b")

    def value(a: str, b: str) -> float | None:
        found = means.get((a, b), means.get((b, a)))
        return None if found is None else float(found)

    return tuple((spell_configuration(a), tuple(value(a, b) for b in names)) for a in names)


def _provenance(run: Run) -> tuple[tuple[str, str], ...]:
    manifest, data = run.manifest, run.manifest["data"]
    preprocess = ", ".join(f"{name} {value}" for name, value in manifest["preprocess"].items() if value is not None)
    versions = ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())
    scored, drawn = manifest["scored_rows"], manifest["drawn_rows"]
    duplicates = data.get("duplicate_rows")
    return (
        ("Run", manifest["run"]),
        ("Data", f"{data['source']}, {data['rows']:,} × {data['dimensions']:,}"),
        ("Digest of the data", data["digest"]),
        *([("Duplicate rows", f"{duplicates:,}")] if duplicates else []),
        ("Preprocessing", preprocess),
        ("Seeds", ", ".join(map(str, manifest["seeds"]))),
        ("Scored", _share_of_rows(scored, data["rows"])),
        ("Drawn", _share_of_rows(drawn, data["rows"])),
        ("Identity of config, data and code", manifest["identity"]),
        ("Versions", versions),
    )


def _share_of_rows(part: int, rows: int) -> str:
    return "every row" if part == rows else f"{part:,} of {rows:,} rows, chosen by their content"
