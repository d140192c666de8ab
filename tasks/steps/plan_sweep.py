"""Step: lay out the cells of a sweep, give each its identity, and see which ones the store has."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from steadymap.configs.sweep import SweepConfig
from steadymap.tasks.input.dataset import Dataset
from steadymap.tasks.plan.lay_out import lay_out
from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.plan.prepared import handed_plan
from steadymap.tasks.store.layout import Store


@task(name="plan sweep", task_run_name="plan {config.name}", cache_policy=NO_CACHE)
def plan_sweep(config: SweepConfig, dataset: Dataset, store: Store) -> Plan:
    """Lay out the cells, unless that was done before the flow began.

    Raises
    ------
    InputError
        The preprocessing does not fit the data, or no cell is left.
    """
    return handed_plan(config, dataset) or lay_out(config, dataset, store)
