"""The consensus clusters, one card each: how often it is found again, what other settings do to it, and the verdict.

Recurrence is no evidence that the latent space has a gap there; the verdict of the held-out test is, if there is one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from steadymap.reports.pictures.exemplars import Exemplars, find_exemplars
from steadymap.reports.pictures.label_codes import encode_labels
from steadymap.reports.pictures.palette import colour_slots
from steadymap.reports.pictures.panels import Panel
from steadymap.reports.pictures.picture_data import drawn_clusters, drawn_rows, pictures_by_cell
from steadymap.reports.run.cluster_names import ClusterName, list_clusters, name_clusters
from steadymap.reports.run.run_folder import Run
from steadymap.reports.wording import (
    Estimate,
    count,
    list_names,
    spell_configuration,
    spell_p,
    spell_share,
)

SHAPES = {"REAL": "●", "HIDDEN": "◐", "ARTEFACT": "○", "UNCERTAIN": "◇"}
"""A shape beside every verdict, so that colour is never needed to tell them apart; also their order in the headline."""

BANDS = {
    "highly stable": "highly stable",
    "stable": "stable",
    "a pattern": "no more than a pattern",
    "not to be trusted": "not to be trusted",
}
"""Bands of recurrence from the top, by Hennig's bounds .85, .75 and .6, as the headline counts them."""

OPEN = 12
"""So many cards are shown at once; the rest unfold."""


@dataclass(frozen=True)
class Verdict:
    """What the held-out test says: the word, why, its p-value and the depth of the valley, in words and as numbers."""

    word: str
    reason: str
    p: str
    depth: str
    p_value: float | None = None
    depth_value: float | None = None
    depth_bounds: tuple[float, float] | None = None

    @property
    def shape(self) -> str:
        """The shape that stands for the word."""
        return SHAPES.get(self.word, "◇")


@dataclass(frozen=True)
class ClusterCard:
    """One consensus cluster.

    Attributes
    ----------
    number, name, slot
        Its number in the tables, what it is called, and its place in the palette (None beyond it).
    size, share
        Its rows, and their share of the data.
    label
        Name, most frequent value and that value's share, in words; empty without labels.
    recurrence, band
        Mean Jaccard similarity to the most similar island over settings, and what that is called.
    recovered, dissolved, settings
        Settings that find it again and that dissolve it, of how many.
    by_cut
        Settings in which the islands of one flat cut are enough to find it; None where that is not known.
    resamples
        Recurrence on parts of the rows, None where there are none.
    fates
        What settings do to it, in a sentence.
    panel
        The picture that shows it best.
    verdict
        Of the held-out test, None where nothing was tested.
    exemplars
        Its typical and its borderline members.
    """

    number: int
    name: ClusterName
    slot: int | None
    size: int
    share: float
    label: str
    recurrence: Estimate
    band: str
    recovered: int
    by_cut: int | None
    dissolved: int
    settings: int
    resamples: float | None
    fates: str
    panel: Panel | None
    verdict: Verdict | None
    exemplars: Exemplars

    @property
    def rows(self) -> str:
        """Size and share in words."""
        return f"{count(self.size, 'row')}, {spell_share(self.share)}"

    @property
    def found_again(self) -> str:
        """How many settings find it again, in words."""
        lost = f", dissolved in {self.dissolved}" if self.dissolved else ""
        cut = self.by_cut is not None and self.by_cut != self.recovered
        alone = f" (in {self.by_cut} by their drawn islands alone)" if cut else ""
        return f"found again in {self.recovered} of {count(self.settings, 'setting')}{alone}{lost}"

    @property
    def line(self) -> str:
        """The card in one line: the verdict, the name, and after it the number that tables have."""
        lead = "" if self.verdict is None else f"{self.verdict.shape} {self.verdict.word}: "
        number = f", number {self.number}" if self.name.value and self.name.alone else ""
        label = f"; {self.label}" if self.label else ""
        told = f"recurrence {self.recurrence}, {self.band}; {self.found_again}"
        reason = "" if self.verdict is None else f"; {self.verdict.reason}"
        return f"{lead}{self.name.plain}{number}: {self.rows}{label}; {told}{reason}"


@dataclass(frozen=True)
class SmallestSet:
    """The fewest pictures that show every cluster that any picture shows: in a sentence, and each with its clusters."""

    sentence: str
    pictures: tuple[tuple[Panel, str], ...]


def cluster_cards(run: Run, panels: Sequence[Panel]) -> tuple[ClusterCard, ...]:
    """Make a card of every cluster, the largest first."""
    by_cell = {panel.cell: panel for panel in panels if panel.status == "ok"}
    drawn = drawn_rows(pictures_by_cell(run))
    slots, label = _slots(run, drawn), next(iter(run.label_columns), "")
    exemplars, names = find_exemplars(run, drawn), name_clusters(run)
    tracks = {int(cluster): own for cluster, own in run.tracks.groupby("cluster", sort=False)}
    return tuple(
        ClusterCard(
            number=int(row["cluster"]),
            name=names[int(row["cluster"])],
            slot=slots.get(str(row["cluster"])),
            size=int(row["size"]),
            share=row["size"] / run.manifest["data"]["rows"],
            label="" if pd.isna(row["label"]) else f"{label} {row['label']}: {spell_share(row['label_share'])}",
            recurrence=Estimate(float(row["recurrence"]), _known(row["recurrence_stderr"])),
            band=row["band"],
            recovered=int(row["recovered"]),
            by_cut=None if pd.isna(row["recovered_by_cut"]) else int(row["recovered_by_cut"]),
            dissolved=int(row["dissolved"]),
            settings=int(row["configurations"]),
            resamples=_known(row["recurrence_resamples"]),
            fates=spell_fates(tracks.get(int(row["cluster"]), run.tracks.iloc[:0]), names),
            panel=by_cell.get(row["best_cell"]),
            verdict=_verdict(row, names),
            exemplars=exemplars.get(int(row["cluster"]), Exemplars()),
        )
        for row in run.clusters.to_dict("records")
    )


def _known(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _slots(run: Run, drawn: npt.NDArray[np.int64]) -> dict[str, int]:
    """Return the place in the palette of every cluster that is drawn, as the pictures' script gives it."""
    codes = encode_labels(drawn_clusters(run, drawn))
    return {codes.names[code]: slot for code, slot in colour_slots(codes.counts).items()}


def _verdict(row: dict[Any, Any], names: Mapping[int, ClusterName]) -> Verdict | None:
    if pd.isna(row["verdict"]):
        return None
    depth, low, high = (_known(row[name]) for name in ("depth", "depth_low", "depth_high"))
    interval = "" if low is None or high is None else f" (95 % interval {low:.2f} to {high:.2f})"
    return Verdict(
        word=row["verdict"],
        reason="" if pd.isna(row["reason"]) else _with_names(row["reason"], names),
        p="" if pd.isna(row["p_value"]) else spell_p(float(row["p_value"])),
        depth="" if depth is None else f"{depth:.2f}{interval}",
        p_value=_known(row["p_value"]),
        depth_value=depth,
        depth_bounds=None if low is None or high is None else (low, high),
    )


def _with_names(reason: str, names: Mapping[int, ClusterName]) -> str:
    """Put names for numbers: the table of verdicts was written before anyone looked at labels."""

    def called(found: re.Match[str]) -> str:
        name = names.get(int(found[1]))
        return found[0] if name is None else name.plain

    return re.sub(r"\bcluster (\d+)\b", called, reason)


# --- sentences ----------------------------------------------------------------------------------------------------


def headline(cards: Sequence[ClusterCard]) -> str:
    """Say how many clusters there are and what they are worth; empty without clusters."""
    if not cards:
        return ""
    verdicts = Counter(card.verdict.word for card in cards if card.verdict is not None)
    if verdicts:
        words = [*SHAPES, *(word for word in verdicts if word not in SHAPES)]
        told = [f"{verdicts[word]} {word}" for word in words if verdicts[word]]
        number = verdicts[next(word for word in words if verdicts[word])]
        first = told[0].replace(" ", " cluster is " if number == 1 else " clusters are ", 1)
        return f"{', '.join([first, *told[1:]])}."
    back = sum(2 * card.recovered > card.settings for card in cards)
    bands = Counter(card.band for card in cards)
    told = [f"{bands[band]} {words}" for band, words in BANDS.items() if bands[band]]
    lead = f"{back} of {count(len(cards), 'cluster')} {'comes' if back == 1 else 'come'} back in most settings"
    return f"{lead}: {', '.join(told)}." if told else f"{lead}."


FATES = {"merged": ("merges", "merge"), "split": ("splits", "split"), "lost": ("loses", "lose")}


def spell_fates(tracks: pd.DataFrame, names: Mapping[int, ClusterName]) -> str:
    """Say which settings merge, split or lose a cluster: of each the one that does it worst, and how many more."""
    if tracks.empty:
        return ""
    told = [_tell_fate(tracks[tracks["fate"] == fate], names, *verbs) for fate, verbs in FATES.items()]
    sentence = "; ".join(clause for clause in told if clause)
    return f"{sentence}." if sentence else "Most pictures of every setting keep it."


def _tell_fate(tracks: pd.DataFrame, names: Mapping[int, ClusterName], verb: str, plural: str) -> str:
    if tracks.empty:
        return ""
    worst = tracks.loc[tracks["recurrence"].idxmin()]
    more = len(tracks) - 1
    others = f" ({count(more, 'more setting')} {verb if more == 1 else plural} it, too)" if more else ""
    return f"{spell_configuration(worst['configuration'])} {verb} it{spell_fate(worst, names)}{others}"


MANY = 3
"""More partners than this are counted instead of named."""


def spell_fate(track: pd.Series, names: Mapping[int, ClusterName]) -> str:
    """Say with whom a merged cluster is merged, and in how many parts a split one falls; else nothing."""
    partners = [int(number) for number in track["partners"]]
    if track["fate"] == "split":
        return f" in {track['pieces']}"
    if track["fate"] != "merged" or not partners:
        return ""
    if len(partners) > MANY:
        return f" with {len(partners)} other clusters"
    return f" with {spell_clusters(partners, names)}"


def smallest_set(run: Run, panels: Sequence[Panel]) -> SmallestSet | None:
    """Name the fewest pictures that show every cluster that any picture shows; None where none shows one."""
    by_cell, called = {panel.cell: panel for panel in panels}, name_clusters(run)
    listed = [one for one in run.manifest.get("smallest_set") or [] if one["cell"] in by_cell and one["clusters"]]
    if not listed:
        return None
    shown = {int(number) for one in listed for number in one["clusters"]}
    missing = sorted(set(run.clusters["cluster"].astype(int)) - shown)
    lead = "One picture shows" if len(listed) == 1 else f"{len(listed)} pictures together show"
    none = f" No picture shows {spell_clusters(missing, called)}." if missing else ""
    names = list_names([by_cell[one["cell"]].title for one in listed], most=6)
    return SmallestSet(
        sentence=f"{lead} every cluster that any picture shows, {len(shown)} of {len(run.clusters)}: {names}." + none,
        pictures=tuple((by_cell[one["cell"]], spell_clusters(one["clusters"], called)) for one in listed),
    )


def spell_clusters(numbers: Sequence[int], names: Mapping[int, ClusterName]) -> str:
    """Name clusters as sentences do: ``digit 1 and 8 (59 %)``, ``cluster 1``, ``clusters 1 and 3``."""
    found = sorted(int(number) for number in numbers)
    return list_clusters([names.get(number, ClusterName(number)) for number in found], len(found)).replace(
        "; ", " and "
    )
