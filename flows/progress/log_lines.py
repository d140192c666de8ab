"""Progress as log lines, for runs that nobody watches in a terminal."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from steadymap.tasks.progress import Announcement, Stage

LEAST_SECONDS = 20.0
"""Between two lines: a log is read by people, and a stage that takes less is not worth one."""


class LogProgress:
    """Writes a line now and then, however fast the work goes, and one at the end of a stage that took its time."""

    def __init__(
        self, logger: logging.Logger | logging.LoggerAdapter[Any], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._logger = logger
        self._clock = clock
        self._told = clock()
        self._total: dict[Stage, int] = {}
        self._done: dict[Stage, int] = {}
        self._began: dict[Stage, float] = {}

    def __call__(self, announcement: Announcement) -> None:
        """Count an announcement, and write a line when it is time for one."""
        stage, now = announcement.stage, self._clock()
        if announcement.total is not None:
            self._total[stage], self._done[stage], self._began[stage] = announcement.total, 0, now
            return
        self._done[stage] = self._done.get(stage, 0) + announcement.done
        took = now - self._began.get(stage, now)
        ended = self._done[stage] >= self._total.get(stage, 1)
        if (ended and took >= LEAST_SECONDS) or now - self._told >= LEAST_SECONDS:
            self._told = now
            self._logger.info("%s: %d of %d, %.0f s", stage, self._done[stage], self._total.get(stage, 1), took)
