"""Whether the latent vectors of two runs are arranged alike, in words and as a table; the numbers are handed over."""

from __future__ import annotations

from dataclasses import dataclass

from steadymap.reports.wording import Estimate, list_names, spell_share

SAME_SHAPE = 1e-4
"""Share of variance that turning, mirroring and scaling leave, below which two spaces are one and the same."""

SAME_NEIGHBOURS = 0.98
"""Share of kept neighbours, likewise: rounding exchanges a neighbour here and there."""

MOST_ROWS = 5
"""Rows that a sentence names."""


@dataclass(frozen=True)
class Measure:
    """One number of two spaces, with its standard error, and what unrelated spaces give (None: not told)."""

    estimate: Estimate
    chance: float | None = None

    def __str__(self) -> str:
        return str(self.estimate) if self.chance is None else f"{self.estimate} (chance {self.chance:.3f})"


@dataclass(frozen=True)
class MovedRow:
    """A row that keeps few of its neighbours: its id, and the share that it keeps."""

    id: str
    kept: float


@dataclass(frozen=True)
class EncoderAgreement:
    """How far the latent vectors of two runs agree over the rows of both.

    Attributes
    ----------
    cka, disparity, kept
        Linear CKA; Procrustes disparity; mean share of a row's k neighbours that stay its neighbours.
    k
        How many neighbours.
    rows
        Rows whose neighbours were compared.
    moved
        Those that keep the fewest.
    """

    cka: Measure
    disparity: Measure
    kept: Measure
    k: int
    rows: int
    moved: tuple[MovedRow, ...]

    @property
    def same(self) -> bool:
        """Whether the two are one space, but for a turn, mirroring and scale."""
        return self.disparity.estimate.value < SAME_SHAPE and self.kept.estimate.value > SAME_NEIGHBOURS

    @property
    def measures(self) -> tuple[tuple[str, str, str], ...]:
        """Name, value and meaning of every number."""
        return (
            ("Linear CKA", str(self.cka), "1 is the same arrangement but for a turn, mirroring and scale"),
            (
                "Procrustes disparity",
                str(self.disparity),
                "share of variance that the best turn and scale leave; 0 is none",
            ),
            (
                f"Neighbours kept, of {self.k}",
                str(self.kept),
                "mean share of a row's neighbours that stay its neighbours",
            ),
        )


def spell_agreement(found: EncoderAgreement | None) -> tuple[str, ...]:
    """Say how far the spaces agree; nothing where the stores have no vectors to compare."""
    if found is None:
        return ()
    if found.same:
        return ("Nothing changed in the latent space: B is A but for a turn, mirroring and scale.",)
    lead = (
        f"Latent spaces: linear CKA {found.cka}, Procrustes disparity {found.disparity}; of a row's {found.k} nearest "
        f"{spell_share(found.kept.estimate.value)} stay (± {spell_share(found.kept.estimate.stderr or 0.0)}, chance "
        f"{spell_share(found.kept.chance or 0.0)})."
    )
    names = [f"{row.id} ({spell_share(row.kept)})" for row in found.moved[:MOST_ROWS]]
    return (lead, *([f"Rows that keep the fewest neighbours: {list_names(names, most=MOST_ROWS)}."] if names else []))
