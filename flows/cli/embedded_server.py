"""Prefect's embedded server, which runs for the time of a flow where no other server is set."""

from __future__ import annotations

import contextvars
import os
import signal
import threading

from prefect.client.orchestration import get_client

from steadymap.configs.errors import InputError


def start_server() -> None:
    """Start it so that Ctrl-C, which a terminal sends to all processes, does not end it.

    A flow that is interrupted tells its server so; where that is gone, too, Prefect tries for a minute and fails.

    Raises
    ------
    InputError
        It does not start.
    """
    faults: list[Exception] = []
    settings = contextvars.copy_context()  # Prefect keeps them there, and a thread begins without
    starter = threading.Thread(target=settings.run, args=(_start_deaf, faults), name="embedded server", daemon=True)
    starter.start()
    starter.join()  # in a thread, so that this one hears Ctrl-C meanwhile
    if faults:
        lines = str(faults[0]).strip().splitlines() or [type(faults[0]).__name__]
        raise InputError(
            f"Prefect's embedded server does not start: {lines[0][:300]}",
            place=f"PREFECT_HOME {os.environ.get('PREFECT_HOME', '~/.prefect')}",
            rule="a sweep runs under Prefect; where no server is named, one is started with its database there",
            remedy="name another folder for its database, such as PREFECT_HOME=$(mktemp -d); or start a server "
            "(`prefect server start`) and export PREFECT_API_URL",
        )


def _start_deaf(faults: list[Exception]) -> None:
    # A process inherits what the thread that starts it blocks.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with get_client(sync_client=True):
            pass
    except Exception as error:  # whatever it is, the flow would meet it again, after as long a wait
        faults.append(error)
