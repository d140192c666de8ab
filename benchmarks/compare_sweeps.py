"""Three sweeps of the same 36 cells, side by side in one run: naive, expert, Steadymap; wall, CPU, memory, quality.

    python -m benchmarks.compare_sweeps [--data DATA.npz] [--rows 10000] [--without naive] [--out sweeps.parquet]

The data defaults to Fashion-MNIST's first 50 principal components where ``../shared/data`` has it, else to a
seeded generator's clusters of the same size. CPU and memory are those of all processes, the embedded server included.
Mean trustworthiness is taken by the same function over the pictures of all. Steadymap runs twice: with the cells of the
others alone, and as it is (verdicts, resamples, reference data), which the others do not have.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import yaml

from benchmarks.naive_sweep import DISTANCES, NEIGHBORS, PERPLEXITIES, SEEDS, WORKERS, K
from steadymap.tasks.numerics.input.row_order import row_keys
from steadymap.tasks.numerics.scores.all_scores import Scorer

PROJECT = Path(__file__).resolve().parents[1]
FASHION = PROJECT.parent / "shared" / "data" / "fashion_mnist_70k_pca50.npz"
ROWS, DIMENSIONS, CLUSTERS = 10_000, 50, 10
WALL_OVER = {"expert": 5.0, "naive": 10.0}
"""How many times the wall seconds of Steadymap the others have to take at least."""

LARGEST_DIFFERENCE = 0.005
MEMORY_SECONDS = 0.25


@dataclass(frozen=True)
class Spent:
    """CPU and wall seconds of a command and all its children, and the most memory of them together (GB)."""

    cpu: float
    wall: float
    memory: float


def main() -> int:
    """Run the sweeps and print what they took; 1 where Steadymap misses its bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--without", nargs="*", default=[], choices=["naive", "expert", "verdicts"])
    parser.add_argument("--out", type=Path, default=Path("sweeps.parquet"))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        vectors = _first_rows(asked.data or _default_data(folder), asked.rows, folder / "data.npz")
        rows: list[dict[str, object]] = []
        for side in ("steadymap", "expert", "naive", "verdicts"):
            if side in asked.without:
                continue
            place = folder / side
            place.mkdir()
            spent = _run(_command(side, folder, place, asked.rows))
            pictures = _our_pictures(place) if side in ("steadymap", "verdicts") else _their_pictures(place)
            rows.append(
                {
                    "sweep": "steadymap with verdicts" if side == "verdicts" else side,
                    "wall seconds": spent.wall,
                    "CPU seconds": spent.cpu,
                    "memory (GB)": spent.memory,
                    "pictures": len(pictures),
                    f"trustworthiness ({K})": _mean_trustworthiness(vectors, pictures),
                }
            )
            print(pd.DataFrame(rows).round(4).to_string(index=False), flush=True)
        table = pd.DataFrame(rows)
        table.to_parquet(asked.out)
        return _judge(table, vectors)


def _command(side: str, folder: Path, place: Path, rows: int) -> list[str]:
    if side in ("steadymap", "verdicts"):
        config = _config(folder, plain=side == "steadymap")
        return [str(Path(sys.executable).parent / "steadymap"), "sweep", str(config), "--store", str(place / "store")]
    return [sys.executable, "-m", f"benchmarks.{side}_sweep", str(folder / "data.npz"), str(rows), str(place / "t.csv")]


def _judge(table: pd.DataFrame, vectors: np.ndarray) -> int:
    """Say how the others compare, and whether that is within bounds."""
    ours = table.set_index("sweep").loc["steadymap"]
    good = True
    print(f"\n{len(vectors):,} × {vectors.shape[1]}, {WORKERS} workers")
    for name, other in table.set_index("sweep").iterrows():
        if name in WALL_OVER:
            wall, cpu = other["wall seconds"] / ours["wall seconds"], other["CPU seconds"] / ours["CPU seconds"]
            worse = other[f"trustworthiness ({K})"] - ours[f"trustworthiness ({K})"]
            good &= bool(wall >= WALL_OVER[str(name)] and worse <= LARGEST_DIFFERENCE)
            print(f"{name}: {wall:.1f} times the wall (at least {WALL_OVER[str(name)]:g}), {cpu:.1f} times the CPU")
    print("passed" if good else "FAILED")
    return 0 if good else 1


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


def _config(folder: Path, *, plain: bool) -> Path:
    config = {
        "name": "benchmark",
        "data": {"path": "data.npz"},
        "reducers": [
            {"reducer": "tsne", "perplexity": list(PERPLEXITIES)},
            {"reducer": "umap", "n_neighbors": list(NEIGHBORS), "min_dist": list(DISTANCES)},
        ],
        "seeds": list(SEEDS),
        "workers": {"count": WORKERS},
    }
    if plain:  # the other scripts draw nothing of the kind
        config |= {"resamples": {"pairs": 0}, "nulls": {"gaussian": 0, "copula": 0}}
    path = folder / f"benchmark-{plain}.yaml"
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
    with _watched_memory() as most:
        subprocess.run(command, check=True, cwd=PROJECT, env=environment)
        wall = time.monotonic() - started
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(cpu, wall, max(most))


@contextlib.contextmanager
def _watched_memory() -> Iterator[list[float]]:
    """Look at the memory of all children, four times a second: what is shared counts in every process (GB)."""
    found, ended = [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(MEMORY_SECONDS):
            total = 0
            for one in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    total += one.memory_info().rss
            found.append(total / 1e9)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        ended.set()
        watcher.join()


def _their_pictures(place: Path) -> list[np.ndarray]:
    return [np.load(path) for path in sorted(place.glob("*=*.npy"))]


def _our_pictures(place: Path) -> list[np.ndarray]:
    """Return the coordinates of every picture of the data, in the row order of the data file."""
    store = place / "store"
    run = next((store / "runs").iterdir())
    assert json.loads((run / "manifest.json").read_text())["cells"]["failed"] == 0  # noqa: S101 - a benchmark of failures is none
    position = pd.read_parquet(run / "points.parquet")["position"].to_numpy()
    cells = pd.read_parquet(run / "cells.parquet")
    files = [store / "cells" / cell[:2] / f"{cell}.parquet" for cell in cells[cells["kind"] == "data"]["cell"]]
    return [pd.read_parquet(file)[["x", "y"]].to_numpy()[position] for file in files]


def _mean_trustworthiness(vectors: np.ndarray, pictures: list[np.ndarray]) -> float:
    anchors = np.arange(0, len(vectors), 5)
    scored = Scorer(vectors, row_keys(vectors), (K,), anchors).score(pictures, threads=WORKERS)
    return float(np.mean([score.value for one in scored for score in one if score.score == "trustworthiness"]))


if __name__ == "__main__":
    sys.exit(main())
