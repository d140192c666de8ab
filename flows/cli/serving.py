"""Commands for teams: deploy nights to a Prefect server, set alerts, build and show the site."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from steadymap.configs.nightly import NIGHTLY_FILE
from steadymap.flows.cli.options import EXIT_REPORT, StoreOption, app, bring_runs, open_place
from steadymap.flows.deploy.shipped import PoolType


@app.command
def deploy(
    config: Annotated[Path, Parameter(help="Config of the night, or a folder of sweep configs.")] = Path(NIGHTLY_FILE),
    *,
    cron: Annotated[str | None, Parameter(help='When: "30 3 * * *". Default: 02:00.')] = None,
    timezone: Annotated[str | None, Parameter(help="In which zone: Europe/Berlin. Default: Etc/UTC.")] = None,
    pool: Annotated[str | None, Parameter(help="Work pool, made where it is not there. Default: steadymap.")] = None,
    work_pool_type: Annotated[PoolType, Parameter(help="What its workers start.")] = "process",
    store: Annotated[str | None, Parameter(help="Folder or URL. Default: results/ beside the config.")] = None,
    site_url: Annotated[str | None, Parameter(help="Where a web server shows the store; links go there.")] = None,
    name: Annotated[str | None, Parameter(help="Name of the deployment; several live side by side.")] = None,
    each: Annotated[bool, Parameter(negative="", help="A deployment of its own for every sweep config.")] = False,
    reset: Annotated[
        list[str] | None, Parameter(negative="", help="What of it to take back: parameters, schedules, config.hours …")
    ] = None,
    remove: Annotated[bool, Parameter(negative="", help="Take the deployments off the server.")] = False,
    do: Annotated[bool, Parameter(negative="", help="Do it; without this it is only shown.")] = False,
) -> int:
    """Check a night and deploy it to the server of PREFECT_API_URL; what people changed there stays."""
    from steadymap.flows.deploy import deploy as deploying
    from steadymap.flows.deploy.wanted import Request

    asked = Request(config, store, cron, timezone, pool, work_pool_type, name, site_url, each, tuple(reset or ()))
    if remove:
        for line in deploying.remove(asked, do=do):
            print(line)
        if not do:
            print("nothing was removed; --do removes it")
        return EXIT_REPORT
    done = deploying.deploy(asked, do=do)
    for one in done.checked:
        print(f"{one.name}: {one.rows:,} rows × {one.dimensions} dimensions, {one.cells} cells")
    for step in done.steps:
        print("\n".join(step.lines))
    if done.open and not do:
        print("nothing was changed on the server; --do does it")
        return EXIT_REPORT
    print(f"{'done' if done.open else 'nothing to do'}; a worker runs it: {done.worker}")
    return EXIT_REPORT


@app.command
def alerts(
    *,
    block: Annotated[str, Parameter(help="Name of a notification block of the server.")] = "steadymap",
    webhook: Annotated[str | None, Parameter(help="Make that block: a webhook to this URL.")] = None,
    do: Annotated[bool, Parameter(negative="", help="Do it; without this it is only said.")] = False,
) -> int:
    """Have the server of PREFECT_API_URL tell what changed, nights that are late, and end dead runs."""
    from steadymap.flows.deploy.automations import set_alerts

    for line in set_alerts(block, webhook, do=do):
        print(line)
    if not do:
        print("nothing was changed on the server; --do does it")
    return EXIT_REPORT


@app.command
def site(
    store: StoreOption = "results",
    *,
    out: Annotated[Path | None, Parameter(help="Folder of the site (default: site/ in the store).")] = None,
    serve: Annotated[bool, Parameter(negative="", help="Show it to this machine's browsers until Ctrl-C.")] = False,
    port: Annotated[int, Parameter(help="With --serve: where.")] = 8080,
) -> int:
    """Write a static site over all runs: the nights, a list, trends, and what changed from run to run."""
    from steadymap.reports.nights.nights_page import build_nights_page
    from steadymap.reports.site.site import build_site
    from steadymap.tasks.store.sync import send_pages

    place = open_place(store)
    bring_runs(place)
    nights = build_nights_page(place.root, out)
    built = build_site(place.root, out)
    send_pages(place, built.index.parent)
    lost = f", {built.unreadable} of them not readable" if built.unreadable else ""
    runs = "1 run" if built.runs == 1 else f"{built.runs} runs"
    files = "1 file" if built.written == 1 else f"{built.written} files"
    print(f"{runs}{lost}; {files} written")
    print(nights or built.index)
    if serve:
        from steadymap.flows.cli.serve_site import serve_site

        sys.stdout.flush()
        serve_site(place.root, nights or built.index, port)
    return EXIT_REPORT
