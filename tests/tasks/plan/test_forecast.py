"""Forecasts: by figures measured elsewhere, and by what pictures took on this machine where it has drawn some."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from steadymap.configs import schemas
from steadymap.configs.grid import expand
from steadymap.configs.sweep import SweepConfig
from steadymap.flows.cli import app as cli
from steadymap.tasks.plan.forecast import compare_machine, forecast
from steadymap.tasks.plan.measured_costs import CostOfCell, Costs, measure_costs
from steadymap.tasks.store.files import write_table
from tests.flows.test_sweep_flow import blob_config

ROWS, DIMENSIONS = 2000, 16
CONFIG = SweepConfig.model_validate(
    {
        "name": "two",
        "data": {"path": "z.npy"},
        "reducers": [{"reducer": "tsne", "perplexity": 30}, {"reducer": "umap", "n_neighbors": 15}],
        "seeds": [0],
        "resamples": {"pairs": 0},
        "nulls": {"gaussian": 0, "copula": 0},
    }
)
GRID = expand(CONFIG, ROWS)
TSNE, UMAP = GRID.configurations


def cpu(costs: Costs, rows: int = ROWS) -> float:
    return forecast(CONFIG, GRID, (rows, DIMENSIONS), 1, compare_machine(costs, rows)).shares["pictures"].cpu_seconds


def drawn(configuration: object, cpu_seconds: float, rows: int = ROWS, times: int = 3) -> tuple[CostOfCell, ...]:
    assert configuration in GRID.configurations
    one = TSNE if configuration == TSNE else UMAP
    return (CostOfCell(one, rows, DIMENSIONS, cpu_seconds, 0.5),) * times


def test_pictures_that_cost_more_here_raise_the_forecast_of_their_kind() -> None:
    plain, slow = cpu(Costs()), cpu(Costs(1, drawn(UMAP, 10.0)))
    slower = cpu(Costs(1, drawn(UMAP, 20.0)))
    assert slower - slow == pytest.approx(10.0)  # one UMAP picture, as measured; t-SNE is as it was
    assert slow > plain


def test_few_pictures_correct_nothing_and_those_of_similar_size_count_alone() -> None:
    assert cpu(Costs(1, drawn(UMAP, 99.0, times=2))) == cpu(Costs())
    for rows in (ROWS // 10, ROWS * 10):
        others = drawn(UMAP, 999.0, rows=rows, times=20)
        assert cpu(Costs(1, others)) > cpu(Costs())
        assert cpu(Costs(2, (*others, *drawn(UMAP, 10.0)))) == cpu(Costs(1, drawn(UMAP, 10.0)))


def test_memory_is_that_of_the_largest_worker() -> None:
    big = tuple(CostOfCell(UMAP, ROWS, DIMENSIONS, 5.0, memory) for memory in (0.5, 4.0, 0.6))
    machine = compare_machine(Costs(1, big), ROWS)
    assert forecast(CONFIG, GRID, (ROWS, DIMENSIONS), 2, machine).memory_gb == pytest.approx(2 * 4.0)


@pytest.mark.parametrize(("rows", "seconds"), [(50_000, 13), (100_000, 51), (300_000, 63)])
def test_a_search_among_many_rows_takes_what_was_measured(rows: int, seconds: float) -> None:
    """The last one is not exact: 63 CPU-seconds for 300,000 rows with 32 dimensions."""
    with_search, without = (
        forecast(CONFIG, GRID, (rows, dimensions), 1).shares["pictures"].cpu_seconds for dimensions in (32, 0)
    )
    assert with_search - without == pytest.approx(seconds, rel=0.1)


@pytest.mark.engine
def test_check_learns_from_a_sweep_of_this_machine(
    engine: None, blobs_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from steadymap.flows.sweep import stability_sweep

    store = tmp_path / "store"
    reducers = [{"reducer": "tsne", "perplexity": [8, 20]}, {"reducer": "umap", "n_neighbors": [5, 10, 15]}]
    run = stability_sweep(blob_config(blobs_file, seeds=(0, 1, 2), reducers=reducers), str(store)).run
    folder = store / "runs" / run
    known = measure_costs(store)
    timings = pd.read_parquet(folder / "timings.parquet")
    assert (known.runs, len(known.drawn)) == (1, 15)
    assert sum(one.cpu_seconds for one in known.drawn) == pytest.approx(timings["cpu_seconds"].sum())

    config = tmp_path / "sweep.yaml"
    grid = json.dumps([{"reducer": "umap", "n_neighbors": [5, 10, 15]}])
    config.write_text(
        f"name: a\ndata: {{path: {blobs_file}}}\nreducers: {grid}\nseeds: [7, 8, 9, 10]\n", encoding="utf-8"
    )

    def checked(*words: str) -> dict[str, dict[str, float]]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["steadymap", "check", str(config), "--json", *words])
            with pytest.raises(SystemExit):
                cli.main()
        return dict(json.loads(capsys.readouterr().out))

    here = checked("--store", str(store))
    assert here["forecast"]["measured_pictures"] == 9  # those of UMAP, which is what it will draw
    assert checked("--store", str(tmp_path / "none"))["forecast"]["measured_pictures"] == 0

    # Another machine's pictures, a damaged table and another version's say nothing.
    foreign = timings.assign(host=f"not-{platform.node()}")
    write_table(pa.Table.from_pandas(foreign, schema=schemas.TIMINGS, preserve_index=False), folder / "timings.parquet")
    assert measure_costs(store).drawn == ()
    (folder / "timings.parquet").write_bytes(b"half")
    assert measure_costs(store) == Costs()
