"""Write the latent vectors of one step of a training, ``steadymap.log_checkpoint``, and find what was written.

A file a step, whole or not there: who watches the folder never reads half of one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from steadymap.configs.errors import InputError
from steadymap.tasks.store.files import committed_file

LARGEST_STEP = 10**12 - 1
"""Twelve digits in a file's name, so that names are ordered as steps are."""

NAME = re.compile(r"step-(\d{12})\.npz")


def log_checkpoint(
    latents: Any,
    ids: Sequence[Any],
    *,
    step: int,
    folder: Path | str = "checkpoints",
    labels: Sequence[Any] | None = None,
    log_variance: Any = None,
) -> Path:
    """Write the latent vectors of the same inputs at one step of a training; `steadymap watch FOLDER` follows them.

    Parameters
    ----------
    latents
        Shape (n, d): an array, or a tensor of any device (its gradient is left out). Of a variational encoder the
        means.
    ids
        A name for every row, none twice: steps, and other trainings, are joined by them.
    step
        0 to 10¹² − 1; a step that is written again replaces what was there.
    folder
        Made where it is not there.
    labels
        A class for every row; it colours the pictures.
    log_variance
        log σ² of a variational encoder, shaped as the latents.

    Returns
    -------
    Path
        The file, ``step-000000001200.npz``.

    Raises
    ------
    InputError
        Shapes do not fit, a value is not finite, an id is there twice, or the step is no such number.
    """
    arrays = {"latents" if log_variance is None else "mu": _matrix(latents, "latents"), "id": _names(ids, "ids")}
    rows = len(next(iter(arrays.values())))
    if log_variance is not None:
        arrays["logvar"] = _matrix(log_variance, "log_variance")
    if labels is not None:
        arrays["label"] = _names(labels, "labels")
    _check(arrays, rows)
    target = Path(folder) / f"step-{_checked_step(step):012d}.npz"
    with committed_file(target) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    return target


def list_checkpoints(folder: Path) -> dict[int, Path]:
    """Return the checkpoints in a folder by step, in order; what is being written has another name."""
    found = {int(match[1]): path for path in folder.glob("step-*.npz") if (match := NAME.fullmatch(path.name))}
    return dict(sorted(found.items()))


def _matrix(values: Any, name: str) -> np.ndarray:
    """Return numbers as float32, from an array or a tensor."""
    if hasattr(values, "detach"):  # a tensor of PyTorch; bfloat16 has no NumPy type
        values = values.detach().float().cpu().numpy()
    matrix = np.asarray(values, dtype=np.float32)
    if matrix.ndim != 2:
        raise InputError(
            f"shape {matrix.shape}",
            place=name,
            rule="a row per input, a column per dimension",
            remedy=f"{name}.reshape(len({name}), -1)",
        )
    if not np.isfinite(matrix).all():
        row = int(np.flatnonzero(~np.isfinite(matrix).all(axis=1))[0])
        raise InputError(
            f"row {row} holds a value that is not finite",
            place=name,
            rule="finite numbers",
            remedy="has the training diverged?",
        )
    return matrix


def _names(values: Sequence[Any], name: str) -> np.ndarray:
    """Return texts of one fixed width, which need no unpickling."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    names = np.asarray([str(value) for value in values], dtype=np.str_)
    if names.size and int(names.dtype.itemsize) == 0:
        raise InputError("every text is empty", place=name, rule="a name for every row")
    return names


def _check(arrays: dict[str, np.ndarray], rows: int) -> None:
    for name, array in arrays.items():
        if len(array) != rows:
            raise InputError(f"{len(array)} of {name} for {rows} rows", rule="one for every row")
    if "logvar" in arrays and arrays["logvar"].shape != arrays["mu"].shape:
        raise InputError(
            f"log σ² of shape {arrays['logvar'].shape} beside latents of shape {arrays['mu'].shape}",
            place="log_variance",
            rule="a value for every row and dimension",
        )
    names, counts = np.unique(arrays["id"], return_counts=True)
    if np.any(counts > 1):
        raise InputError(
            f"{str(names[counts > 1][0])!r} is there {int(counts.max())} times",
            place="ids",
            rule="no id twice: rows are followed by them",
            remedy="gather the validation set once, without repeated batches",
        )


def _checked_step(step: int) -> int:
    if isinstance(step, bool) or int(step) != step or not 0 <= step <= LARGEST_STEP:
        raise InputError(f"step {step!r}", place="step", rule=f"a whole number, 0 to {LARGEST_STEP:,}")
    return int(step)
