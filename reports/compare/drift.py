"""How far the pictures moved from one night to the next, beside how far a seed moves them in one night.

The same setting with the same seed is compared over the rows that both nights have: the adjusted Rand index of the
islands, as between seeds. A night has moved a setting when its pictures agree less with those of the night before than
any two seeds of either night agree with each other. What this cannot see: which rows the data gained or lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

import numpy as np
import numpy.typing as npt
import pandas as pd

from steadymap.configs.grid import CONTROLS
from steadymap.reports.run.run_folder import Run
from steadymap.reports.wording import count

ARI = "ari"


@dataclass(frozen=True)
class SettingDrift:
    """One setting: mean ARI between the nights over its seeds, and the lowest between two seeds of one night.

    ``seeds`` is None where the setting has one seed.
    """

    configuration: str
    nights: float
    seeds: float | None

    @property
    def moved(self) -> bool:
        """Whether the nights differ by more than seeds do."""
        return self.seeds is not None and self.nights < self.seeds


@dataclass(frozen=True)
class Drift:
    """Every setting that both nights have drawn."""

    settings: tuple[SettingDrift, ...]

    @property
    def agreement(self) -> float | None:
        """Median over settings of the agreement between the nights."""
        return median(one.nights for one in self.settings) if self.settings else None

    @property
    def seed_agreement(self) -> float | None:
        """Median over settings of the lowest agreement between seeds."""
        known = [one.seeds for one in self.settings if one.seeds is not None]
        return median(known) if known else None

    @property
    def sentence(self) -> str:
        """What this says; empty where nothing could be compared."""
        if self.agreement is None:
            return ""
        between = f"islands of one setting and seed agree between the nights by a median ARI of {self.agreement:.2f}"
        if self.seed_agreement is None:
            return f"The {between}; with one seed a setting there is no noise to compare that with."
        moved = sum(one.moved for one in self.settings)
        lead = (
            f"The pictures moved more than seeds move them in {moved} of {count(len(self.settings), 'setting')}"
            if moved
            else "The pictures moved no more than seeds move them"
        )
        return f"{lead}: {between}, two seeds of one night by at least {self.seed_agreement:.2f}."


def measure_drift(before: Run, after: Run) -> Drift:
    """Compare the pictures of two nights, setting by setting."""
    cells = [run.drawn.loc[~run.drawn["reducer"].isin(CONTROLS)] for run in (before, after)]
    keys = ["configuration", "seed"]
    both = cells[0][[*keys, "cell"]].merge(cells[1][[*keys, "cell"]], on=keys, suffixes=("_a", "_b"))
    islands = [_islands(run) for run in (before, after)]
    found: dict[str, list[float]] = {}
    for pair in both.to_dict("records"):
        a, b = islands[0].get(str(pair["cell_a"])), islands[1].get(str(pair["cell_b"]))
        value = None if a is None or b is None else _agreement(a, b)
        if value is not None:
            found.setdefault(str(pair["configuration"]), []).append(value)
    return Drift(
        tuple(
            SettingDrift(configuration, float(np.mean(values)), _lowest_between_seeds(configuration, before, after))
            for configuration, values in found.items()
        )
    )


def _islands(run: Run) -> dict[str, pd.Series]:
    """Return the island of every drawn row by its id, a series per cell; ambiguous ids and noise are left out."""
    ids = run.points.set_index("row")["id"]
    ids = ids[~ids.duplicated(keep=False)]
    drawn = run.embeddings.loc[run.embeddings["island"] >= 0, ["cell", "row", "island"]]
    named = drawn.assign(id=drawn["row"].map(ids)).dropna(subset=["id"])
    return {str(cell): part.set_index("id")["island"] for cell, part in named.groupby("cell", observed=True)}


def _agreement(a: pd.Series, b: pd.Series) -> float | None:
    shared = a.index.intersection(b.index)
    if len(shared) < 2:
        return None
    return adjusted_rand(a.loc[shared].to_numpy(np.int64), b.loc[shared].to_numpy(np.int64))


def adjusted_rand(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> float:
    """Return the adjusted Rand index of two partitions: 1 is the same, 0 chance (Hubert and Arabie, 1985)."""
    table = np.unique(np.stack([a, b]), axis=1, return_counts=True)[1]
    together, of_a, of_b = (
        float(_pairs(counts).sum())
        for counts in (table, np.unique(a, return_counts=True)[1], np.unique(b, return_counts=True)[1])
    )
    expected = of_a * of_b / float(_pairs(np.array([len(a)])).sum())
    most = (of_a + of_b) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)


def _pairs(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return counts * (counts - 1) / 2.0


def _lowest_between_seeds(configuration: str, *nights: Run) -> float | None:
    return min(between_seeds(configuration, ARI, *nights), default=None)


def between_seeds(configuration: str, score: str, *runs: Run) -> list[float]:
    """Return how every two seeds of a setting compare by a score, in each run."""
    return [
        float(value)
        for run in runs
        for value in run.pairs.loc[
            (run.pairs["between"] == "seeds")
            & (run.pairs["score"] == score)
            & (run.pairs["configuration_a"] == configuration),
            "value",
        ]
    ]
