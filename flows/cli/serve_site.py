"""Show a store's site to the browsers of this machine. For a look; a team's web server shows the folder as it is."""

from __future__ import annotations

import functools
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

from steadymap.configs.errors import InputError

LOOPBACK = "127.0.0.1"
SHOWN = ("site", "runs")
"""Folders of a store that pages link to; the rest is nobody's business."""

NAMES = (LOOPBACK, "localhost")


class Pages(SimpleHTTPRequestHandler):
    """Gives files of the site and of runs, to who asks for this machine by name."""

    def send_head(self):  # type: ignore[no-untyped-def] # as the base class has it
        """Refuse what is no page; a foreign Host would be a page elsewhere that reads this one."""
        host = (self.headers.get("Host") or "").rpartition(":")[0]
        # The file that it would give, links and escaped dots resolved, and not the words of the address.
        file, root = Path(self.translate_path(self.path)).resolve(), Path(self.directory).resolve()
        if host not in NAMES or not any(file.is_relative_to(root / one) for one in SHOWN):
            self.send_error(404)
            return None
        return super().send_head()

    def list_directory(self, path):  # type: ignore[no-untyped-def] # likewise
        """List no folder."""
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def open_site(root: Path, port: int) -> ThreadingHTTPServer:
    """Listen on loopback only.

    Raises
    ------
    InputError
        Somebody else listens there.
    """
    try:
        return ThreadingHTTPServer((LOOPBACK, port), functools.partial(Pages, directory=str(root)))
    except OSError as error:
        raise InputError(f"--port {port}: {error.strerror}", remedy="name another one") from None


def serve_site(root: Path, index: Path, port: int) -> None:
    """Show the site until Ctrl-C."""
    if not index.is_relative_to(root):
        raise InputError(f"--out {index.parent}", rule="--serve shows the site in the store", remedy="leave --out away")
    with open_site(root, port) as server:
        way = quote(index.relative_to(root).as_posix())
        print(f"http://{LOOPBACK}:{server.server_port}/{way} (Ctrl-C ends it)", flush=True)
        server.serve_forever()
