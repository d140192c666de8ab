"""Prefect's embedded server, which runs for the time of a flow where no other server is set.

It runs in a session of its own, so that what a terminal or a service manager sends to all processes of a command
(Ctrl-C, SIGTERM, a closed terminal) does not end it: a flow that is interrupted tells its server so, and where that is
gone, too, Prefect tries for a minute and fails. It ends with the command that started it, however that ends.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import os
import subprocess
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from prefect.client.orchestration import get_client
from prefect.server.api import server as server_module

from steadymap.configs.errors import InputError

_watched: set[int] = set()

LOOK_SECONDS, SECONDS_TO_GIVE_UP = 0.05, 10.0
PORT_TAKEN, MOST_STARTS = 3, 3
"""What uvicorn ends with where its port is taken, or its database cannot be used, and how often that is tried again."""


def start_server() -> None:
    """Start it, where it is needed.

    Raises
    ------
    InputError
        It does not start.
    """
    faults: list[Exception] = []
    settings = contextvars.copy_context()  # Prefect keeps them there, and a thread begins without
    starter = threading.Thread(target=settings.run, args=(_start_apart, faults), name="embedded server", daemon=True)
    starter.start()
    deaths: set[int] = set()
    while starter.is_alive():
        starter.join(LOOK_SECONDS)  # in a thread, so that this one hears Ctrl-C meanwhile
        if not faults and (told := _dies_again_and_again(deaths)):
            faults.append(RuntimeError(told))
            starter.join(SECONDS_TO_GIVE_UP)  # a thread that still writes while Python ends would abort it
            break
    if faults:
        lines = str(faults[0]).strip().splitlines() or [type(faults[0]).__name__]
        raise InputError(
            f"Prefect's embedded server does not start: {lines[0][:300]}",
            place=f"PREFECT_HOME {os.environ.get('PREFECT_HOME', '~/.prefect')}",
            rule="a sweep runs under Prefect; where no server is named, one is started with its database there",
            remedy="name another folder for its database, such as PREFECT_HOME=$(mktemp -d); or start a server "
            "(`prefect server start`) and export PREFECT_API_URL",
        )


def _dies_again_and_again(deaths: set[int]) -> str | None:
    """Say how the server ends where it does so for good; Prefect would start it again for ever, or wait to the end.

    Parameters
    ----------
    deaths
        Processes that have been seen to end; added to.
    """
    for one in list(server_module.SubprocessASGIServer._instances.values()):
        process = one.server_process
        code = None if process is None else process.poll()
        if process is None or code is None:
            continue
        deaths.add(process.pid)
        if code != PORT_TAKEN or len(deaths) >= MOST_STARTS:

            def no_more() -> Any:
                raise RuntimeError("it ends as soon as it is started")

            # As if its port were taken: Prefect begins anew at once, which ends the wait.
            process.poll = lambda: PORT_TAKEN  # type: ignore[method-assign]
            one._run_uvicorn_command = no_more  # type: ignore[method-assign]
            return f"it ends at once, with code {code}"
    return None


def _start_apart(faults: list[Exception]) -> None:
    try:
        with _sessions_of_their_own(), get_client(sync_client=True):
            pass
    except Exception as error:  # whatever it is, the flow would meet it again, after as long a wait
        faults.append(error)
    for one in list(server_module.SubprocessASGIServer._instances.values()):
        if one.server_process is not None:
            _end_with_this_process(one.server_process.pid)


@contextlib.contextmanager
def _sessions_of_their_own() -> Iterator[None]:
    """Have Prefect's module start processes in a session of their own; no other module notices."""
    apart = functools.partial(subprocess.Popen, start_new_session=True)
    names = {name: getattr(subprocess, name) for name in ("TimeoutExpired", "PIPE", "DEVNULL")}
    server_module.subprocess = SimpleNamespace(**names, Popen=apart)  # type: ignore[assignment,attr-defined]
    try:
        yield
    finally:
        server_module.subprocess = subprocess  # type: ignore[attr-defined]


def _end_with_this_process(server: int) -> None:
    """Have somebody wait for the end of this process, who then ends the server: a kill -9 leaves none behind.

    The pipe that is waited on closes when this process is gone, and only then: nothing that is started inherits it.
    """
    if server in _watched:
        return
    _watched.add(server)
    heard, _held = os.pipe()  # the end that is held is never closed, and closes with this process
    command = ["/bin/sh", "-c", f"cat; kill -TERM {server}"]
    nowhere = subprocess.DEVNULL
    watcher = subprocess.Popen(  # noqa: S603 - a number of ours
        command, stdin=heard, stdout=nowhere, stderr=nowhere, start_new_session=True
    )
    os.close(heard)
    watcher.returncode = 0  # nobody waits for it: it ends after this process
