"""The lines of Python that draw a setting without Steadymap, for a script of the reader's own."""

from __future__ import annotations

from typing import Any

import pandas as pd

from steadymap.reports.run.run_folder import Run
from steadymap.reports.summary.ranking import RankedSetting


def reducer_lines(run: Run, setting: RankedSetting) -> str:
    """Return lines that prepare and reduce vectors as a setting does, and where this very picture lies."""
    row = run.cells[run.cells["cell"] == setting.panel.cell].iloc[0].to_dict()
    call = _tsne(row) if row["reducer"] == "tsne" else _umap(row) if row["reducer"] == "umap" else []
    where = f"# this very picture: embeddings.parquet, cell {setting.panel.cell[:8]}…"
    return "\n".join([*_preparation(run.manifest["preprocess"]), *call, where])


def _preparation(preprocess: dict[str, Any]) -> list[str]:
    lines = []
    if preprocess.get("scale") == "standard":
        lines += [
            "from sklearn.preprocessing import StandardScaler",
            "latents = StandardScaler().fit_transform(latents)",
        ]
    if preprocess.get("pca"):
        lines += ["from sklearn.decomposition import PCA", f"latents = PCA({preprocess['pca']}).fit_transform(latents)"]
    return lines


def _tsne(row: dict[str, Any]) -> list[str]:
    told = {"perplexity": row["perplexity"], "exaggeration": _unless(row["exaggeration"], 1.0)}
    return ["from openTSNE import TSNE", f"xy = TSNE({_arguments(told, row)}).fit(latents)"]


def _umap(row: dict[str, Any]) -> list[str]:
    told = {"n_neighbors": row["n_neighbors"], "min_dist": row["min_dist"]}
    return ["from umap import UMAP", f"xy = UMAP({_arguments(told, row)}).fit_transform(latents)"]


def _arguments(told: dict[str, Any], row: dict[str, Any]) -> str:
    everything = {
        **told,
        "n_components": _unless(row["dimension"], 2),
        "metric": _unless(row["metric"], "euclidean"),
        "random_state": row["seed"],
    }
    known = {name: value for name, value in everything.items() if value is not None and not pd.isna(value)}
    return ", ".join(f"{name}={_literal(value)}" for name, value in known.items())


def _unless(value: Any, usual: Any) -> Any:
    return None if value == usual else value


def _literal(value: Any) -> str:
    return repr(value) if isinstance(value, str) else f"{value:g}"
