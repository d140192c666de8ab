"""Several at a time: sweeps on one store, and nights that a schedule starts (R7, R12)."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from steadymap.tasks.store.check_store import check_store
from steadymap.tasks.store.layout import Store
from tests.chaos.row import Reached, Scale
from tests.chaos.sweeps import bytes_that_count, ended, in_a_child, sweep_here, tiny_config, tiny_data

PROJECT = Path(__file__).resolve().parents[2]

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Etc/UTC")


def many_sweeps(scale: Scale) -> Reached:
    """Let 2 to 8 processes want the same run at once; every fourth time half of them want one that shares pictures."""
    reached, chance = Reached(), scale.random()
    data = tiny_data(scale.folder)
    configs = [tiny_config(data), tiny_config(data, seeds=[1, 2])]
    for config in configs:
        sweep_here(config, scale.folder / "undisturbed")
    expected = bytes_that_count(scale.folder / "undisturbed")
    sweep_here(configs[0], scale.folder / "first")
    of_first = bytes_that_count(scale.folder / "first")
    root, told = scale.folder / "store", scale.folder / "told"
    for number in range(scale.of(500, 4)):
        shutil.rmtree(root, ignore_errors=True)
        shutil.rmtree(told, ignore_errors=True)
        told.mkdir()
        both = number % 4 == 3
        asked = [configs[place % 2 if both else 0] for place in range(chance.randint(2, 8))]

        def work(place: int, config: object) -> None:
            swept = sweep_here(config, root)
            (told / f"{place}.json").write_text(json.dumps([swept.run, swept.computed]), encoding="utf-8")

        children = [in_a_child(lambda p=p, c=c: work(p, c)) for p, c in enumerate(asked)]
        codes = [ended(child) for child in children]
        drawn: Counter[str] = Counter()
        for file in told.glob("*.json"):
            run, computed = json.loads(file.read_text(encoding="utf-8"))
            drawn[run] += computed
        doubled = not both and list(drawn.values()) != [5]
        same = bytes_that_count(root) == (expected if both else of_first)
        damaged = check_store(Store(root)).of("damaged")
        reached.expect(
            set(codes) == {0} and same and not doubled and not damaged,
            f"{number}: {codes=} {same=} {drawn=} {damaged=}",
        )
    return reached


def schedules(scale: Scale) -> Reached:
    """Follow nightly schedules over a year with both changes of the clock: a night a day, none twice, none left out."""
    import asyncio

    from prefect.client.schemas.schedules import CronSchedule

    reached = Reached()
    shipped = yaml.safe_load((PROJECT / "prefect.yaml").read_text(encoding="utf-8"))
    for deployment in shipped["deployments"]:
        for _ in deployment.get("schedules", ()):
            limit = deployment["concurrency_limit"]
            # After days without a worker all nights that were missed are there at once: one runs, the others do not.
            reached.expect(limit["limit"] == 1 and limit["collision_strategy"] == "CANCEL_NEW", f"{deployment['name']}")
    minutes = range(0, 60, 30) if scale.short else range(0, 60, 10)
    for zone in ZONES:
        for hour in (1, 2, 3) if scale.short else range(24):
            for minute in minutes:
                schedule = CronSchedule(cron=f"{minute} {hour} * * *", timezone=zone)
                begin = datetime(2026, 1, 1, tzinfo=UTC)
                found = asyncio.run(_dates(schedule, begin, begin + timedelta(days=370)))
                days = Counter(one.astimezone(ZoneInfo(zone)).date() for one in found)
                twice = [day for day, times in days.items() if times > 1]
                span = (max(days) - min(days)).days + 1
                reached.expect(
                    not twice and len(days) == span, f"{hour}:{minute:02d} {zone}: {twice=} {span - len(days)} missed"
                )
    return reached


async def _dates(schedule: object, begin: datetime, end: datetime) -> list[datetime]:
    from prefect.server.schemas.schedules import CronSchedule

    known = CronSchedule.model_validate(schedule.model_dump())
    return await known.get_dates(n=500, start=begin, end=end)
