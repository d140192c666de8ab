"""Fifty nights over the same vectors with a little noise: how many verdicts flip, and how many flips are told.

    python -m benchmarks.steady_nights [NIGHTS] [STORE]

The real night, ``steadymap.flows.nightly``, over data sets with true clusters, some of them hardly apart, whose rows
keep their ids; every night adds fresh noise of a twentieth of a cluster's spread. Seeds count up from 20261. A flip is
a cluster that is found again (its lasting number) with another verdict than the night before; told is what a message
says. A store that is there goes on where it was. The exit status is 1 where more than 2 % are told.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from steadymap.configs.nightly import NightlyConfig
from steadymap.flows.nightly import nightly
from steadymap.tasks.numerics.selftest.known_truth import rate_of
from steadymap.tasks.numerics.selftest.synthetic import generate
from steadymap.tasks.progress import muted

FIRST_SEED = 20261
NOISE = 0.05
MOST_TOLD = 0.02
SETS = {
    "five at 5 σ": ("blobs5_5", 1000, 8),
    "five at 5 σ, few rows": ("blobs5_5", 500, 8),
    "two at 4 σ": ("two_4", 600, 8),
}
"""Name of the sweep: family, rows, dimensions."""
SWEEP = {
    "reducers": [
        {"reducer": "tsne", "perplexity": 30},
        {"reducer": "umap", "n_neighbors": 15, "min_dist": 0.1},
    ],
    "seeds": [0, 1],
    "resamples": {"pairs": 5, "configurations": 2},
}


def lay_out(folder: Path) -> NightlyConfig:
    """Write a sweep config for every set, and return the night over them."""
    sweeps = folder / "sweeps"
    sweeps.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(SETS):
        config = {"name": name, "data": {"path": str(folder / f"{number}.npz"), "latents": "z", "id": "id"}, **SWEEP}
        (sweeps / f"{number}.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
    return NightlyConfig(name="steady", configs=str(sweeps))


def write_night(folder: Path, night: int) -> None:
    """Write the vectors of a night, noise and all."""
    for number, (family, rows, dimensions) in enumerate(SETS.values()):
        known = generate(family, rows, dimensions, FIRST_SEED)
        noise = np.random.default_rng([FIRST_SEED, number, night]).normal(size=known.vectors.shape)
        vectors = (known.vectors + NOISE * noise).astype(np.float32)
        np.savez(folder / f"{number}.npz", z=vectors, id=np.array([f"row {row}" for row in range(rows)]))


def count_flips(store: Path) -> pd.DataFrame:
    """Return a row per sweep: clusters found again, verdicts that are others than the night before, and flips told."""
    sweeps = pd.read_parquet(store / "nights" / "sweeps").sort_values("night")
    clusters = pd.read_parquet(store / "nights" / "clusters").sort_values("night")
    found = []
    for name, of_sweep in clusters.groupby("sweep", sort=False):
        table = of_sweep.pivot_table(aggfunc="first", index="night", columns="lasting", values="verdict")
        again = table.notna() & table.shift().notna()
        told = sweeps[sweeps["sweep"] == name]
        changed = (table != table.shift()) & again
        found.append(
            {
                "sweep": name,
                "nights": len(table),
                "again": int(again.to_numpy().sum()),
                "flips": int(changed.to_numpy().sum()),
                **{kind: int(told[kind].iloc[1:].sum()) for kind in ("flipped", "lost", "new")},
            }
        )
    return pd.DataFrame(found)


def main() -> int:
    """Run the nights that are missing, and print what flipped."""
    nights = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else "steady-nights").resolve()
    config, store = lay_out(folder), folder / "store"
    done = len(list((store / "nights" / "sweeps").glob("*.parquet"))) if store.exists() else 0
    for night in range(done, nights):
        write_night(folder, night)
        with muted():
            nightly(config, str(store))
        print(f"night {night + 1} of {nights}", flush=True)
    found = count_flips(store)
    print(found.to_string(index=False))
    total = found[["again", "flips", "flipped"]].sum()
    for what, number in (("flipped", total["flips"]), ("told", total["flipped"])):
        rate = rate_of(int(number), int(total["again"]))
        print(f"{what}: {number} of {total['again']}, {rate.share:.1%} ({rate.low:.1%} to {rate.high:.1%})")
    return 1 if total["flipped"] > MOST_TOLD * total["again"] else 0


if __name__ == "__main__":
    sys.exit(main())
