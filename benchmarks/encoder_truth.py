"""Encoders with planted truth: is every cluster told rightly through five of them, and how often is one false in all.

    python -m benchmarks.encoder_truth [CASES] [CLUSTER_FREE_SETS] [RESULTS.json]

Each case is one set of inputs and five latent spaces of it, drawn and judged with the fast settings: a turned copy of
one space, one encoder that lacks a cluster, one that merges two, one of noise alone. Sets without clusters are five
spaces of a Gaussian, a uniform or a curved sheet, each turned and stretched in its own way. Seeds count up from 20261.
What is finished is kept in the results file, and the same command goes on from there.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from prefect import flow

from steadymap.configs.sweep import DataSource, SweepConfig
from steadymap.flows.drawing.draw_cells import draw_cells, drawn_cells
from steadymap.flows.sweep import RUNNER
from steadymap.reports.encoders.axis import judge_lines
from steadymap.reports.encoders.follow_clusters import follow_clusters
from steadymap.tasks.progress import muted
from steadymap.tasks.steps.find_clusters import find_clusters
from steadymap.tasks.steps.judge_clusters import judge_clusters
from steadymap.tasks.steps.plan_sweep import plan_sweep
from steadymap.tasks.steps.read_dataset import read_dataset
from steadymap.tasks.steps.run_split_tests import run_split_tests
from steadymap.tasks.store.files import read_table
from steadymap.tasks.store.layout import Store
from steadymap.tasks.workers import choose_limits, opened_pool

FIRST_SEED = 20261
ENCODERS, ROWS, DIMENSIONS, CLASSES, APART = 5, 600, 8, 4, 9.0
KINDS = ("turned", "lacking", "merging", "noise", "all of it")
SHAPES = ("gaussian", "uniform", "sheet")
WHOLE = 0.8
"""Jaccard index of a followed cluster with a class from which it is that class."""


def planted(kind: str, seed: int) -> tuple[list[np.ndarray], np.ndarray, dict[int, dict[int, str]]]:
    """Return five spaces of the same rows, the class of every row, and what is true of classes in single encoders."""
    generator = np.random.default_rng(seed)
    labels = np.arange(ROWS) % CLASSES
    centres = APART * np.linalg.qr(generator.normal(size=(DIMENSIONS, DIMENSIONS)))[0][:CLASSES]
    truth: dict[int, dict[int, str]] = {}
    spaces = []
    for encoder in range(ENCODERS):
        own = centres[labels] + generator.normal(size=(ROWS, DIMENSIONS))
        if kind in ("lacking", "all of it") and encoder == 1:
            lost = labels == 0  # its rows lie among those of the other classes
            own[lost] = centres[generator.integers(1, CLASSES, lost.sum())] + generator.normal(
                size=(lost.sum(), DIMENSIONS)
            )
            truth.setdefault(0, {})[encoder] = "lacking"
        if kind in ("merging", "all of it") and encoder == 2:
            both = np.isin(labels, (1, 2))
            own[both] = centres[1] + generator.normal(size=(both.sum(), DIMENSIONS))
            truth.setdefault(1, {})[encoder] = truth.setdefault(2, {})[encoder] = "merging"
        if kind in ("noise", "all of it") and encoder == 3:
            own = generator.normal(size=(ROWS, DIMENSIONS))
            for label in range(CLASSES):
                truth.setdefault(label, {})[encoder] = "noise"
        spaces.append(own)
    if kind == "turned":
        spaces = [spaces[0]] * ENCODERS
    return [_turned(space, generator) for space in spaces], labels, truth


def without_clusters(shape: str, seed: int) -> list[np.ndarray]:
    """Return five spaces of inputs that have no clusters."""
    generator = np.random.default_rng(seed)
    inputs = (
        generator.normal(size=(ROWS, DIMENSIONS))
        if shape == "gaussian"
        else generator.uniform(-1, 1, (ROWS, DIMENSIONS))
    )
    spaces = []
    for _ in range(ENCODERS):
        own = inputs + 0.1 * generator.normal(size=inputs.shape)
        if shape == "sheet":
            # Half a tube: bent without stretching, so that the density on it stays even.
            angle = np.pi / 2 * (1 + inputs[:, 0])
            own = np.column_stack([np.cos(angle), np.sin(angle), 1.5 * inputs[:, 1], 0.3 * inputs[:, 2:]])
            own += 0.05 * generator.normal(size=own.shape)
        else:
            own *= generator.uniform(0.7, 1.4, own.shape[1])
        spaces.append(_turned(own, generator))
    return spaces


def _turned(space: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    turn = np.linalg.qr(generator.normal(size=(space.shape[1],) * 2))[0]
    return np.asarray(3 * space @ turn + generator.normal(size=space.shape[1]), dtype=np.float32)


@flow(name="encoder-truth", task_runner=RUNNER)
def judge_space(space: np.ndarray, name: str, folder: Path) -> tuple[np.ndarray, Any]:
    """Draw and judge a space with the fast settings; return the cluster of every row and the table of clusters."""
    folder.mkdir(parents=True)
    np.savez(folder / "z.npz", latents=space, id=np.array([f"r{row}" for row in range(len(space))]))
    config = SweepConfig.model_validate(
        {
            "name": name,
            "data": DataSource(path=str(folder / "z.npz")),
            "reducers": [{"reducer": "tsne", "perplexity": 30}, {"reducer": "umap", "n_neighbors": 15}],
            "seeds": (0,),
            "fast": True,
        }
    )
    store = Store(folder / "store")
    plan = plan_sweep(config, read_dataset(config.data, store, config.workers), store)
    with opened_pool(choose_limits(config.workers)):
        drawn = drawn_cells(plan, draw_cells(plan))
        splits = run_split_tests(plan, drawn)
        clusters = judge_clusters(plan, find_clusters(plan, drawn, splits), splits)
    membership = pc.fill_null(clusters.membership().column("cluster"), -1).to_numpy()
    position = read_table(plan.dataset.folder / "points.parquet").column("position").to_numpy()
    return membership[position], clusters.table("clusters").to_pandas()


def judge_all(spaces: list[np.ndarray], name: str) -> tuple[Any, list[Any]]:
    """Follow the clusters of several spaces."""
    with tempfile.TemporaryDirectory() as folder, muted():
        found = [judge_space(space, f"{name} {at}", Path(folder) / str(at)) for at, space in enumerate(spaces)]
    lines = follow_clusters([membership for membership, _ in found])
    return lines, judge_lines(lines, [table for _, table in found])


def judge_case(kind: str, seed: int) -> dict[str, Any]:
    """Say of every class whether it is told rightly in every encoder: shown where it is, not shown where it is not."""
    spaces, labels, truth = planted(kind, seed)
    lines, found = judge_all(spaces, f"{kind} {seed}")
    right, wrong, uncertain = 0, [], 0
    for label in range(CLASSES):
        own = [at for at, line in enumerate(lines) if _jaccard(line.rows, labels == label) >= WHOLE]
        if not own:
            wrong.append(f"class {label} is not followed")
            continue
        for encoder, member in enumerate(found[own[0]].members):
            there = truth.get(label, {}).get(encoder) is None
            right += there == member.shown
            uncertain += there and member.verdict == "UNCERTAIN"
            if there and not member.shown and member.verdict != "UNCERTAIN":
                wrong.append(f"class {label} is {member.followed.fate} in {encoder}")
            if not there and member.shown:
                wrong.append(f"class {label} is shown in {encoder}, which lacks it")
    in_all = {label for label in range(CLASSES) if not truth.get(label)}
    claimed = [at for at, one in enumerate(found) if one.in_all]
    false = [at for at in claimed if not any(_jaccard(lines[at].rows, labels == label) >= WHOLE for label in in_all)]
    return {"right": right, "uncertain": int(uncertain), "wrong": wrong, "in_all": len(claimed) - len(false),
            "could": len(in_all), "false": len(false)}  # fmt: skip


def judge_free(shape: str, seed: int) -> dict[str, Any]:
    """Say whether any cluster is called real in all encoders, or in any, where there is none."""
    _, found = judge_all(without_clusters(shape, seed), f"{shape} {seed}")
    return {"false_in_all": any(one.in_all for one in found), "false_in_any": any(one.shown for one in found)}


def _jaccard(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sum(a & b) / max(np.sum(a | b), 1))


def main() -> int:
    """Judge what has no result yet, print a line for each, and sum up; 1 where anything is told wrongly."""
    cases, sets = (int(sys.argv[at]) if len(sys.argv) > at else default for at, default in ((1, 30), (2, 200)))
    kept = Path(sys.argv[3] if len(sys.argv) > 3 else "encoder-truth.json")
    results: dict[str, Any] = json.loads(kept.read_text()) if kept.is_file() else {}
    jobs = [(KINDS[at % len(KINDS)], FIRST_SEED + at // len(KINDS)) for at in range(cases)]
    jobs += [(SHAPES[at % len(SHAPES)], FIRST_SEED + at // len(SHAPES)) for at in range(sets)]
    for kind, seed in jobs:
        name = f"{kind} {seed}"
        if name not in results:
            started = time.monotonic()
            results[name] = judge_case(kind, seed) if kind in KINDS else judge_free(kind, seed)
            kept.write_text(json.dumps(results, indent=1))
            print(f"{name}: {results[name]} in {time.monotonic() - started:.0f} s", flush=True)
    of_cases = [results[f"{kind} {seed}"] for kind, seed in jobs if kind in KINDS]
    of_sets = [results[f"{kind} {seed}"] for kind, seed in jobs if kind in SHAPES]
    faults = sum(bool(one["wrong"]) or one["false"] > 0 for one in of_cases)
    total = {name: sum(one[name] for one in of_cases) for name in ("in_all", "could", "false", "uncertain")}
    told = f"{total['in_all']} of {total['could']} classes REAL in all, {total['false']} falsely"
    print(f"{len(of_cases)} cases, {faults} wrong: {told}; {total['uncertain']} UNCERTAIN in single encoders")
    in_all, in_any = (sum(one[name] for one in of_sets) for name in ("false_in_all", "false_in_any"))
    print(f"{len(of_sets)} sets without clusters: {in_all} with any in all encoders, {in_any} with any in any of five")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
