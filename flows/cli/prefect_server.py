"""Which Prefect server a command uses, decided before Prefect is imported, which reads its settings only once.

A server named in the environment is used, or missed with an error at once. That of the user's active profile is used
where it answers. Else the embedded server runs, and nothing that lies about (a ``.env`` or ``prefect.toml`` in the
working directory, a profile, a home folder that cannot be written) has a say in it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
import tomllib
import urllib.error
import urllib.request
from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steadymap.configs.errors import InputError

if TYPE_CHECKING:
    from steadymap.tasks.store.layout import Store

URL = "PREFECT_API_URL"
DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
PATIENCE_SECONDS = 5
STRAYS = (".env", "prefect.toml", "pyproject.toml")
"""Files in the working directory in which Prefect looks for settings."""


PREFECT_SETTINGS = {
    # The embedded server takes 12 to 17 s; its own limit of 20 s fails on a busy machine.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    # SQLite answers "database is locked" even under light load.
    "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
    # A tool that runs on private data calls nobody.
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # The terminal shows progress instead.
    "PREFECT_LOGGING_LEVEL": "WARNING",
}
"""Set where the user has set nothing."""


def choose_server(environment: MutableMapping[str, str] | None = None) -> list[str]:
    """Set up Prefect's environment; return what a person should know of it.

    Parameters
    ----------
    environment
        What is read and changed; default: that of this process.

    Raises
    ------
    InputError
        The server that the environment names does not answer.
    """
    settings = os.environ if environment is None else environment
    named = settings.get(URL, "").strip()
    if named:
        _require_answer(named)
        return []
    told = [] if _is_writable(_home(settings)) else _move_home(settings)
    profile = _url_of_profile(settings)
    if profile is not None and _answer(profile[0]) is None:
        settings[URL] = profile[0]
        return told
    if profile is not None:
        told.append(f"the server {profile[0]} of {profile[1]} does not answer: the embedded one is used")
    strays = [name for name in STRAYS if _sets_prefect(Path(name))]
    _use_embedded(settings)
    if strays:
        told.append(f"Prefect's settings in {strays[0]} of this folder are not taken: export {URL} to name a server")
        settings.setdefault(DATABASE, f"sqlite+aiosqlite:///{_home(settings)}/prefect.db")  # of the server's process
        if environment is None:
            _import_elsewhere()
    return told


def _use_embedded(settings: MutableMapping[str, str]) -> None:
    """Set what the embedded server hangs on: the environment comes before all files.

    The URL is no part of it: Prefect takes an empty one for a server, and sends events there.
    """
    settings.pop(URL, None)
    settings["PREFECT_SERVER_EPHEMERAL_ENABLED"] = "true"
    settings["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] = "true"
    settings["PREFECT_PROFILES_PATH"] = str(_home(settings) / "no-profiles.toml")


def _import_elsewhere() -> None:
    """Import Prefect, which reads the files of the working directory once, from a folder without any."""
    with tempfile.TemporaryDirectory() as nowhere, contextlib.chdir(nowhere):
        importlib.import_module("prefect.main")


def _require_answer(url: str) -> None:
    reason = _answer(url)
    if reason is not None:
        raise InputError(
            f"the Prefect server {url} does not answer: {reason}",
            place=f"{URL} of the environment",
            rule="where a server is named, the run is told to it",
            remedy=f"start it (`prefect server start`) or correct the URL; or `unset {URL}`: the embedded server is "
            "then used",
        )


def _answer(url: str) -> str | None:
    """Return None where something answers, whatever it says; else why not."""
    if not url.startswith(("http://", "https://")):
        return "it is no http(s):// address"
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=PATIENCE_SECONDS):  # noqa: S310 - checked above
            return None
    except urllib.error.HTTPError as error:
        error.close()
        return None
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))


def _home(settings: MutableMapping[str, str]) -> Path:
    given = settings.get("PREFECT_HOME")
    return Path(given) if given else Path(os.path.expanduser("~")) / ".prefect"  # noqa: PTH111 - raises nothing


def _is_writable(home: Path) -> bool:
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            return home.is_absolute()
    except OSError:
        return False


def _move_home(settings: MutableMapping[str, str]) -> list[str]:
    """Give Prefect, Matplotlib and Numba a folder that can be written, for as long as this command runs."""
    folder = tempfile.mkdtemp(prefix="steadymap-home-")
    unusable = _home(settings)
    settings["PREFECT_HOME"] = folder
    settings.setdefault("MPLCONFIGDIR", folder)
    settings.setdefault("NUMBA_CACHE_DIR", folder)
    return [f"{unusable} cannot be written: Prefect keeps its database in {folder}"]


def _url_of_profile(settings: MutableMapping[str, str]) -> tuple[str, str] | None:
    """Return the server of the user's active profile, and where it is written."""
    place = Path(settings.get("PREFECT_PROFILES_PATH") or _home(settings) / "profiles.toml")
    known = _read_toml(place)
    active = settings.get("PREFECT_PROFILE") or known.get("active")
    profile = known.get("profiles", {}).get(active, {})
    url = profile.get(URL) if isinstance(profile, dict) else None
    return (str(url), f"profile {active!r} in {place}") if url else None


def _sets_prefect(file: Path) -> bool:
    """Say whether a file in the working directory tells Prefect which server or database to use."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    if file.suffix != ".toml":
        return "PREFECT_" in text
    found = _read_toml(file)
    prefect = found.get("tool", {}).get("prefect", {}) if file.name == "pyproject.toml" else found
    if not isinstance(prefect, dict):
        return False
    server = prefect.get("server", {})
    return bool(prefect.get("api") or server.get("database") or server.get("ephemeral", {}).get("enabled") is False)


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def tell_server(told: list[str]) -> None:
    """Print what a person should know of the server, beside whatever the command prints."""
    for line in told:
        print(f"steadymap: {line}", file=sys.stderr)


def prepare_engine(store: Store) -> None:
    """Let workers warm up while the rest is imported and read; where the store has cells, they may not be needed."""
    from steadymap.tasks.workers import warm_up

    tell_server(choose_server())
    if not (store.root / "cells").is_dir():
        warm_up()
