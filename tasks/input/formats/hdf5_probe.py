"""Read parts of an HDF5 file and throw them away: runs in a process of its own, which a damaged file may hang or kill.

``python -m steadymap.tasks.input.formats.hdf5_probe FILE deep|shallow PART…``. What is wrong in a
way that HDF5 notices is none of this program's business: the reader will say so.
"""

from __future__ import annotations

import contextlib
import sys
from importlib import import_module
from typing import Any

from steadymap.tasks.input.formats.hdf5_file import check, linked


def main() -> None:
    """Read what the command line names."""
    h5py = import_module("h5py")
    path, depth, *parts = sys.argv[1:]
    with contextlib.suppress(Exception), h5py.File(path, "r") as file:
        for name in parts:
            with contextlib.suppress(Exception):
                read_through(linked(file, name), deep=depth == "deep")


def read_through(element: Any, *, deep: bool) -> None:
    """Read attributes, and all that is below a group; of arrays what passes the checks of every reader.

    What raises in one place says nothing of the others: a reader may come to them, too.
    """
    for attribute in element.attrs:
        with contextlib.suppress(Exception):
            element.attrs[attribute]
    if not hasattr(element, "shape"):
        for name in element:
            with contextlib.suppress(Exception):
                read_through(linked(element, name), deep=deep)
    elif deep:
        check(element, element.name)
        element[()]


if __name__ == "__main__":
    main()
