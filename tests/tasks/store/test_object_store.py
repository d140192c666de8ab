"""Transfers that fail: what passes by itself is tried again and told, what does not is told at once."""

from __future__ import annotations

import errno
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest

from steadymap.configs.errors import InputError
from steadymap.tasks.progress import telling
from steadymap.tasks.store import object_store
from steadymap.tasks.store.object_store import Remote, UnreachedError


class EndpointConnectionError(Exception):
    """What botocore calls an end that does not answer; the extra that has botocore need not be installed here."""


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> Remote:
    """Return an empty store in memory; pauses take no time."""
    monkeypatch.setattr(object_store, "PAUSES_SECONDS", (0.0, 0.0, 0.0))
    name = uuid.uuid4().hex
    return Remote(f"memory://{name}", fsspec.filesystem("memory"), f"/{name}")


def failing(monkeypatch: pytest.MonkeyPatch, files: Any, method: str, *errors: Exception) -> list[Exception]:
    """Have a method of a file system raise errors, one a call, before it works again; return those that are left."""
    works: Callable[..., Any] = getattr(type(files), method)
    left = list(errors)

    def called(self: Any, *given: Any, **named: Any) -> Any:
        if left:
            raise left.pop(0)
        return works(self, *given, **named)

    monkeypatch.setattr(type(files), method, called)
    return left


PASSING = [
    ConnectionResetError("reset"),
    TimeoutError("no answer"),
    EndpointConnectionError("nobody"),
    OSError(errno.EBUSY, "SlowDown"),
    OSError(errno.EREMOTEIO, "InternalError"),
]


@pytest.mark.parametrize("error", PASSING, ids=lambda one: type(one).__name__ + str(getattr(one, "errno", "")))
def test_what_passes_is_tried_again_and_told(
    remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    remote.write("first", b"reached")
    file = tmp_path / "cell.npy"
    np.save(file, np.arange(3))
    left = failing(monkeypatch, remote.files, "put_file", error, error)
    told: list[str] = []
    with telling(told.append):
        remote.write_from(file, "cell.npy")
    assert left == []
    assert remote.read("cell.npy") == file.read_bytes()
    assert len(told) == 2
    assert all(f"{remote.url}: cannot be written: {type(error).__name__}" in one for one in told)


def test_it_ends_after_the_last_pause(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    remote.write("first", b"reached")
    left = failing(monkeypatch, remote.files, "cat_file", *[ConnectionResetError("reset")] * 9)
    with telling(lambda _: None), pytest.raises(UnreachedError, match="ConnectionResetError"):
        remote.read("first")
    assert len(left) == 9 - 4


@pytest.mark.parametrize("error", [PermissionError("no rights"), ValueError("a bad key"), OSError(errno.EINVAL, "no")])
def test_what_does_not_pass_is_told_at_once(remote: Remote, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    remote.write("first", b"reached")
    left = failing(monkeypatch, remote.files, "pipe_file", error, error)
    with pytest.raises(InputError, match=type(error).__name__):
        remote.write("second", b"")
    assert len(left) == 1


def test_a_store_that_was_never_reached_is_not_waited_for(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    left = failing(monkeypatch, remote.files, "pipe_file", *[ConnectionRefusedError("nobody listens")] * 2)
    with pytest.raises(InputError, match="nobody listens"):
        remote.write("first", b"")
    assert len(left) == 1
