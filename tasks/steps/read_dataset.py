"""Step: read the latent vectors, check them, and keep them in canonical order."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from steadymap.configs.sweep import DataSource, Workers
from steadymap.tasks.input.dataset import Dataset, import_dataset
from steadymap.tasks.plan.prepared import handed_dataset
from steadymap.tasks.store.layout import Store


@task(name="read dataset", task_run_name="read latent vectors", cache_policy=NO_CACHE)
def read_dataset(source: DataSource, store: Store, workers: Workers) -> Dataset:
    """Read a source, unless that was done before the flow began, and return where it lies in the store.

    Raises
    ------
    InputError
        The file cannot be used.
    """
    return handed_dataset(source, store) or import_dataset(source, store, workers)
