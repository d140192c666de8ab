"""What each step leaves in the store for the steps after it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from steadymap.configs import schemas
from steadymap.tasks.store.files import read_json, read_table

KEPT = pa.schema([pa.field("cell", pa.string()), pa.field("cluster", pa.int32())])
"""Which picture of the data keeps which cluster."""

AMBIGUITY = pa.schema(
    [
        pa.field("share", pa.float64(), nullable=False),
        pa.field("stderr", pa.float64(), nullable=False),
        pa.field("pairs", pa.int64(), nullable=False),
        pa.field("cells", pa.int32(), nullable=False),
    ]
)
"""Share of ambiguous pairs of rows over all pictures."""

VERDICT_COLUMNS = (
    *("verdict", "p_value", "depth", "depth_low", "depth_high"),
    *("neighbour", "halves", "halves_proving", "reason"),
)
"""What the step that judges adds to what the step that finds has said of a cluster."""

DESCRIBED = pa.schema(
    [
        *(field for field in schemas.CLUSTERS if field.name not in VERDICT_COLUMNS),
        pa.field("dissolved_share", pa.float64(), nullable=False),
    ]
)
"""What is said of a cluster before it is judged; ``dissolved_share`` is that of pictures in which it dissolves."""


@dataclass(frozen=True)
class Clusters:
    """Where this step leaves what it finds: files in a folder of the store, since no array goes through Prefect.

    ``lost`` says why a picture has no density tree, or a half could not look around the clusters.
    """

    folder: Path
    lost: tuple[str, ...] = ()

    def described(self) -> pa.Table:
        """Read what is said of every cluster before it is judged."""
        return read_table(self.folder / "described.parquet", DESCRIBED)

    def table(self, name: str) -> pa.Table:
        """Read ``clusters``, ``recurrence``, ``tracks`` or ``boundaries``."""
        return read_table(self.folder / f"{name}.parquet", schemas.RUN_TABLES[name])

    def membership(self) -> pa.Table:
        """Read cluster and firmness of every row, rows in canonical order."""
        return read_table(self.folder / "membership.parquet", schemas.MEMBERSHIP)

    def kept(self) -> pa.Table:
        """Read which picture of the data keeps which cluster."""
        return read_table(self.folder / "kept.parquet", KEPT)

    def ambiguity(self) -> pa.Table:
        """Read the share of ambiguous pairs of rows over all pictures."""
        return read_table(self.folder / "ambiguity.parquet", AMBIGUITY)


@dataclass(frozen=True)
class Scores:
    """Why pictures have no scores; the scores themselves lie in the store, a file a cell."""

    lost: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stability:
    """Where this step leaves what it finds: files in a folder of the store, since no array goes through Prefect.

    ``lost`` says why pairs of pictures are not compared.
    """

    folder: Path
    lost: tuple[str, ...] = ()

    def pairs(self) -> pa.Table:
        """Read the table of pairs."""
        return read_table(self.folder / "pairs.parquet", schemas.PAIRS)

    def stability(self) -> pa.Table:
        """Read the table of configurations."""
        return read_table(self.folder / "stability.parquet", schemas.STABILITY)

    def instability(self) -> pa.Table:
        """Read how unsteady every row is, by cause, in [0, 1], rows in canonical order; null without any pair."""
        return read_table(self.folder / "instability.parquet", schemas.INSTABILITY)


@dataclass(frozen=True)
class RowRatings:
    """Where this step leaves what it finds: a file in the store, rows in canonical order; ``lost`` says what is not."""

    file: Path
    lost: tuple[str, ...] = ()

    def table(self) -> pa.Table:
        """Read it."""
        return read_table(self.file, schemas.RATINGS)


@dataclass(frozen=True)
class Splits:
    """Where the splits lie in the store, and why others were lost."""

    folders: tuple[Path, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True)
class JudgedLabels:
    """Where this step leaves what it finds, and why halves were lost."""

    file: Path
    lost: tuple[str, ...]

    def table(self) -> pa.Table:
        """Read it."""
        return read_table(self.file, schemas.LABELS)


@dataclass(frozen=True)
class LatentSpace:
    """Where the tables lie in the store."""

    file: Path

    def table(self) -> pa.Table:
        """Read the facts about all dimensions together."""
        return read_table(self.file, schemas.LATENT_SPACE)

    def dimensions(self) -> pa.Table:
        """Read what is known of every dimension."""
        return read_table(self.file.with_name("dimensions.parquet"), schemas.DIMENSIONS)


@dataclass(frozen=True)
class Decoded:
    """Where this step leaves what a decoder shows: files of the store; ``lost`` says why it shows nothing."""

    folder: Path
    lost: tuple[str, ...] = ()

    def table(self, name: str) -> pa.Table:
        """Read ``decoded`` or ``decoded_clusters``; both are empty without a decoder."""
        return read_table(self.folder / f"{name}.parquet", schemas.RUN_TABLES[name])

    def reconstruction(self) -> pa.Table:
        """Read how well every row is rebuilt, rows in canonical order; null where that is not known."""
        return read_table(self.folder / "reconstruction.parquet", schemas.RECONSTRUCTION)

    def told(self) -> dict[str, Any]:
        """Read how reconstructions are shown (``shown``: kind and shape, None without any), and ``warnings``."""
        return read_json(self.folder / "decoded.json")


@dataclass(frozen=True)
class Findings:
    """Where the steps of a sweep have left what they found."""

    scores: Scores
    latent_space: LatentSpace
    stability: Stability
    splits: Splits
    clusters: Clusters
    labels: JudgedLabels
    ratings: RowRatings
    decoded: Decoded

    @property
    def lost(self) -> tuple[str, ...]:
        """What could not be measured or tested, and why."""
        steps = (self.scores, self.stability, self.ratings, self.splits, self.clusters, self.labels, self.decoded)
        return tuple(reason for step in steps for reason in step.lost)
