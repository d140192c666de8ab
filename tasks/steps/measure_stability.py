"""Step: compare the pictures between seeds, between configurations and between resamples, and every row with itself."""

from __future__ import annotations

import pyarrow as pa
from joblib import Parallel, delayed
from prefect import task
from prefect.cache_policies import NO_CACHE

from steadymap.configs import schemas
from steadymap.tasks.plan.plan import Cell, Plan
from steadymap.tasks.progress import announce_done, announce_total
from steadymap.tasks.stability.ness_rows import measure_ness
from steadymap.tasks.stability.pairs import choose_pairs, compare_pair, load_pictures, summarise_pairs
from steadymap.tasks.stability.row_instability import InstabilityTotals
from steadymap.tasks.store.files import write_table
from steadymap.tasks.store.findings import Stability
from steadymap.tasks.workers import default_count


@task(name="measure stability", task_run_name="stability of {plan.run}", cache_policy=NO_CACHE)
def measure_stability(plan: Plan, drawn: list[Cell]) -> Stability:
    """Compare pairs: seeds of a configuration, configurations seed by seed, resamples on the rows they share."""
    threads = plan.config.workers.count or default_count()
    compared = [cell for cell in drawn if cell.kind != "null"]
    loaded = Parallel(n_jobs=threads, backend="threading")(delayed(load_pictures)(cell, plan) for cell in compared)
    pairs = choose_pairs(loaded)
    announce_total("stability", len(pairs))
    results = Parallel(n_jobs=threads, backend="threading", return_as="generator")(
        delayed(compare_pair)(between, first, second) for between, first, second in pairs
    )
    rows: list[dict[str, object]] = []
    totals = InstabilityTotals(plan.rows)
    for pair in results:
        rows.extend(pair.rows)
        totals.add(pair)
        announce_done("stability")
    found = Stability(plan.store.findings(plan.run))
    write_table(pa.Table.from_pylist(rows, schema=schemas.PAIRS), found.folder / "pairs.parquet")
    stability = pa.concat_tables([summarise_pairs(rows, compared), measure_ness(loaded, plan.rows)])
    write_table(stability, found.folder / "stability.parquet")
    write_table(totals.instability(), found.folder / "instability.parquet")
    return found


# --- neighbours over all pictures of a configuration ------------------------------------------------------------
