"""Which setting to use: first the REAL clusters that it keeps, then how faithful it is, then how steady.

A picture that merges what held-out rows show to be apart misleads, however faithful it is on average; so the clusters
come first. Where none is REAL, all clusters count. Controls are never ranked; a setting without tracks (three
dimensions) comes last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steadymap.configs.grid import CONTROLS
from steadymap.reports.clusters.cluster_cards import ClusterCard
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


def rank_settings(
    run: Run, panels: Sequence[Panel], stability: Sequence[StabilityRow], clusters: Sequence[ClusterCard]
) -> tuple[RankedSetting, ...]:
    """Rank every setting with a picture, the best first; equal ones stay in the order of the grid."""
    wanted = counted_clusters(clusters)
    kept = _kept(run, wanted)
    trust, auc = average_by_configuration(run, "trustworthiness"), average_by_configuration(run, "auc_ln_k")
    steady = {row.configuration: row.seeds.get("ari") for row in stability}
    shown = _typical_panels(run, panels)
    found = [
        RankedSetting(name, panel, kept.get(name), len(wanted), trust.get(name), auc.get(name), steady.get(name))
        for name, panel in shown.items()
    ]
    faithful = _mean_ranks(found)
    order = sorted(found, key=lambda one: (*_lost(one), faithful[one.configuration], -_value(one.steadiness)))
    return tuple(order)


def counted_clusters(clusters: Sequence[ClusterCard]) -> set[int]:
    """Return the numbers of the clusters that a good setting keeps: the REAL ones, else all."""
    real = {card.number for card in clusters if card.verdict and card.verdict.word == "REAL"}
    return real or {card.number for card in clusters}


def _kept(run: Run, wanted: set[int]) -> dict[str, int]:
    counted = run.tracks[run.tracks["cluster"].isin(wanted)]
    keeps = (counted["fate"] == "kept").groupby(counted["configuration"], sort=False).sum()
    return {str(name): int(number) for name, number in keeps.items()}


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


def _lost(setting: RankedSetting) -> tuple[bool, int]:
    return setting.kept is None, setting.wanted - (setting.kept or 0)


def _mean_ranks(settings: Sequence[RankedSetting]) -> Mapping[str, float]:
    """Rank settings by trustworthiness and by AUC of R_NX (0 is best, ties share the best rank), and average."""

    def rank(own: Estimate | None, others: Sequence[Estimate | None]) -> int:
        return sum(_value(other) > _value(own) for other in others)

    trust, auc = [one.trustworthiness for one in settings], [one.auc for one in settings]
    return {one.configuration: (rank(one.trustworthiness, trust) + rank(one.auc, auc)) / 2 for one in settings}


def _value(estimate: Estimate | None) -> float:
    return 0.0 if estimate is None else estimate.value
