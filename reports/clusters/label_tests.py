"""The user's own labels, tested like clusters: which are separate in the latent space, which run into each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from steadymap.reports.pictures.label_codes import natural_order
from steadymap.reports.run.run_folder import Run
from steadymap.reports.wording import list_names, spell_p


@dataclass(frozen=True)
class JudgedLabel:
    """A class: whether a valley separates it from every neighbour, p, depth of the shallowest, and where it runs on."""

    label: str
    size: int
    separated: bool
    p: str
    depth: str
    runs_into: str


MOST_CLASSES = 40
"""Of the first label in the matrix: the most frequent ones."""


@dataclass(frozen=True)
class ClassRow:
    """A class: its rows, and how many of them are in each cluster, then in none; with the share of the class."""

    label: str
    size: int
    cells: tuple[tuple[int, float], ...]


def class_matrix(run: Run, clusters: Sequence[int]) -> tuple[ClassRow, ...]:
    """Count the rows of every class of the first label by cluster; the last column is of those in none.

    All rows of the data count, not the drawn ones alone.
    """
    column = next(iter(run.label_columns.values()), None)
    if column is None or not clusters:
        return ()
    known = run.points.dropna(subset=[column])
    labels = known[column].astype(str)
    counts = pd.crosstab(labels, known["cluster"].fillna(-1).astype(int)).reindex(columns=[*clusters, -1], fill_value=0)
    largest = labels.value_counts().head(MOST_CLASSES)
    return tuple(
        ClassRow(label, int(largest[label]), tuple((int(n), float(n / largest[label])) for n in counts.loc[label]))
        for label in sorted(largest.index, key=natural_order)
    )


def label_tests(run: Run) -> tuple[JudgedLabel, ...]:
    """Return a row per class of the first label; none where nothing was tested."""
    return tuple(
        JudgedLabel(
            label=str(row["label"]),
            size=int(row["size"]),
            separated=bool(row["separated"]),
            p=spell_p(float(row["p_value"])),
            depth="" if pd.isna(row["depth"]) else f"{row['depth']:.2f}",
            runs_into=list_names([str(name) for name in row["runs_into"]]) if len(row["runs_into"]) else "",
        )
        for row in run.labels.to_dict("records")
    )
