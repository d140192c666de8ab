"""How well pictures agree: of every configuration between its seeds and with the others, and of every pair."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from steadymap.reports.run.run_folder import Run
from steadymap.reports.scores.seed_means import mean_by
from steadymap.reports.wording import Estimate, spell_configuration

MEASURES = ("ari", "ami", "element_centric", "neighbour_jaccard", "procrustes", "ness")
"""In the order of the table's columns."""

MEASURE_NAMES = {
    "ari": "ARI",
    "ami": "AMI",
    "element_centric": "ECS",
    "neighbour_jaccard": "neighbours",
    "procrustes": "Procrustes",
    "ness": "NESS",
}
GROUPS = {"seeds": "between its seeds", "configurations": "with other settings", "resamples": "between resamples"}


@dataclass(frozen=True)
class StabilityRow:
    """How well a configuration's pictures agree, by measure: between its seeds, with others, between resamples."""

    configuration: str
    runs: int
    seeds: dict[str, Estimate]
    configurations: dict[str, Estimate]
    resamples: dict[str, Estimate]

    @property
    def title(self) -> str:
        """The configuration in words."""
        return spell_configuration(self.configuration)

    def group(self, between: str) -> dict[str, Estimate]:
        """Return its estimates by measure; ``between`` is a key of ``GROUPS``."""
        return {"seeds": self.seeds, "configurations": self.configurations, "resamples": self.resamples}[between]


def stability_rows(run: Run) -> tuple[StabilityRow, ...]:
    """Return a row per drawn configuration, in the order of the grid."""
    rows = []
    runs = run.drawn["configuration"].value_counts()
    for configuration in dict.fromkeys(run.drawn["configuration"]):
        own = run.stability[run.stability["configuration"] == configuration]
        estimates: dict[str, dict[str, Estimate]] = {between: {} for between in GROUPS}
        for row in own.to_dict("records"):
            stderr = None if pd.isna(row["stderr"]) else float(row["stderr"])
            estimates.setdefault(row["between"], {})[row["score"]] = Estimate(float(row["value"]), stderr)
        rows.append(
            StabilityRow(configuration, int(runs[configuration]), **{between: estimates[between] for between in GROUPS})
        )
    return tuple(rows)


def agreement_matrix(run: Run) -> tuple[tuple[str, tuple[float | None, ...]], ...]:
    """Return the mean ARI of every pair of configurations; the diagonal is between seeds, None where unknown.

    Pairs of resamples are of one configuration, too, and stay out: the diagonal would mix luck of the seed with luck
    of the rows.
    """
    names = list(dict.fromkeys(run.drawn["configuration"]))
    ari = run.pairs[(run.pairs["score"] == "ari") & run.pairs["between"].isin(("seeds", "configurations"))]
    means = mean_by(ari, "configuration_a", "configuration_b")

    def value(a: str, b: str) -> float | None:
        found = means.get((a, b), means.get((b, a)))
        return None if found is None else float(found)

    return tuple((spell_configuration(a), tuple(value(a, b) for b in names)) for a in names)


def stability_columns(rows: tuple[StabilityRow, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return what can be shown: every group of which something is known, with its measures in their order."""
    known = {
        between: tuple(measure for measure in MEASURES if any(measure in row.group(between) for row in rows))
        for between in GROUPS
    }
    return tuple((between, measures) for between, measures in known.items() if measures)
