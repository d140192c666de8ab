"""Pictures of reference data, which has no clusters, beside the real picture of the same setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from steadymap.reports.pictures.panels import Panel
from steadymap.reports.run.run_folder import Run
from steadymap.reports.wording import spell_configuration

KINDS = {"gaussian": "Gaussian", "copula": "copula"}


@dataclass(frozen=True)
class NoisePicture:
    """A picture of reference data: its cell, of which kind it is, its islands, and the ARI of two seeds about them."""

    cell: str
    kind: str
    islands: int | None
    agreement: float | None

    @property
    def caption(self) -> str:
        """Kind, islands and agreement in words."""
        islands = None if self.islands is None else f"{self.islands} island{'' if self.islands == 1 else 's'}"
        agreement = None if self.agreement is None else f"two seeds agree: ARI {self.agreement:.2f}"
        return " · ".join(part for part in (self.kind, islands, agreement) if part)


@dataclass(frozen=True)
class NullRow:
    """A setting: its real picture, None where that is lost, and those of reference data."""

    title: str
    real: Panel | None
    pictures: tuple[NoisePicture, ...]

    @property
    def islands(self) -> str:
        """How many islands each shows, real first: ``islands: 12 / 0 / 3``."""
        counts = [None if self.real is None else self.real.islands, *(one.islands for one in self.pictures)]
        return "islands: " + " / ".join("–" if number is None else str(number) for number in counts)


def shown_on_nulls(run: Run) -> pd.DataFrame:
    """Return the cells of reference data to draw, in the order of the grid: the first of each kind and setting."""
    drawn = set(run.null_pictures["cell"].astype(str))
    cells = run.nulls[["cell", "null", "number", "configuration", "seed"]].drop_duplicates("cell")
    cells = cells[cells["cell"].isin(drawn)].sort_values(["number", "seed"], kind="stable")
    first = cells.drop_duplicates(["configuration", "null"])
    order = {name: place for place, name in enumerate(dict.fromkeys(run.grid["configuration"]))}
    kinds = {name: place for place, name in enumerate(KINDS)}
    places = first.assign(
        place=first["configuration"].map(order), kind=first["null"].map(kinds).fillna(len(kinds)).astype(int)
    )
    return places.sort_values(["place", "kind"], kind="stable").drop(columns=["place", "kind"])


def null_rows(run: Run, panels: Sequence[Panel]) -> tuple[NullRow, ...]:
    """Return a row per setting that was drawn on reference data."""
    told: dict[str, dict[str, float]] = {}
    for score in ("islands", "ari"):
        values = run.nulls[run.nulls["score"] == score].drop_duplicates("cell")
        told[score] = dict(zip(values["cell"], values["value"].astype(float), strict=True))
    return tuple(
        NullRow(
            title=spell_configuration(str(configuration)),
            real=_real(panels, str(configuration), group["seed"].iloc[0]),
            pictures=tuple(
                NoisePicture(
                    cell=row["cell"],
                    kind=KINDS.get(row["null"], row["null"]),
                    islands=None if row["cell"] not in told["islands"] else int(told["islands"][row["cell"]]),
                    agreement=told["ari"].get(row["cell"]),
                )
                for row in group.to_dict("records")
            ),
        )
        for configuration, group in shown_on_nulls(run).groupby("configuration", sort=False)
    )


def _real(panels: Sequence[Panel], configuration: str, seed: float) -> Panel | None:
    """Return the picture of the same setting and seed, else its first."""
    own = [panel for panel in panels if panel.configuration == configuration and panel.status == "ok"]
    return next((panel for panel in own if panel.seed == seed), next(iter(own), None))
