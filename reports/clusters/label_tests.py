"""The user's own labels, tested like clusters: which are separate in the latent space, which run into each other."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

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


def judged_labels(run: Run) -> tuple[JudgedLabel, ...]:
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
