"""Something that is said again and again while a block runs: that whoever said it is still there."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from steadymap.configs.errors import InputError


@contextlib.contextmanager
def renewed(say: Callable[[], bool], seconds: float, name: str) -> Iterator[None]:
    """Call ``say`` in a thread of this name, every so many seconds, until the block ends or it returns False.

    A store that cannot be reached is asked again the next time.
    """
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(seconds):
            with contextlib.suppress(InputError):  # the network may be back at the next
                if not say():
                    return

    renewal = threading.Thread(target=renew, name=name, daemon=True)
    renewal.start()
    try:
        yield
    finally:
        ended.set()
        renewal.join()
