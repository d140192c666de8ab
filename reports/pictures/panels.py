"""A place of the comparison grid: a picture, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from steadymap.reports.wording import spell_configuration


@dataclass(frozen=True)
class Panel:
    """One place of the comparison grid: a picture, or the reason why there is none."""

    cell: str
    configuration: str
    seed: int | None
    resample: str | None
    status: str
    reason: str | None
    islands: int | None
    noise_share: float | None
    dimension: int

    @property
    def title(self) -> str:
        """Configuration, seed and what is drawn, in words."""
        seed = None if self.seed is None else f"seed {self.seed}"
        return ", ".join(part for part in (spell_configuration(self.configuration), seed, self.resample) if part)


def to_panel(row: dict[Any, Any]) -> Panel:
    """Make a panel of a row of ``cells.parquet``."""
    return Panel(
        cell=row["cell"],
        configuration=row["configuration"],
        seed=None if pd.isna(row["seed"]) else int(row["seed"]),
        resample=None if pd.isna(row["resample"]) else row["resample"],
        status=row["status"],
        reason=None if pd.isna(row["reason"]) else row["reason"],
        islands=None if pd.isna(row["islands"]) else int(row["islands"]),
        noise_share=None if pd.isna(row["noise_share"]) else float(row["noise_share"]),
        dimension=int(row["dimension"]),
    )
