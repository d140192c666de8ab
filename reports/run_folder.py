"""Read a run folder: the only thing a report is made of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from configs.errors import InputError

TABLES = ("cells", "scores", "embeddings", "stability", "pairs", "recommendations", "points")


@dataclass(frozen=True)
class Run:
    """A complete run.

    Attributes
    ----------
    folder
        Where it lies.
    manifest
        What the run is: data, versions, seeds, counts.
    cells, scores, embeddings, stability, pairs, recommendations, points
        Its tables; ``configs.schemas`` says what each holds.
    """

    folder: Path
    manifest: dict[str, Any]
    cells: pd.DataFrame
    scores: pd.DataFrame
    embeddings: pd.DataFrame
    stability: pd.DataFrame
    pairs: pd.DataFrame
    recommendations: pd.DataFrame
    points: pd.DataFrame

    @property
    def drawn(self) -> pd.DataFrame:
        """The cells that have a picture."""
        return self.cells[self.cells["status"] == "ok"]


def read_run(folder: Path) -> Run:
    """Read every table of a run.

    Raises
    ------
    InputError
        The folder is not a run, or not a complete one.
    """
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in TABLES}
        return Run(folder=folder, manifest=manifest, **tables)
    except FileNotFoundError as error:
        raise InputError(
            f"no complete run: {Path(str(error.filename)).name} is missing",
            file=folder,
            rule="a run folder holds manifest.json and its tables; the manifest is written last",
            remedy="run the sweep again; it goes on from what it has",
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"cannot be read: {str(error).splitlines()[0]}",
            file=folder,
            remedy="run the sweep again; damaged files are written anew",
        ) from None
