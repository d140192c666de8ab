"""A long life (L1): nights on data that changes, in one store; what grows, and what comes back."""

from __future__ import annotations

import gc
from pathlib import Path

import psutil

from steadymap.tasks.store.check_store import check_store
from steadymap.tasks.store.collect_garbage import find_garbage, remove_garbage
from steadymap.tasks.store.layout import Store
from tests.chaos.row import Reached, Scale
from tests.chaos.sweeps import sweep_here, tiny_config, tiny_data

KEPT = 7
WARM = 5
MOST_MEMORY_A_NIGHT = 400_000


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
        sizes.append(_size(root))
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
    kept = _size(root)
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


def _size(root: Path) -> int:
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
