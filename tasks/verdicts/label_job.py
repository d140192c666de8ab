"""What a worker does to judge labels: test the classes of one half of the rows on the other."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

from steadymap.tasks.input.dataset import read_row_column
from steadymap.tasks.numerics.scores.all_scores import encode_classes
from steadymap.tasks.store.files import write_arrays
from steadymap.tasks.verdicts.held_out_jobs import HeldOutJob, HeldOutRows

if TYPE_CHECKING:
    from steadymap.tasks.numerics.verdicts.given_partition import GivenTest


def run_label_job(job: HeldOutJob) -> None:
    """Test the classes of one half on the other, and commit what came out; runs in a worker."""
    found = classes_on_half(job.rows(), read_row_column(job.geometry.vectors.folder, "label"))
    write_arrays(job.folder, {}, tell(found))


def tell(found: GivenTest) -> dict[str, Any]:
    """Return a test as texts and numbers: what the store keeps of it."""
    return {"p_values": list(found.p_values), "pairs": [asdict(pair) for pair in found.pairs]}


def classes_on_half(rows: HeldOutRows, classes: list[str | None]) -> GivenTest:
    """Return what one half of the rows shows between classes: all that shapes the outcome.

    Parameters
    ----------
    classes
        Class of every row of the dataset in canonical order; rows without one get that of the nearest row.
    """
    from steadymap.tasks.numerics.clusters.islands import fill_noise
    from steadymap.tasks.numerics.valleys.sample_splitting import split_sample
    from steadymap.tasks.numerics.verdicts.given_partition import run_partition_test

    codes = encode_classes(classes).codes
    with threadpool_limits(1):
        labels = fill_noise(codes[rows.positions], rows.discovery)
        halves = split_sample(rows.discovery, rows.held_out, rows.discovery_keys, rows.held_out_keys)
        return run_partition_test(halves, labels)
