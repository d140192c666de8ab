"""The answer that the numbers give, in sentences; the first is the headline."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from steadymap.configs.grid import CONTROLS
from steadymap.reports.clusters.cluster_cards import ClusterCard, headline
from steadymap.reports.pictures.panels import Panel
from steadymap.reports.run.cell_costs import compare_speed
from steadymap.reports.run.run_folder import Run
from steadymap.reports.scores.seed_means import best_by_reducer, mean_by
from steadymap.reports.scores.stability_rows import StabilityRow
from steadymap.reports.summary.answer import STEADY
from steadymap.reports.wording import Estimate, count, list_names, spell_configuration, spell_share

GLOBAL_SCORES = {"distance_correlation": "distance correlation", "triplet_accuracy": "random triplets"}
"""What is said of the arrangement of the whole, by score; both are of the cell and need no labels."""

LINEAR = "pca"
"""The control that everyone knows; it is told beside the others' arrangement."""

NOTHING = (
    "No clusters: most pictures keep all rows together, and nothing that pictures or the latent space suggest is "
    "shown to be separated from the rest."
)

NOT_SOUGHT = (
    "Clusters were not sought: they are read off flat pictures, and every picture here has three dimensions. "
    "With dimension: [2, 3] a sweep draws both."
)


def find(
    run: Run, panels: list[Panel], stability: tuple[StabilityRow, ...], clusters: tuple[ClusterCard, ...]
) -> tuple[str, ...]:
    """Say what a run has found, a sentence each; with nothing drawn, that."""
    drawn = [panel for panel in panels if panel.status == "ok"]
    if not drawn:
        return ("No picture could be drawn; the reasons are below.",)
    nonlinear = set(run.drawn.loc[~run.drawn["reducer"].isin(CONTROLS), "configuration"])
    compared = tuple(row for row in stability if row.configuration in nonlinear)
    answer = headline(clusters) if clusters or not nonlinear else NOTHING if run.seeks_clusters else NOT_SOUGHT
    found = [answer, _about_seeds(compared), *_about_luck(compared), _about_settings(run, nonlinear)]
    found += [_about_resamples(compared, clusters), _about_pairs(run), _about_arrangement(run)]
    found.append(_about_islands([panel for panel in drawn if panel.configuration in nonlinear] or drawn))
    found.append(compare_speed(run))
    return tuple(sentence for sentence in found if sentence)


def _about_seeds(stability: tuple[StabilityRow, ...]) -> str:
    """Say how well the seeds of a setting agree."""
    compared = {row.title: row.seeds["ari"].value for row in stability if "ari" in row.seeds}
    if not compared:
        return "No setting has pictures from two seeds, so this run cannot tell structure from the luck of a seed."
    steady = [name for name, value in compared.items() if value >= STEADY]
    typical = f"agreement between seeds (ARI, 1 is the same islands, 0 chance) is {_median(compared.values()):.2f}"
    if len(compared) == 1:
        return f"With another seed {next(iter(compared))} draws {'the same' if steady else 'other'} islands: {typical}."
    lead = f"{len(steady)} of {len(compared)} settings draw much the same islands whatever the seed"
    low, high = min(compared, key=lambda name: compared[name]), max(compared, key=lambda name: compared[name])
    if compared[low] == compared[high]:
        return f"{lead}: {typical} for every one of them."
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
    means = mean_by(between, "configuration_a", "configuration_b")
    (a, b), lowest = min(means.items(), key=lambda pair: pair[1])
    controls = set(run.drawn["reducer"]) & set(CONTROLS)
    aside = ", PCA aside," if controls == {LINEAR} else ", controls aside," if controls else ""
    return (
        f"Between different settings{aside} the median ARI is {between['value'].median():.2f}; furthest apart are "
        f"{spell_configuration(a)} and {spell_configuration(b)} ({lowest:.2f})."
    )


def _about_resamples(stability: tuple[StabilityRow, ...], clusters: tuple[ClusterCard, ...]) -> str:
    """Say how much hangs on the rows that were drawn."""
    islands = [row.resamples["ari"].value for row in stability if "ari" in row.resamples]
    again = [card.resamples for card in clusters if card.resamples is not None]
    told = [f"islands agree by a median ARI of {_median(islands):.2f}"] if islands else []
    if again:
        told.append(f"clusters come back with a median recurrence of {_median(again):.2f}")
    return f"Drawn from parts of the rows only, {' and '.join(told)}." if told else ""


def _about_pairs(run: Run) -> str:
    """Say how many pairs of rows the pictures disagree about."""
    pac = run.manifest.get("consensus")
    if not pac:
        return ""
    error = Estimate(100 * pac["share"], 100 * pac["stderr"])
    precise = f"{error.value:.1f} ± {max(error.stderr or 0, 0.1):.1f} %" if error.stderr else spell_share(pac["share"])
    return (
        f"{precise} of pairs of rows are ambiguous, in one island in 10 % to 90 % of the pictures "
        f"(PAC, from {count(pac['pairs'], 'pair')} and {count(pac['cells'], 'picture')})."
    )


def _about_arrangement(run: Run) -> str:
    """Say which of t-SNE and UMAP keeps more of the global arrangement here, each at its best setting.

    One is named only where it leads in every score, by more than two standard errors that are known.
    """
    told, winners = [], set()
    for score, words in GLOBAL_SCORES.items():
        best = best_by_reducer(run, score)
        if not {"tsne", "umap"} <= set(best):
            continue
        tsne, umap = best["tsne"], best["umap"]
        known = tsne.stderr is not None and umap.stderr is not None
        noise = 2 * math.hypot(tsne.stderr or 0, umap.stderr or 0) if known else math.inf
        gap = tsne.value - umap.value
        winners.add("" if abs(gap) <= noise else "t-SNE" if gap > 0 else "UMAP")
        linear = f" (PCA {best[LINEAR].value:.2f})" if LINEAR in best else ""
        told.append(f"{words} t-SNE {tsne.value:.2f}, UMAP {umap.value:.2f}{linear}")
    if not told:
        return ""
    unclear = "" in winners or len(winners) > 1
    lead = "Neither of t-SNE and UMAP clearly keeps more" if unclear else f"{winners.pop()} keeps more"
    return f"{lead} of the global arrangement of this data, each at its best setting: {'; '.join(told)}."


def _about_islands(panels: list[Panel]) -> str:
    counts = [panel.islands for panel in panels if panel.islands is not None]
    if not counts:
        return ""
    low, high = min(counts), max(counts)
    if low == high:
        return f"Every picture shows {count(low, 'island')}."
    return f"The number of islands depends on the picture: {low} to {high}, the median is {_median(counts):g}."


def _median(values: Any) -> float:
    return float(pd.Series(list(values)).median())
