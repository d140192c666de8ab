"""Where everything lies in a store."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_noted: list[set[Path]] = []


@contextlib.contextmanager
def noted_places() -> Iterator[set[Path]]:
    """Note every place that this process asks a store for, inside; whoever cleans up has to know what is in use."""
    places: set[Path] = set()
    _noted.append(places)
    try:
        yield places
    finally:
        _noted.remove(places)


def note_places(places: Iterable[Path]) -> None:
    """Note places that were asked for before, as if they were asked for now."""
    for noted in _noted:
        noted.update(places)


@dataclass(frozen=True)
class Store:
    """Where things lie under the store's root folder.

    Attributes
    ----------
    root
        The folder; of a store that lies far away, this machine's copy of it.
    url
        Where it lies (``steadymap.tasks.store.sync``); None where it is the folder.
    """

    root: Path
    url: str | None = None

    @property
    def place(self) -> str:
        """What a person calls it: its URL or its folder."""
        return self.url or str(self.root)

    def address(self, file: Path) -> str:
        """Return where others find a file of the store: a URL."""
        if self.url is None or not file.is_relative_to(self.root):
            return file.as_uri()
        return f"{self.url}/{file.relative_to(self.root).as_posix()}"

    def cell(self, cell: str) -> Path:
        """Return the file of a cell's embedding."""
        return self._place("cells", cell[:2], f"{cell}.parquet")

    def branches(self, cell: str) -> Path:
        """Return the file of the density tree of a cell's picture."""
        return self._place("branches", cell[:2], f"{cell}.parquet")

    def scores(self, scores: str) -> Path:
        """Return the file of a cell's scores."""
        return self._place("scores", scores[:2], f"{scores}.parquet")

    def row_scores(self, scores: str) -> Path:
        """Return the file with what a cell's scores say of its rows."""
        return self._place("row_scores", scores[:2], f"{scores}.parquet")

    def timing(self, cell: str) -> Path:
        """Return the file that says what a cell took."""
        return self._place("timings", cell[:2], f"{cell}.json")

    def geometry(self, part: str) -> Path:
        """Return the folder of a part of the geometry pass."""
        return self._place("geometry", part)

    def dataset(self, dataset: str) -> Path:
        """Return the folder of a dataset in canonical order."""
        return self._place("datasets", dataset)

    def split(self, split: str) -> Path:
        """Return the folder of what one half proposed and the other tested."""
        return self._place("splits", split)

    def findings(self, run: str) -> Path:
        """Return the folder in which what the steps of a run find waits for its tables."""
        return self._place("findings", run)

    def run(self, run: str) -> Path:
        """Return the folder of a run."""
        return self._place("runs", run)

    def encoders(self, name: str) -> Path:
        """Return the folder of what several encoders of the same inputs say together."""
        return self._place("encoders", name)

    def encoding(self, encoded: str) -> Path:
        """Return the folder in which parts of what a model gives wait for the whole."""
        return self._place("encoding", encoded)

    def _place(self, *parts: str) -> Path:
        place = self.root.joinpath(*parts)
        note_places([place])
        return place
