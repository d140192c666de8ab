"""What the same settings reach on reference data, which has no clusters: a score is worth what it has beyond that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from steadymap.configs.cards import CARD_OF
from steadymap.reports.wording import spell_configuration, spell_p

ENOUGH = 19
"""From so many null values per setting on a p-value can reach .05, and quantiles of 5 % and 95 % can be read."""


@dataclass(frozen=True)
class NullScores:
    """The scores of pictures of reference data, of every kind together: ``nulls.parquet``."""

    nulls: pd.DataFrame

    def beside(self, score: str, values: pd.DataFrame) -> str:
        """Say what noise reaches at the settings of these values; empty where none of them was drawn on noise.

        ``values`` are the data's own: one score at one k, with ``configuration``. With enough values per setting the
        best of those settings is told with its quantiles and its empirical p, else the range over all of them.
        """
        known = self._of(score, values)
        if known.empty:
            return ""
        counts = known["configuration"].value_counts()
        enough = counts[counts >= ENOUGH].index
        if not len(enough):
            return f"{known['value'].min():.2f} to {known['value'].max():.2f}"
        lower = score in CARD_OF and CARD_OF[score].better == "lower"
        means = values[values["configuration"].isin(enough)].groupby("configuration", observed=True)["value"].mean()
        best = str(means.idxmin() if lower else means.idxmax())
        null = known.loc[known["configuration"] == best, "value"].to_numpy(dtype=float)
        low, high = np.quantile(null, (0.05, 0.95))
        p = empirical_p(null, float(means[best]), lower_is_better=lower)
        return f"{low:.2f} to {high:.2f} (5 % to 95 %) with {spell_configuration(best)}: {spell_p(p)}"

    def _of(self, score: str, values: pd.DataFrame) -> pd.DataFrame:
        k = values["k"].iloc[0] if len(values) else None
        same_k = self.nulls["k"].isna() if pd.isna(k) else self.nulls["k"] == k
        return self.nulls[
            (self.nulls["score"] == score) & same_k & self.nulls["configuration"].isin(values["configuration"])
        ]


def empirical_p(null: np.ndarray, value: float, *, lower_is_better: bool = False) -> float:
    """Return (1 + #{null values at least as good}) / (B + 1), for B null values."""
    as_good = null <= value if lower_is_better else null >= value
    return float((1 + as_good.sum()) / (len(null) + 1))
