"""CPU of a Steadymap sweep against the naive sweep: the same 36 cells, on the same machine, in one run.

    python -m benchmarks.compare_with_naive [DATA.npz] [ROWS]

The data defaults to Fashion-MNIST's first 50 principal components where ``../shared/data`` has it, else to a
seeded generator's clusters of the same size. CPU is that of all processes, the embedded server included. Mean
trustworthiness is taken by the same function over the pictures of both sides.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from benchmarks.naive_sweep import DISTANCES, NEIGHBORS, PERPLEXITIES, SEEDS, WORKERS, K
from steadymap.tasks.numerics.input.row_order import row_keys
from steadymap.tasks.numerics.scores.all_scores import Scorer

PROJECT = Path(__file__).resolve().parents[1]
FASHION = PROJECT.parent / "shared" / "data" / "fashion_mnist_70k_pca50.npz"
ROWS, DIMENSIONS, CLUSTERS = 10_000, 50, 10
LARGEST_RATIO = 0.7
LARGEST_DIFFERENCE = 0.005


@dataclass(frozen=True)
class Spent:
    """CPU and wall seconds of a command and all its children."""

    cpu: float
    wall: float


def main() -> int:
    """Run both sweeps and print what they took; 1 where Steadymap misses its bounds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = Path(sys.argv[1]) if len(sys.argv) > 1 else _default_data(folder)
        rows = int(sys.argv[2]) if len(sys.argv) > 2 else ROWS
        vectors = _first_rows(data, rows, folder / "data.npz")
        config = _config(folder)
        ours = _run(
            [str(Path(sys.executable).parent / "steadymap"), "sweep", str(config), "--store", str(folder / "store")]
        )
        naive = _run(
            [
                sys.executable,
                "-m",
                "benchmarks.naive_sweep",
                str(folder / "data.npz"),
                str(rows),
                str(folder / "naive.csv"),
            ]
        )
        return _report(data, vectors, folder, ours, naive)


def _default_data(folder: Path) -> Path:
    if FASHION.is_file():
        return FASHION
    generator = np.random.default_rng(0)
    centres = 4 * generator.standard_normal((CLUSTERS, DIMENSIONS))
    labels = generator.integers(0, CLUSTERS, ROWS)
    np.savez(folder / "generated.npz", X=centres[labels] + generator.standard_normal((ROWS, DIMENSIONS)), y=labels)
    return folder / "generated.npz"


def _first_rows(data: Path, rows: int, target: Path) -> np.ndarray:
    with np.load(data) as arrays:
        vectors = arrays["X"][:rows].astype(np.float32)
    np.savez(target, X=vectors)
    return vectors


def _config(folder: Path) -> Path:
    config = {
        "name": "benchmark",
        "data": {"path": "data.npz"},
        "reducers": [
            {"reducer": "tsne", "perplexity": list(PERPLEXITIES)},
            {"reducer": "umap", "n_neighbors": list(NEIGHBORS), "min_dist": list(DISTANCES)},
        ],
        "seeds": list(SEEDS),
        # The naive script draws nothing of the kind.
        "resamples": {"pairs": 0},
        "nulls": {"gaussian": 0, "copula": 0},
        "workers": {"count": WORKERS},
    }
    path = folder / "benchmark.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def _run(command: list[str]) -> Spent:
    """Run a command and wait for all it has started; CPU is that of the whole tree.

    A process that outlives its parent, as the forkserver of the workers does, would hand its CPU to nobody: it is
    adopted and waited for.
    """
    adopt_orphans = 36  # PR_SET_CHILD_SUBREAPER
    if ctypes.CDLL(None).prctl(adopt_orphans, 1) != 0:
        raise OSError("this benchmark counts the CPU of orphans and needs Linux")
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    # Each worker on one thread, as a careful practitioner sets it; without it BLAS threads fight over two cores.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    subprocess.run(command, check=True, cwd=PROJECT, env=environment)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(cpu, time.monotonic() - started)


def _report(data: Path, vectors: np.ndarray, folder: Path, ours: Spent, naive: Spent) -> int:
    pictures = {path.stem: np.load(path) for path in sorted(folder.glob("*=*.npy"))}
    theirs = _mean_trustworthiness(vectors, list(pictures.values()))
    mine = _mean_trustworthiness(vectors, _our_pictures(folder / "store"))
    ratio, difference = ours.cpu / naive.cpu, mine - theirs
    table = pd.DataFrame(
        {
            "CPU seconds": [ours.cpu, naive.cpu],
            "wall seconds": [ours.wall, naive.wall],
            f"trustworthiness (k = {K})": [mine, theirs],
        },
        index=["steadymap", "naive"],
    )
    print(f"\n{data.name}, {len(vectors):,} × {vectors.shape[1]}, {len(pictures)} cells, {WORKERS} workers")
    print(table.round(4).to_string())
    good = ratio <= LARGEST_RATIO and abs(difference) <= LARGEST_DIFFERENCE
    print(f"CPU ratio {ratio:.3f} (at most {LARGEST_RATIO}), difference in trustworthiness {difference:+.4f}")
    print("passed" if good else "FAILED")
    return 0 if good else 1


def _our_pictures(store: Path) -> list[np.ndarray]:
    """Return every cell's coordinates, in the row order of the data file."""
    run = next((store / "runs").iterdir())
    assert json.loads((run / "manifest.json").read_text())["cells"]["failed"] == 0  # noqa: S101 - a benchmark of failures is none
    position = pd.read_parquet(run / "points.parquet")["position"].to_numpy()
    cells = pd.read_parquet(run / "cells.parquet")["cell"]
    files = [store / "cells" / cell[:2] / f"{cell}.parquet" for cell in cells]
    return [pd.read_parquet(file)[["x", "y"]].to_numpy()[position] for file in files]


def _mean_trustworthiness(vectors: np.ndarray, pictures: list[np.ndarray]) -> float:
    anchors = np.arange(0, len(vectors), 5)
    scored = Scorer(vectors, row_keys(vectors), (K,), anchors).score(pictures, threads=WORKERS)
    return float(np.mean([score.value for one in scored for score in one if score.score == "trustworthiness"]))


if __name__ == "__main__":
    sys.exit(main())
