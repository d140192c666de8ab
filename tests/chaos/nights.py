"""A long life: nights on data that change; what grows, and what comes back. Of a store (L1), under a server (L2)."""

from __future__ import annotations

import gc
from pathlib import Path

import psutil

from steadymap.reports.nights.nights import read_record
from steadymap.reports.site.site import build_site
from steadymap.tasks.store.check_store import check_store
from steadymap.tasks.store.collect_garbage import find_garbage, remove_garbage
from steadymap.tasks.store.layout import Store
from tests.chaos.row import Reached, Scale
from tests.chaos.served_nights import (
    EMPTY_DATABASE,
    PICTURES,
    Grown,
    database,
    flow_runs,
    grow_old,
    in_use,
    is_unchanged,
    nights_in_a_process,
    orphans,
    prefect_server,
    shrink,
    size_of,
)
from tests.chaos.sweeps import sweep_here, tiny_config, tiny_data
from tests.processes import wait_until

KEPT = 7
WARM = 5
MOST_MEMORY_A_NIGHT = 400_000
MOST_A_NIGHT = {"database": 600_000, "record": 15_000, "index": 1_200, "trends": 100}
"""What a night adds to at most, in bytes; a sweep of four pictures a night."""
MOST_IN_ALL = {"morning": 100_000, "report": 200_000, "comparison": 60_000}
"""What a page is at most, however many nights there were."""
FIRST_TREND = 5_000
"""What the list of runs has beside its rows, once a name has two runs."""
MOST_READ = 2
"""Runs that the site reads for a new one: that, and the one that it is compared with."""
FASTER = 1.3
"""How much faster the second half of the nights may grow than the first: twice as fast would be a square."""


def long_life(scale: Scale) -> Reached:
    """Sweep night after night: a night adds what it takes; memory and open files stay; `gc` brings a store back."""
    reached = Reached()
    me, root = psutil.Process(), scale.folder / "store"
    store = Store(root)
    sizes, memory, handles = [0], [0], [0]
    last = {}
    for night in range(scale.of(200, 12)):
        config = tiny_config(tiny_data(scale.folder / "data", seed=night), name="night")
        swept = sweep_here(config, root)
        again = sweep_here(config, root)
        gc.collect()
        sizes.append(size_of(root))
        memory.append(me.memory_info().rss)
        handles.append(me.num_fds())
        last[night] = swept.run
        grown = sizes[-1] - sizes[-2]
        steady = grown <= 1.5 * sizes[1] and handles[-1] <= handles[1] + 2
        reached.expect(
            steady and (again.run, again.computed) == (swept.run, 0) and swept.failed == 0,
            f"night {night}: grown by {grown}, {handles[-1]} open files, {again}",
        )
    nights = len(sizes) - 1
    a_night = (memory[-1] - memory[WARM]) / max(1, nights - WARM)
    reached.expect(a_night < MOST_MEMORY_A_NIGHT, f"memory grows by {a_night / 1e3:.0f} KB a night")
    full = sizes[-1]
    remove_garbage(store, find_garbage(store, keep_runs=KEPT))
    kept = size_of(root)
    fair = 1.5 * KEPT * full / nights
    reached.expect(kept < max(fair, 1.5 * KEPT * sizes[1]), f"{kept} bytes are left for {KEPT} nights")
    reached.expect(check_store(store).faults == (), f"{check_store(store).faults[:3]}")
    for night in range(nights - KEPT, nights):
        config = tiny_config(tiny_data(scale.folder / "data", seed=night), name="night")
        swept = sweep_here(config, root)
        reached.expect((swept.run, swept.computed) == (last[night], 0), f"night {night} was kept, and is drawn again")
    reached.note = (
        f"{full / nights / 1e6:.2f} MB and {a_night / 1e3:.0f} KB of memory a night, "
        f"{max(handles) - handles[1]} more open files; `gc` left {kept / 1e6:.1f} of {full / 1e6:.1f} MB"
    )
    return reached


# --- under a Prefect server -----------------------------------------------------------------------------------------


def served_life(scale: Scale) -> Reached:
    """Run nights under a Prefect server: its database and the pages grow as stated, and come back."""
    reached = Reached()
    folder = scale.folder
    with prefect_server(folder) as environment, nights_in_a_process(folder, environment) as run:
        grown = [run(night) for night in range(scale.of(200, 3))]
        _expect_growth(grown, scale, reached)
        full = in_use(database(folder))
        nights, index = _let_go(folder, grown, reached)
        again, after = run(grown[-1].night), run(grown[-1].night + 1)
    reached.expect(again.computed == 0, f"the last night was kept, and is drawn again: {again}")
    expected = 0 if is_unchanged(after.night) else PICTURES
    reached.expect(after.computed == expected, f"the night after: {after}")
    recorded = len(read_record(folder / "store").sweeps)
    reached.expect(recorded == len(grown) + 2, f"the record has {recorded} of {len(grown) + 2} nights")
    shrink(database(folder))
    left, most = size_of(database(folder)), EMPTY_DATABASE + MOST_A_NIGHT["database"] * (nights + 2)
    reached.expect(left <= min(most, full), f"{left} of {full} bytes of the database are left for {nights + 2} nights")
    reached.note += (
        f"; of {full / 1e6:.1f} MB of the database {left / 1e6:.1f} are left for {nights + 2} nights once the others "
        f"are past the server's retention, and of the list of runs {index / 1e3:.0f} KB after `gc`"
    )
    return reached


def _expect_growth(grown: list[Grown], scale: Scale, reached: Reached) -> None:
    """Expect that a night adds what it takes, as much in the second half as in the first, and that pages stay."""
    for one in grown:
        expected = 0 if is_unchanged(one.night) else PICTURES
        small = all(getattr(one, name) <= most for name, most in MOST_IN_ALL.items())
        reached.expect(one.computed == expected and one.read <= MOST_READ and small, f"{one}")
    pace = {name: _pace(grown, name) for name in MOST_A_NIGHT}
    for name, (first, second) in pace.items():
        # A few nights have no first half: the second of them brings the trends.
        steady = second <= MOST_A_NIGHT[name] and (scale.short or first <= MOST_A_NIGHT[name])
        steady &= scale.short or second <= FASTER * first
        reached.expect(steady, f"{name} grows by {first:,.0f} bytes a night, and then by {second:,.0f}")
    last, pages = grown[-1], {name: max(getattr(one, name) for one in grown) / 1e3 for name in MOST_IN_ALL}
    reached.note = (
        f"a night of {PICTURES} pictures adds {pace['database'][1] / 1e3:.0f} KB to the server's database, "
        f"{pace['record'][1] / 1e3:.0f} KB to the record of nights, {pace['index'][1] / 1e3:.1f} KB to the list of "
        f"runs ({last.index / 1e3:.0f} KB of {last.runs}), which reads {max(one.read for one in grown)} of them; the "
        f"morning's page has {pages['morning']:.0f} KB at most, a report {pages['report']:.0f}, a comparison "
        f"{pages['comparison']:.0f}"
    )


def _pace(grown: list[Grown], name: str) -> tuple[float, float]:
    """Return by how much a night that sweeps makes something larger, in the first half of the nights and the second."""
    after = grown[min(WARM, len(grown) // 2 - 1) :]
    half = len(after) // 2
    first, second = after[: half + 1], after[half:]
    return _growth(first, name), _growth(second, name)


def _growth(grown: list[Grown], name: str) -> float:
    swept = sum(one.computed > 0 for one in grown[1:])
    return float(getattr(grown[-1], name) - getattr(grown[0], name)) / max(1, swept)


def _let_go(folder: Path, grown: list[Grown], reached: Reached) -> tuple[int, int]:
    """Let go old runs of the server and of the store; return how many nights stay, and the size of the list of runs."""
    store, file = Store(folder / "store"), database(folder)
    nights = min(KEPT, len(grown) // 2)
    kept = grow_old(file, nights)
    wait_until(lambda: flow_runs(file) <= kept and not orphans(file), "the server's retention", None)
    reached.expect(flow_runs(file) == kept, f"the server has {len(flow_runs(file))} flow runs, not {len(kept)}")
    remove_garbage(store, find_garbage(store, keep_runs=nights))
    built = build_site(store.root)
    index, runs = size_of(built.index), min(nights, grown[-1].runs)
    reached.expect(built.runs == runs and not built.unreadable, f"{built}")
    most = grown[0].index + FIRST_TREND + MOST_A_NIGHT["index"] * runs
    reached.expect(index <= most, f"the list of {runs} runs has {index} bytes")
    pages = sum(1 for _ in built.index.parent.glob("compare/*/index.html"))
    reached.expect(pages == runs - 1, f"{pages} comparisons of {runs} runs")
    faults = check_store(store).faults
    reached.expect(faults == (), f"{faults[:3]}")
    return nights, index
