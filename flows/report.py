"""Render a run's report again, as a flow for deployments."""

from __future__ import annotations

from prefect import flow

from steadymap.flows.run_page import Site, ends_as_failed, tag_run
from steadymap.reports.build import build_report
from steadymap.reports.run.run_folder import find_run
from steadymap.tasks.store.sync import download, open_store, upload


@flow(name="report", flow_run_name="report of {run}")
@ends_as_failed
def report(run: str, store: str = "results", site_url: str | None = None) -> str:
    """Render the report of a run, given by its name in the store or by its folder, and return its path.

    Raises
    ------
    InputError
        There is no such run, or it is not complete.
    """
    tag_run()
    place = open_store(store)
    folder = find_run(run, place.root).resolve()
    download(place, [place.run(run)])
    page = build_report(folder)
    upload(place, [place.run(run)])
    Site(place, site_url).show_link("stability-report", "Report", page, run)
    return str(page)
