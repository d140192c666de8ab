"""Render a run's report again, as a flow for deployments."""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import create_link_artifact

from steadymap.reports.build import build_report
from steadymap.reports.run.run_folder import find_run
from steadymap.tasks.store.sync import bring, open_store, send


@flow(name="report", flow_run_name="report of {run}")
def report(run: str, store: str = "results") -> str:
    """Render the report of a run, given by its name in the store or by its folder, and return its path.

    Raises
    ------
    InputError
        There is no such run, or it is not complete.
    """
    place = open_store(store)
    folder = find_run(run, place.root).resolve()
    bring(place, [place.run(run)])
    page = build_report(folder)
    send(place, [place.run(run)])
    create_link_artifact(key="stability-report", link=place.address(page), link_text="Report", description=run)
    return str(page)
