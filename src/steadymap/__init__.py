"""Say which of the clusters in a t-SNE or UMAP picture of a latent space are really there.

``judge``
    Test a clustering that you have: which of its classes are separated in the latent space? In seconds, in memory.
``sweep``
    Draw, score and compare a grid of pictures, judge their clusters, write a report; also inside a Prefect flow.
``sweep_encoders``
    The same over several encoders of the same inputs: which clusters do all of them show?
``SweepConfig``
    What a sweep is asked for.
``open_run``
    The tables of a run, as a notebook shows them.
``log_checkpoint``
    Write the latent vectors of one step of a training, for ``steadymap watch``.

Whatever is named here is loaded when it is first used: ``import steadymap`` itself costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steadymap.configs.errors import InputError
    from steadymap.configs.sweep import SweepConfig
    from steadymap.flows.from_python import sweep, sweep_encoders
    from steadymap.reports.export.notebook import open_run
    from steadymap.tasks.input.checkpoint import log_checkpoint
    from steadymap.tasks.verdicts.judge_partition import judge

__all__ = ["InputError", "SweepConfig", "judge", "log_checkpoint", "open_run", "sweep", "sweep_encoders"]

_HOMES = {
    "InputError": "steadymap.configs.errors",
    "SweepConfig": "steadymap.configs.sweep",
    "judge": "steadymap.tasks.verdicts.judge_partition",
    "log_checkpoint": "steadymap.tasks.input.checkpoint",
    "open_run": "steadymap.reports.export.notebook",
    "sweep": "steadymap.flows.from_python",
    "sweep_encoders": "steadymap.flows.from_python",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'steadymap' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
