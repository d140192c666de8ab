"""Parts of an HDF5 file: none that lies in another file, claims more than the file or the memory holds, or harms HDF5.

The HDF5 library trusts what it reads: a file of which some bytes were changed can make it hang or crash. So every part
is first read in a process of its own, with a time limit, and thrown away; only then is it read here.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from steadymap.configs.errors import InputError
from steadymap.tasks.input.formats.data_file import ABOVE_SUSPICION_BYTES, LARGEST_EXPANSION, check_fits

REHEARSAL_SECONDS = 60
SLOWEST_BYTES_A_SECOND = 2_000_000
"""What the time limit allows for, beyond the first minute; a slow disk reads faster, packed data included."""


def rehearse(file: Path, parts: Sequence[str], *, deep: bool = True) -> None:
    """Read parts of a file in a process of its own.

    Parameters
    ----------
    file, parts
        The file, and groups or arrays in it by their full names; what is not there is left out.
    deep
        Whether arrays are read, too, or only what they are called and how large they are.

    Raises
    ------
    InputError
        HDF5 did not come to an end with it, or crashed.
    """
    limit = REHEARSAL_SECONDS + file.stat().st_size / SLOWEST_BYTES_A_SECOND
    # Whatever this process can import, the other one can; nothing of it is found by the folder it happens to be in.
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [
        sys.executable,
        "-m",
        "steadymap.tasks.input.formats.hdf5_probe",
        str(file),
        "deep" if deep else "shallow",
        *parts,
    ]
    try:
        # The program is our own, and names of a file and its parts are arguments, not parts of a command line.
        ended = subprocess.run(command, env=surroundings, capture_output=True, timeout=limit, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise _harmful(f"HDF5 comes to no end with it (after {limit:.0f} s)", file) from None
    if ended.returncode < 0:
        raise _harmful(f"HDF5 crashes on it (signal {-ended.returncode})", file)


def _harmful(problem: str, file: Path) -> InputError:
    return InputError(problem, file=file, rule="a whole, undamaged file", remedy="write the file again")


def part(file: Any, name: str) -> Any:
    """Return a member that has to be there, of the same file."""
    if name not in file:
        raise InputError(f"there is no {name} in it", rule="an .h5ad file that AnnData has written")
    return linked(file, name)


def linked(group: Any, name: str) -> Any:
    """Return a member of a group that lies in the same file."""
    if type(group.get(name, getlink=True)).__name__ == "ExternalLink":
        raise _elsewhere(name)
    return group[name]


def check(element: Any, name: str) -> None:
    """Refuse an array, or a group of them, that lies elsewhere, or claims more than the file or the memory can hold."""
    if not hasattr(element, "shape"):
        for member in element:
            check(linked(element, member), name)
        return
    if element.external is not None or element.is_virtual:
        raise _elsewhere(name)
    claimed, stored = size_of(element.shape, element.dtype), element.id.get_storage_size()
    if claimed > ABOVE_SUSPICION_BYTES and claimed > LARGEST_EXPANSION * stored:
        raise InputError(
            f"claims {claimed:,} bytes, the file has {stored:,}",
            place=f"element {name!r}",
            rule=f"at most {LARGEST_EXPANSION} times what is stored",
            remedy="write the file without compression if the data is genuine",
        )
    check_fits(claimed, f"element {name!r}")


def size_of(shape: Sequence[int], dtype: np.dtype[Any]) -> int:
    """Return how many bytes an array takes."""
    return math.prod(int(length) for length in shape) * dtype.itemsize


def _elsewhere(name: str) -> InputError:
    return InputError(
        "lies in another file",
        place=f"element {name!r}",
        rule="one file that holds everything",
        remedy="read it and write it again with AnnData",
    )
