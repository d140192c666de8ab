"""Score cards: what each score measures, its range and direction, formula, source and cost.

The report and the documents print these; no other place describes a score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ScoreCard:
    """One score as a reader needs it.

    Attributes
    ----------
    score
        The name in every table.
    title
        The name in prose.
    of
        What one value belongs to: a cell, or a pair of cells.
    range
        Smallest and largest value.
    better
        Which direction is better.
    question
        The question that the score answers, in one sentence.
    formula
        Definition in plain text.
    source
        Publication, with its DOI where it has one.
    cost
        How the work grows with rows n, anchors m, neighbours k, dimensions d.
    """

    score: str
    title: str
    of: Literal["cell", "pair"]
    range: tuple[float, float]
    better: Literal["higher", "lower"]
    question: str
    formula: str
    source: str
    cost: str


CARDS: tuple[ScoreCard, ...] = (
    ScoreCard(
        score="trustworthiness",
        title="Trustworthiness",
        of="cell",
        range=(0.0, 1.0),
        better="higher",
        question="Are neighbours in the picture neighbours in the latent space? (Punishes false neighbours.)",
        formula="1 − 2/(n k (2n − 3k − 1)) Σᵢ Σ_{j ∈ V_k(i) \\ N_k(i)} (ρᵢⱼ − k), where N_k and V_k are the k nearest "
        "in the latent space and in the picture and ρᵢⱼ is the rank of j around i in the latent space",
        source="Venna & Kaski 2001, doi:10.1007/3-540-44668-0_68",
        cost="O(m n (d + log n))",
    ),
    ScoreCard(
        score="continuity",
        title="Continuity",
        of="cell",
        range=(0.0, 1.0),
        better="higher",
        question="Are neighbours in the latent space still neighbours in the picture? (Punishes torn neighbourhoods.)",
        formula="1 − 2/(n k (2n − 3k − 1)) Σᵢ Σ_{j ∈ N_k(i) \\ V_k(i)} (rᵢⱼ − k), where rᵢⱼ is the rank of j around i "
        "in the picture",
        source="Venna & Kaski 2001, doi:10.1007/3-540-44668-0_68",
        cost="O(m n (d + log n))",
    ),
    ScoreCard(
        score="knn_recall",
        title="kNN recall",
        of="cell",
        range=(0.0, 1.0),
        better="higher",
        question="What share of a point's k nearest neighbours does the picture keep?",
        formula="mean over i of |N_k(i) ∩ V_k(i)| / k",
        source="Kobak & Berens 2019, doi:10.1038/s41467-019-13056-x",
        cost="O(m n (d + log n))",
    ),
    ScoreCard(
        score="ari",
        title="Adjusted Rand index",
        of="pair",
        range=(-0.5, 1.0),
        better="higher",
        question="Do two pictures show the same islands? (0 is chance, 1 the same partition.)",
        formula="(RI − E[RI]) / (max RI − E[RI]) over the rows that are in an island of both pictures",
        source="Hubert & Arabie 1985, doi:10.1007/BF01908075",
        cost="O(n + islands²)",
    ),
    ScoreCard(
        score="ami",
        title="Adjusted mutual information",
        of="pair",
        range=(-1.0, 1.0),
        better="higher",
        question="Do two pictures show the same islands, small ones counted too? (0 is chance, 1 the same partition.)",
        formula="(MI − E[MI]) / (mean(H(U), H(V)) − E[MI]) over the rows that are in an island of both pictures",
        source="Vinh, Epps & Bailey 2010, jmlr.org/papers/v11/vinh10a.html",
        cost="O(n + islands²)",
    ),
    ScoreCard(
        score="procrustes",
        title="Procrustes disparity",
        of="pair",
        range=(0.0, 1.0),
        better="lower",
        question="Do two pictures have the same shape after moving, turning, mirroring and scaling? (0 is the same.)",
        formula="1 − (Σ singular values of AᵀB)², A and B centred and scaled to unit Frobenius norm",
        source="Gower 1975, doi:10.1007/BF02291478",
        cost="O(n)",
    ),
)

CARD_OF = {card.score: card for card in CARDS}
"""Cards by the score's name in the tables."""
