"""Read the outcome of a split back from the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from steadymap.tasks.store.files import map_array, read_meta

if TYPE_CHECKING:
    from steadymap.tasks.numerics.verdicts.combine_splits import SplitOutcome


def read_split(folder: Path, rows: int) -> SplitOutcome:
    """Read a split from the store; ``rows`` are those of the data."""
    from steadymap.tasks.numerics.valleys.valley import Valley
    from steadymap.tasks.numerics.valleys.valley_depth import read_depth
    from steadymap.tasks.numerics.verdicts.combine_splits import SplitOutcome
    from steadymap.tasks.numerics.verdicts.split_test import Node, SplitTest

    meta = read_meta(folder)
    discovery = np.zeros(rows, dtype=np.bool_)
    discovery[map_array(folder, "positions")] = True
    nodes = []
    for told in meta["nodes"]:
        ground = dict(told["valley"])
        depth = None if ground["depth"] is None else read_depth(ground["depth"])
        sides = {name: tuple(ground[name]) for name in ("rows", "patch", "held_out")}
        valley = Valley(**{**ground, **sides, "depth": depth})
        nodes.append(Node(tuple(told["fragments"]), told["rows"], valley, told["weight"], told["p"]))
    test = SplitTest(
        np.array(map_array(folder, "clusters")),
        tuple(meta["p_values"]),
        np.array(map_array(folder, "fragments")),
        tuple(nodes),
    )
    return SplitOutcome(discovery, test)
