"""Typical and borderline members of a cluster: the rows that pictures keep in it most and least firmly.

Only drawn rows are named, since every picture has to be able to show them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from steadymap.reports.run.run_folder import Run

MOST = 5
"""So many of each are named at most, and never more than half of the members."""


@dataclass(frozen=True)
class Exemplar:
    """A member of a cluster.

    Attributes
    ----------
    place
        Its place among the drawn rows, as the page's script numbers them.
    row, name
        Its row in the user's file, and its id.
    membership
        Mean share of the cluster that pictures put into its island.
    """

    place: int
    row: int
    name: str
    membership: float


@dataclass(frozen=True)
class Exemplars:
    """The members that belong most firmly, and those that belong least; none of the latter where all are alike."""

    typical: tuple[Exemplar, ...] = ()
    borderline: tuple[Exemplar, ...] = ()


def find_exemplars(run: Run, rows: npt.NDArray[np.int64]) -> Mapping[int, Exemplars]:
    """Return typical and borderline members of every cluster that has drawn rows; equal ones in the file's order."""
    points = run.points.assign(id=run.row_names).set_index("row").loc[rows, ["id", "cluster", "membership"]]
    points = points.assign(place=np.arange(len(rows))).dropna(subset=["cluster", "membership"])
    return {int(cluster): _of_cluster(members) for cluster, members in points.groupby("cluster", sort=True)}


def _of_cluster(members: pd.DataFrame) -> Exemplars:
    by_row = members.sort_index()
    most = min(MOST, (len(by_row) + 1) // 2)
    typical = by_row.sort_values("membership", ascending=False, kind="stable").head(most)
    looser = by_row[by_row["membership"] < typical["membership"].min()]
    borderline = looser.sort_values("membership", kind="stable").head(min(MOST, len(by_row) // 2))
    return Exemplars(_listed(typical), _listed(borderline))


def _listed(members: pd.DataFrame) -> tuple[Exemplar, ...]:
    return tuple(
        Exemplar(int(place), int(row), str(name), float(membership))
        for row, name, membership, place in zip(
            members.index, members["id"], members["membership"], members["place"], strict=True
        )
    )
