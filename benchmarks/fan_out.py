"""What Prefect costs a cell: the same 1,000 pictures through the flow and without it, and the memory of the driver.

``python -m benchmarks.fan_out [SETTINGS] [SEEDS]``; 25 × 40 by default. Both draw into an empty store, with the same
workers; the flow also tells its server of every setting. Only drawing is timed: what comes after is the same code.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
from prefect import flow
from prefect.testing.utilities import prefect_test_harness

from steadymap.configs.sweep import SweepConfig
from steadymap.flows.drawing.draw_cells import draw_cells
from steadymap.flows.sweep import RUNNER, WAITING_CONFIGURATIONS
from steadymap.tasks.plan.graphs import cells_by_graph
from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.steps.compute_graph import compute_graph
from steadymap.tasks.steps.plan_sweep import plan_sweep
from steadymap.tasks.steps.prepare_geometry import prepare_geometry
from steadymap.tasks.steps.read_dataset import read_dataset
from steadymap.tasks.store.layout import Store
from steadymap.tasks.workers import choose_limits, opened_pool

ROWS, DIMENSIONS = 700, 16
SAMPLE_SECONDS = 0.5


class Memory:
    """Samples the memory of this process, the driver, while something runs."""

    def __init__(self) -> None:
        self.samples: list[int] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        own = psutil.Process()
        while not self._done.wait(SAMPLE_SECONDS):
            self.samples.append(own.memory_info().rss)

    @property
    def growth(self) -> float:
        """MB between the mean of the second tenth (all is loaded by then) and of the last."""
        tenth = max(1, len(self.samples) // 10)
        return float(np.mean(self.samples[-tenth:]) - np.mean(self.samples[tenth : 2 * tenth])) / 1e6


def config_of(folder: Path, settings: int, seeds: int) -> SweepConfig:
    """Write data, and return a sweep of so many settings and seeds."""
    rng = np.random.default_rng(0)
    np.save(folder / "vectors.npy", rng.normal(size=(ROWS, DIMENSIONS)).astype(np.float32))
    return SweepConfig.model_validate(
        {
            "name": "fan out",
            "data": {"path": str(folder / "vectors.npy")},
            "reducers": [{"reducer": "tsne", "perplexity": [float(5 + 2 * place) for place in range(settings)]}],
            "seeds": list(range(seeds)),
            "resamples": {"pairs": 0},
            "nulls": {"gaussian": 0, "copula": 0},
        }
    )


def plan_of(config: SweepConfig, store: Path) -> Plan:
    """Lay the sweep out over an empty store, without Prefect."""
    place = Store(store)
    return plan_sweep.fn(config, read_dataset.fn(config.data, place, config.workers), place)


def draw_without_prefect(plan: Plan) -> None:
    """Do what the flow does, with threads of our own in place of task runs."""
    workers = plan.config.workers
    with opened_pool(choose_limits(workers)):
        broken = prepare_geometry.fn(plan)
        graphs = list(cells_by_graph(plan.missing))
        with ThreadPoolExecutor(WAITING_CONFIGURATIONS) as threads:
            list(threads.map(lambda one: compute_graph.fn(one, plan, broken), graphs))


@flow(name="fan-out", task_runner=RUNNER)
def draw_with_prefect(config: SweepConfig, store: str) -> int:
    """Draw inside a flow, as a sweep does."""
    return len(draw_cells(plan_of(config, Path(store))))


def main(settings: int = 25, seeds: int = 40) -> None:
    """Draw both ways, one after the other, and print what each took."""
    cells = settings * seeds
    with tempfile.TemporaryDirectory() as folder:
        draw_without_prefect(plan_of(config_of(Path(folder), 1, 2), Path(folder) / "warm"))
        config = config_of(Path(folder), settings, seeds)
        plan = plan_of(config, Path(folder) / "without")
        started = time.monotonic()
        with Memory() as memory:
            draw_without_prefect(plan)
        without = time.monotonic() - started
        print(f"without Prefect: {without:.1f} s, driver +{memory.growth:.1f} MB")
        with prefect_test_harness(server_startup_timeout=120), Memory() as memory:
            started = time.monotonic()
            draw_with_prefect(config, str(Path(folder) / "with"))
            through = time.monotonic() - started
        print(f"through the flow: {through:.1f} s, driver +{memory.growth:.1f} MB")
    more = 1000 * (through - without) / cells
    print(f"{cells} cells: {1000 * without / cells:.0f} ms a cell without, {more:+.0f} ms with")
    print(f"overhead {through / without - 1:+.1%}")


if __name__ == "__main__":
    main(*(int(number) for number in sys.argv[1:]))
