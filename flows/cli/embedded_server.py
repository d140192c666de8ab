"""Prefect's embedded server, which runs for the time of a flow where no other server is set."""

from __future__ import annotations

import contextlib
import contextvars
import signal
import threading

from prefect.client.orchestration import get_client


def start_server() -> None:
    """Start it so that Ctrl-C, which a terminal sends to all processes, does not end it.

    A flow that is interrupted tells its server so; where that is gone, too, Prefect tries for a minute and fails.
    """
    settings = contextvars.copy_context()  # Prefect keeps them there, and a thread begins without
    starter = threading.Thread(target=settings.run, args=(_start_deaf,), name="embedded server", daemon=True)
    starter.start()
    starter.join()  # in a thread, so that this one hears Ctrl-C meanwhile


def _start_deaf() -> None:
    # A process inherits what the thread that starts it blocks.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    # What keeps it from starting the flow meets, too, and tells.
    with contextlib.suppress(Exception), get_client(sync_client=True):
        pass
