"""The same cell has the same bytes wherever it is drawn (R10, N1), and another name where anything shapes it (R11)."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from steadymap.configs.sweep import SweepConfig
from steadymap.tasks.input.dataset import import_dataset
from steadymap.tasks.plan import lay_out as plan_room
from steadymap.tasks.plan.lay_out import lay_out
from steadymap.tasks.store.layout import Store
from tests.chaos.row import Reached, Scale
from tests.chaos.sweeps import bytes_that_count, sweep_here, tiny_config, tiny_data
from tests.conftest import three_blobs

PROJECT = Path(__file__).resolve().parents[2]

ALONE = """
import sys
from pathlib import Path
from steadymap.tasks.workers import Limits, opened_pool
from tests.chaos import sweeps

workers = int(sys.argv[3])
nulls = {"copula": 1, "configurations": 1}
config = sweeps.tiny_config(Path(sys.argv[1]), workers={"count": max(workers, 1)}, nulls=nulls)
if workers:
    import contextlib
    sweeps.pool_here = contextlib.nullcontext
    with opened_pool(Limits(workers, 300, 4_000_000_000)):
        sweeps.sweep_here(config, Path(sys.argv[2]))
else:
    sweeps.sweep_here(config, Path(sys.argv[2]))
"""

THREADS = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}

MACHINES: tuple[tuple[str, int, dict[str, str]], ...] = (
    ("1 worker", 1, {}),
    ("2 workers, 2 threads", 2, THREADS),
    ("3 workers, another hash seed", 3, {"PYTHONHASHSEED": "7"}),
    ("another order of rows", 1, {"ORDER": "other"}),
    ("another process", 0, {}),
)

ENVIRONMENTS: tuple[tuple[str, int, dict[str, str]], ...] = (
    ("Tokyo, German", 1, {"TZ": "Asia/Tokyo", "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"}),
    ("the C locale, no UTF-8", 0, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    ("threads of a user", 2, {**THREADS, "OMP_NUM_THREADS": "7", "OMP_SCHEDULE": "dynamic", "KMP_AFFINITY": "scatter"}),
    ("numba of a user", 1, {"NUMBA_THREADING_LAYER": "omp", "NUMBA_OPT": "3", "NUMBA_DISABLE_INTEL_SVML": "1"}),
    ("Prefect of a user", 0, {"PREFECT_LOGGING_LEVEL": "DEBUG", "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true"}),
    ("nice, on a busy machine", 2, {"NICE": "19", "BUSY": "2"}),
    ("another folder", 0, {"FOLDER": "/"}),
    ("optimised Python", 0, {"PYTHONOPTIMIZE": "1"}),
)


def same_bytes(scale: Scale) -> Reached:
    """Draw the same sweep in fresh processes, with 1 and more workers and threads, and in another order of rows."""
    return _everywhere(scale, MACHINES, "1 worker" if scale.short else None)


def same_numbers(scale: Scale) -> Reached:
    """Draw the same sweep in the environments that users have."""
    return _everywhere(scale, ENVIRONMENTS, "the C locale, no UTF-8" if scale.short else None)


def _everywhere(scale: Scale, places: tuple[tuple[str, int, dict[str, str]], ...], only: str | None) -> Reached:
    reached = Reached()
    data = tiny_data(scale.folder)
    config = tiny_config(data, nulls={"copula": 1, "configurations": 1})
    sweep_here(config, scale.folder / "here")
    expected = bytes_that_count(scale.folder / "here")
    for number, (title, workers, settings) in enumerate(places):
        if only not in (None, title):
            continue
        root = scale.folder / f"there-{number}"
        environment = {**os.environ, **settings, "PYTHONPATH": f"{PROJECT / 'src'}:{PROJECT}"}
        source = _in_another_order(data) if settings.get("ORDER") else data
        command = [sys.executable, "-c", ALONE, str(source), str(root), str(workers)]
        if "NICE" in settings:
            command = ["nice", "-n", settings["NICE"], *command]
        with _busy(int(settings.get("BUSY", "0"))):
            run = subprocess.run(
                command,
                env=environment,
                cwd=settings.get("FOLDER", PROJECT),
                capture_output=True,
                text=True,
                check=False,
            )
        found = bytes_that_count(root) if root.is_dir() else {}
        # Another order of rows is another file: its points are others, its pictures are not.
        kinds = ("cells", "scores") if settings.get("ORDER") else ("",)
        wanted = {name: digest for name, digest in expected.items() if name.startswith(kinds)}
        other = sorted(name for name, digest in wanted.items() if found.get(name) != digest)
        reached.expect(run.returncode == 0 and not other, f"{title}: {other[:3]} {run.stderr[-500:]}")
    return reached


@contextlib.contextmanager
def _busy(count: int) -> Iterator[None]:
    """Keep so many processes computing beside."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for one in others:
            one.kill()
            one.wait()


def _in_another_order(data: Path) -> Path:
    with np.load(data) as arrays:
        order = np.random.default_rng(3).permutation(len(arrays["X"]))
        path = data.with_name("other-order.npz")
        np.savez(path, X=arrays["X"][order], y=arrays["y"][order])
    return path


# --- what is in a name --------------------------------------------------------------------------------------------


def complete_identities(scale: Scale) -> Reached:
    """Change one thing at a time: pictures are drawn again exactly where it shapes them."""
    reached = Reached()
    vectors, labels = three_blobs(72, dimensions=4)
    base = {
        "reducers": [
            {"reducer": "tsne", "perplexity": 8},
            {"reducer": "umap", "n_neighbors": 8, "min_dist": 0.1},
            {"reducer": "pca"},
        ],
        "seeds": [0, 1],
        "resamples": {"pairs": 0},
    }
    known = _named(scale.folder, _write(scale.folder / "base.npz", X=vectors, y=labels), base)
    every, none = set(known.values()), set[str]()

    def cells(kind: str) -> set[str]:
        return {identity for title, identity in known.items() if title.startswith(kind)}

    def of_seed(seed: int) -> set[str]:
        return {identity for title, identity in known.items() if title.endswith(f"seed {seed}")}

    moved = vectors.copy()
    moved[3, 2] = np.nextafter(moved[3, 2], np.float32(np.inf))
    order = np.random.default_rng(0).permutation(72)
    files: list[tuple[str, Path, set[str]]] = [
        ("the last bit of a value", _write(scale.folder / "a.npz", X=moved, y=labels), every),
        ("a row less", _write(scale.folder / "b.npz", X=vectors[1:], y=labels[1:]), every),
        ("a column less", _write(scale.folder / "c.npz", X=vectors[:, 1:], y=labels), every),
        ("float16", _write(scale.folder / "d.npz", X=vectors.astype(np.float16), y=labels), every),
        ("float64 of the same values", _write(scale.folder / "e.npz", X=vectors.astype(np.float64), y=labels), none),
        ("another order of rows", _write(scale.folder / "f.npz", X=vectors[order], y=labels[order]), none),
        ("other labels", _write(scale.folder / "g.npz", X=vectors, y=labels[::-1]), none),
        ("no labels", _write(scale.folder / "h.npz", X=vectors), none),
        ("another name", _write(scale.folder / "elsewhere" / "ä ö.npz", X=vectors, y=labels), none),
        ("a Fortran array", _write(scale.folder / "i.npz", X=np.asfortranarray(vectors), y=labels), none),
        ("big-endian", _write(scale.folder / "j.npz", X=vectors.astype(">f4"), y=labels), none),
        ("Parquet", _frame(scale.folder / "k.parquet", vectors), none),
        ("CSV", _frame(scale.folder / "l.csv", vectors), none),
    ]
    for title, path, changed in files:
        _expect(reached, known, _named(scale.folder, path, base), changed, title)
    os.utime(scale.folder / "base.npz", (0, 0))
    path = scale.folder / "base.npz"
    _expect(reached, known, _named(scale.folder, path, base), none, "a touched file")
    tsne, umap, pca = (dict(one) for one in base["reducers"])
    configs: list[tuple[str, dict[str, Any], set[str]]] = [
        ("perplexity", {"reducers": [{**tsne, "perplexity": 9}, umap, pca]}, cells("tsne")),
        ("exaggeration", {"reducers": [{**tsne, "exaggeration": 2.0}, umap, pca]}, cells("tsne")),
        ("n_neighbors", {"reducers": [tsne, {**umap, "n_neighbors": 9}, pca]}, cells("umap")),
        ("min_dist", {"reducers": [tsne, {**umap, "min_dist": 0.2}, pca]}, cells("umap")),
        ("engine", {"reducers": [{**tsne, "engine": "openTSNE"}, umap, pca]}, cells("tsne")),
        ("metric", {"preprocess": {"metric": "cosine"}}, every),
        ("preprocess", {"preprocess": {"scale": "standard"}}, every),
        ("a seed", {"seeds": [0, 2]}, of_seed(1)),
        ("workers", {"workers": {"count": 3, "timeout_seconds": 5}}, none),
        ("name", {"name": "another"}, none),
        ("scores", {"scores": {"k": [3]}}, none),
    ]
    for title, changes, changed in configs:
        try:
            named = _named(scale.folder, path, {**base, **changes})
        except Exception as error:  # whatever else is raised is what the attack looks for
            reached.count(f"{title}: {error}")
            continue
        _expect(reached, known, named, changed, title)
    for title, attribute, value, changed in (
        ("code", "code_digest", lambda *places: "other code", every),
        ("a library", "versions", lambda names: dict.fromkeys(names, "99"), every),
    ):
        with _patched(plan_room, attribute, value):
            _expect(reached, known, _named(scale.folder, path, base), changed, title)
    return reached


@contextlib.contextmanager
def _patched(module: Any, name: str, value: Callable[..., Any]) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def _write(path: Path, **arrays: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return path


def _frame(path: Path, vectors: np.ndarray) -> Path:
    frame = pd.DataFrame(vectors, columns=[f"z{place}" for place in range(vectors.shape[1])])
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return path


def _named(folder: Path, data: Path, changes: dict[str, Any]) -> dict[str, str]:
    """Return the identity of every cell by its place in the grid."""
    config: SweepConfig = tiny_config(data, **changes)
    store = Store(folder / "identities")
    plan = lay_out(config, import_dataset(config.data, store), store)
    named: dict[str, str] = {}
    for cell in plan.cells:
        named[f"{cell.configuration.reducer} {len(named)} seed {cell.seed}"] = cell.identity
    return named


def _expect(reached: Reached, known: dict[str, str], now: dict[str, str], changed: set[str], title: str) -> None:
    gone = set(known.values()) - set(now.values())
    kept = set(known.values()) & set(now.values())
    reached.expect(
        gone == changed and kept == set(known.values()) - changed, f"{title}: {len(gone)} of {len(changed)} drawn again"
    )
