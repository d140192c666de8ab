"""Everything the page, the terminal and the Markdown say about a run, as data that can be tested."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from configs.cards import CARD_OF, ScoreCard
from reports.heat_maps import HeatMap, heat_maps
from reports.run_folder import Run

MEASURES = ("ari", "ami", "procrustes")


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error, None where it cannot be had."""

    value: float
    stderr: float | None = None

    def __str__(self) -> str:
        if self.stderr is None or math.isnan(self.stderr):
            return f"{self.value:.3f}"
        return f"{self.value:.3f} ± {self.stderr:.3f}"


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
    trustworthiness: float | None
    dimension: int

    @property
    def title(self) -> str:
        """Configuration and seed in words."""
        return self.configuration if self.seed is None else f"{self.configuration}, seed {self.seed}"


@dataclass(frozen=True)
class GridRow:
    """A configuration's panels, a place per seed."""

    configuration: str
    reducer: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Recommended:
    """A picture to look at first, and why."""

    panel: Panel
    reason: str
    stability: Estimate | None


@dataclass(frozen=True)
class StabilityRow:
    """How well a configuration's pictures agree, by measure: between its seeds, and with other configurations."""

    configuration: str
    seeds: dict[str, Estimate]
    configurations: dict[str, Estimate]


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
        The answer that the numbers give, a sentence each.
    recommended
        The pictures to look at first, one per reducer.
    rows
        The comparison grid.
    maps
        Heat maps of every score.
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
    cards
        The score cards of the scores in the run.
    labels
        Names of the label columns.
    """

    title: str
    run: str
    facts: tuple[str, ...]
    findings: tuple[str, ...]
    recommended: tuple[Recommended, ...]
    rows: tuple[GridRow, ...]
    seeds: tuple[int, ...]
    maps: tuple[HeatMap, ...]
    stability: tuple[StabilityRow, ...]
    matrix: tuple[tuple[str, tuple[float | None, ...]], ...]
    lost: tuple[Panel, ...]
    warnings: tuple[str, ...]
    provenance: tuple[tuple[str, str], ...]
    cards: tuple[ScoreCard, ...]
    labels: tuple[str, ...]
    drawn_rows: int
    rows_total: int


def summarise(run: Run) -> Summary:
    """Say what a run has found."""
    trust = _trustworthiness_by_cell(run)
    panels = [_panel(row, trust) for row in run.cells.to_dict("records")]
    stability = _stability_rows(run)
    scores = dict.fromkeys([*run.scores["score"], *run.stability["score"]])
    return Summary(
        title=run.manifest["name"],
        run=run.manifest["run"],
        facts=_facts(run),
        findings=_findings(run, panels),
        recommended=_recommended(run, panels, stability),
        rows=_grid(panels, run.manifest["seeds"], run.cells),
        seeds=tuple(run.manifest["seeds"]),
        maps=heat_maps(run.drawn, run.scores),
        stability=stability,
        matrix=_matrix(run),
        lost=tuple(panel for panel in panels if panel.status != "ok"),
        warnings=tuple(run.manifest["warnings"]),
        provenance=_provenance(run),
        cards=tuple(CARD_OF[score] for score in scores if score in CARD_OF),
        labels=tuple(run.manifest["data"]["labels"]),
        drawn_rows=run.manifest["drawn_rows"],
        rows_total=run.manifest["data"]["rows"],
    )


def _trustworthiness_by_cell(run: Run) -> dict[str, float]:
    """Take the middle k, the one that recommendations are made at."""
    scores = run.scores[run.scores["score"] == "trustworthiness"]
    ks = sorted(scores["k"].dropna().unique())
    middle = scores[scores["k"] == ks[len(ks) // 2]] if ks else scores
    return dict(zip(middle["cell"], middle["value"], strict=True))


def _panel(row: dict[Any, Any], trust: dict[str, float]) -> Panel:
    return Panel(
        cell=row["cell"],
        configuration=row["configuration"],
        seed=None if pd.isna(row["seed"]) else int(row["seed"]),
        status=row["status"],
        reason=None if pd.isna(row["reason"]) else row["reason"],
        islands=None if pd.isna(row["islands"]) else int(row["islands"]),
        noise_share=None if pd.isna(row["noise_share"]) else float(row["noise_share"]),
        trustworthiness=trust.get(row["cell"]),
        dimension=int(row["dimension"]),
    )


def _grid(panels: list[Panel], seeds: list[int], cells: pd.DataFrame) -> tuple[GridRow, ...]:
    reducers = dict(zip(cells["configuration"], cells["reducer"], strict=True))
    rows: dict[str, list[Panel]] = {}
    for panel in panels:
        rows.setdefault(panel.configuration, []).append(panel)
    order = {seed: place for place, seed in enumerate(seeds)}
    return tuple(
        GridRow(name, reducers[name], tuple(sorted(row, key=lambda panel: order.get(panel.seed or 0, 0))))
        for name, row in rows.items()
    )


def _facts(run: Run) -> tuple[str, ...]:
    data, cells = run.manifest["data"], run.manifest["cells"]
    configurations = run.cells["configuration"].nunique()
    facts = [
        f"{data['rows']:,} rows × {data['dimensions']} dimensions from {data['source']}",
        f"{configurations} configurations, {len(run.manifest['seeds'])} seeds",
        f"{cells['ok']} of {cells['total']} pictures" + (f", {cells['failed']} failed" if cells["failed"] else ""),
    ]
    notes = data.get("notes") or {}
    facts += [f"{name.replace('_', ' ')} {value:.3g}" for name, value in notes.items()]
    return tuple(facts)


def _findings(run: Run, panels: list[Panel]) -> tuple[str, ...]:
    drawn = [panel for panel in panels if panel.status == "ok"]
    if not drawn:
        return ("No picture could be drawn; the reasons are below.",)
    findings = []
    compared = run.stability[(run.stability["score"] == "ari")]
    seeds = compared[compared["between"] == "seeds"]
    if len(seeds):
        low, high = seeds.loc[seeds["value"].idxmin()], seeds.loc[seeds["value"].idxmax()]
        findings.append(
            f"Between seeds of one setting the islands agree with an ARI of {seeds['value'].median():.2f} (median): from "
            f"{low['value']:.2f} ({low['configuration']}) to {high['value']:.2f} ({high['configuration']})."
        )
        shaky = seeds[seeds["value"] < STEADY]["configuration"].tolist()
        if shaky:
            findings.append(f"Do not trust a single picture of {_listed(shaky)}: another seed draws other islands.")
    else:
        findings.append("Only one seed was drawn: this run cannot tell structure from the luck of a seed.")
    nonlinear = set(run.drawn.loc[run.drawn["reducer"] != "pca", "configuration"])
    between = run.pairs[
        (run.pairs["between"] == "configurations")
        & (run.pairs["score"] == "ari")
        & run.pairs["configuration_a"].isin(nonlinear)
        & run.pairs["configuration_b"].isin(nonlinear)
    ]
    if len(between):
        findings.append(f"Between settings of t-SNE and UMAP it is {between['value'].median():.2f} (median over pairs).")
    counts = [panel.islands for panel in drawn if panel.islands is not None and panel.configuration in nonlinear]
    if counts:
        findings.append(
            f"The pictures show {min(counts)} to {max(counts)} islands, {int(pd.Series(counts).median())} in the middle."
        )
    return tuple(findings)


STEADY = 0.75
"""Below this ARI between seeds a setting's islands are called a matter of luck; Hennig's bound for valid clusters."""


def _listed(names: list[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _recommended(run: Run, panels: list[Panel], stability: tuple[StabilityRow, ...]) -> tuple[Recommended, ...]:
    by_cell = {panel.cell: panel for panel in panels}
    seeds = {row.configuration: row.seeds.get("ari") for row in stability}
    chosen = run.recommendations[run.recommendations["recommended"]]
    return tuple(
        Recommended(by_cell[row["cell"]], row["reason"], seeds.get(row["configuration"]))
        for row in chosen.to_dict("records")
    )


def _stability_rows(run: Run) -> tuple[StabilityRow, ...]:
    rows = []
    for configuration in dict.fromkeys(run.drawn["configuration"]):
        own = run.stability[run.stability["configuration"] == configuration]
        estimates: dict[str, dict[str, Estimate]] = {"seeds": {}, "configurations": {}}
        for row in own.to_dict("records"):
            stderr = None if pd.isna(row["stderr"]) else float(row["stderr"])
            estimates[row["between"]][row["score"]] = Estimate(float(row["value"]), stderr)
        rows.append(StabilityRow(configuration, estimates["seeds"], estimates["configurations"]))
    return tuple(rows)


def _matrix(run: Run) -> tuple[tuple[str, tuple[float | None, ...]], ...]:
    names = list(dict.fromkeys(run.drawn["configuration"]))
    ari = run.pairs[run.pairs["score"] == "ari"]
    means = ari.groupby(["configuration_a", "configuration_b"], observed=True)["value"].mean().to_dict()

    def value(a: str, b: str) -> float | None:
        found = means.get((a, b), means.get((b, a)))
        return None if found is None else float(found)

    return tuple((a, tuple(value(a, b) for b in names)) for a in names)


def _provenance(run: Run) -> tuple[tuple[str, str], ...]:
    manifest = run.manifest
    preprocess = ", ".join(f"{name} {value}" for name, value in manifest["preprocess"].items() if value is not None)
    versions = ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())
    scored = manifest["scored_rows"]
    everything = scored == manifest["data"]["rows"]
    return (
        ("Run", manifest["run"]),
        ("Identity of config, data and code", manifest["identity"]),
        ("Digest of the data", manifest["data"]["digest"]),
        ("Preprocessing", preprocess),
        ("Seeds", ", ".join(map(str, manifest["seeds"]))),
        ("Scores look from", "every row" if everything else f"{scored:,} rows chosen by their content"),
        ("Versions", versions),
        ("Repeat it", f"cd {manifest['run']} && {manifest['reproduce']}"),
    )
