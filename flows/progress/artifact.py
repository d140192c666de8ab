"""How far a running sweep is, as one progress artifact in Prefect's UI."""

from __future__ import annotations

import logging
import time
from typing import Any, cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from steadymap.tasks.progress import Announcement

KEY = "stability-progress"

LEAST_SECONDS = 5.0
"""An update is a call to the server; more of them would only cost."""


class ProgressArtifact:
    """Follows the cells of one run; a server that does not answer ends the artifact, not the sweep."""

    def __init__(self, run: str, logger: logging.Logger | logging.LoggerAdapter[Any]) -> None:
        self._run = run
        self._logger = logger
        self._artifact: UUID | None = None
        self._total = 0
        self._done = 0
        self._told = 0.0

    def __call__(self, announcement: Announcement) -> None:
        """Begin with the number of cells, count those that are finished, and tell now and then."""
        if announcement.stage != "cells":
            return
        if announcement.total is not None:
            self._total, self._done = announcement.total, 0
            return
        self._done += announcement.done
        finished = self._done >= self._total
        if self._total and (finished or time.monotonic() - self._told >= LEAST_SECONDS):
            self._tell()

    def _tell(self) -> None:
        percent = 100.0 * min(self._done / self._total, 1.0)
        told = f"{self._run}: {self._done:,} of {self._total:,} cells"
        try:
            if self._artifact is None:
                self._artifact = cast("UUID", create_progress_artifact(percent, key=KEY, description=told))
            else:
                update_progress_artifact(self._artifact, percent, description=told)
        except Exception as error:  # whatever the server says, the sweep goes on
            self._logger.warning("no progress in the UI: %s", error)
            self._total = 0
        self._told = time.monotonic()
