"""Progress as log lines, for runs that nobody watches in a terminal."""

from __future__ import annotations

import logging
from typing import Any

from steadymap.tasks.progress import Announcement, Stage

LINES_PER_STAGE = 10


class LogProgress:
    """Writes a line at every tenth of a stage."""

    def __init__(self, logger: logging.Logger | logging.LoggerAdapter[Any]) -> None:
        self._logger = logger
        self._total: dict[Stage, int] = {}
        self._done: dict[Stage, int] = {}

    def __call__(self, announcement: Announcement) -> None:
        """Count an announcement and write a line when a tenth is full."""
        stage = announcement.stage
        if announcement.total is not None:
            self._total[stage], self._done[stage] = announcement.total, 0
            return
        before = self._done.get(stage, 0)
        self._done[stage] = before + announcement.done
        total = max(1, self._total.get(stage, 1))
        if self._done[stage] * LINES_PER_STAGE // total > before * LINES_PER_STAGE // total:
            self._logger.info("%s: %d of %d", stage, self._done[stage], total)
