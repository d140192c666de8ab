"""Which setting to use: the order that the run's own table of recommendations gives.

The rule is in one place, where that table is written: first the REAL clusters that a setting keeps (all, where none is
REAL), then how faithful it is, then how steady. Controls have no rank. A run of an earlier version tells no ranks: its
recommended settings come first there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from steadymap.configs.grid import CONTROLS
from steadymap.reports.pictures.panels import Panel
from steadymap.reports.run.run_folder import Run
from steadymap.reports.scores.seed_means import average_by_configuration
from steadymap.reports.scores.stability_rows import StabilityRow
from steadymap.reports.wording import Estimate, spell_configuration


@dataclass(frozen=True)
class RankedSetting:
    """A setting and what its rank comes from.

    Attributes
    ----------
    configuration, panel
        The setting, and the picture that stands for it: the seed that agrees best with the others.
    kept, wanted
        Clusters that most of its pictures keep (None where that is not known), of how many that count.
    trustworthiness, auc, steadiness
        Means over seeds; the last is the ARI between seeds, None with one seed.
    """

    configuration: str
    panel: Panel
    kept: int | None
    wanted: int
    trustworthiness: Estimate | None
    auc: Estimate | None
    steadiness: Estimate | None

    @property
    def title(self) -> str:
        """The setting in words."""
        return spell_configuration(self.configuration)


def rank_settings(run: Run, panels: Sequence[Panel], stability: Sequence[StabilityRow]) -> tuple[RankedSetting, ...]:
    """Return every setting with a picture, the best first; those without a rank stay in the order of the grid."""
    told = {str(row["configuration"]): row for row in run.recommendations.to_dict("records")}
    trust, auc = average_by_configuration(run, "trustworthiness"), average_by_configuration(run, "auc_ln_k")
    steady = {row.configuration: row.seeds.get("ari") for row in stability}
    found = [
        RankedSetting(
            configuration=name,
            panel=panel,
            kept=_whole(told.get(name, {}).get("kept")),
            wanted=_whole(told.get(name, {}).get("counted")) or 0,
            trustworthiness=trust.get(name),
            auc=auc.get(name),
            steadiness=steady.get(name),
        )
        for name, panel in _typical_panels(run, panels).items()
    ]
    return tuple(sorted(found, key=lambda one: _place(told.get(one.configuration, {}), len(found))))


def _place(row: dict[str, object], last: int) -> tuple[int, bool]:
    rank = _whole(row.get("rank"))
    return last + 1 if rank is None else rank, not row.get("recommended", False)


def _whole(value: object) -> int | None:
    return None if value is None or pd.isna(value) else int(value)  # type: ignore[call-overload]  # a number of pandas'


def _typical_panels(run: Run, panels: Sequence[Panel]) -> dict[str, Panel]:
    """Return a picture per setting: the one that the run names, else its first."""
    controls = set(run.drawn.loc[run.drawn["reducer"].isin(CONTROLS), "configuration"])
    named = dict(zip(run.recommendations["configuration"], run.recommendations["cell"], strict=True))
    found: dict[str, Panel] = {}
    for panel in panels:
        if panel.status != "ok" or panel.configuration in controls:
            continue
        if panel.configuration not in found or panel.cell == named.get(panel.configuration):
            found[panel.configuration] = panel
    return found
