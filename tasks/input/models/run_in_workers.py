"""Run models in isolated workers, in chunks that the store keeps: who is stopped in the middle goes on from there.

A model may come from a stranger. One that crashes, hangs or takes all memory ends a worker, and is told as what it is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from steadymap.configs.errors import InputError
from steadymap.tasks.input.models.onnx_model import OnnxModel, Role, open_model, run_model
from steadymap.tasks.progress import Stage, announce_done, announce_total
from steadymap.tasks.store.files import map_array, read_if_whole, read_meta, write_arrays
from steadymap.tasks.workers import Done, Limits, Lost, some_pool

T = TypeVar("T")

CHUNKS = 64
"""Work is kept in at most so many parts, whole batches each: what a stop costs at most is one part a worker."""

REMEDIES = {
    "timeout": "raise `workers: timeout_seconds:`, or lower `batch:`",
    "out_of_memory": "lower `batch:`, or raise `workers: memory_gb:`",
    "crashed": "export the model again, for the version of ONNX Runtime that runs it",
}
"""What to do about a model that was lost, by status."""


@dataclass(frozen=True)
class ModelFile:
    """A model as a config names it."""

    file: Path
    role: Role
    output: str | None = None


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a model that has run on one row.

    Attributes
    ----------
    asked
        As the config names it.
    digest
        SHA-256 of its file.
    runtime
        Version of ONNX Runtime.
    output
        The output that is read.
    fixed_batch
        Rows that it takes at a time, where it takes no other number.
    shape
        Of what it gives of one row.
    """

    asked: ModelFile
    digest: str
    runtime: str
    output: str
    fixed_batch: int | None
    shape: tuple[int, ...]

    def manifest(self) -> dict[str, str]:
        """Return what a run states about the model."""
        return {"file": self.asked.file.name, "sha256": self.digest, "output": self.output, "onnxruntime": self.runtime}


@dataclass(frozen=True)
class Chunk:
    """A part of the work: rows ``first`` to ``last``, and the folder that keeps what became of them."""

    first: int
    last: int
    folder: Path

    @property
    def done(self) -> bool:
        """Whether the store has it, in whole."""
        return read_if_whole(read_meta, self.folder) is not None


def look_at_model(asked: ModelFile, row: np.ndarray, source: str, limits: Limits) -> ModelFacts:
    """Open a model in a worker and run it on one row, shape (1, …).

    Raises
    ------
    InputError
        It cannot be used, or ended its worker.
    """
    with some_pool(limits) as pool:
        facts: ModelFacts = _answer_of(pool.outcome(pool.submit(_answered, _look, asked, row, source)), asked)
    return facts


def _look(asked: ModelFile, row: np.ndarray, source: str) -> ModelFacts:
    model = open_model(asked.file, asked.role, asked.output)
    (given,) = run_model(model, row, 1, source)
    return ModelFacts(asked, model.digest, model.runtime, model.output, model.fixed_batch, given.shape[1:])


def chunks_of(rows: int, batch: int, folder: Path) -> list[Chunk]:
    """Part rows into at most ``CHUNKS`` parts of whole batches; which is which depends on nothing else."""
    batches = -(-rows // batch)
    size = batch * -(-batches // CHUNKS)
    return [Chunk(at, min(rows, at + size), folder / f"{at:012d}") for at in range(0, rows, size)]


def run_chunks(
    work: Callable[..., None],
    chunks: Sequence[Chunk],
    asked: ModelFile,
    limits: Limits,
    stage: Stage,
    *arguments: object,
) -> None:
    """Run ``work(chunk, *arguments)`` in workers for every chunk that the store lacks.

    Raises
    ------
    InputError
        A model cannot be used, or ended a worker; what is finished is kept.
    """
    missing = [chunk for chunk in chunks if not chunk.done]
    announce_total(stage, sum(chunk.last - chunk.first for chunk in missing))
    with some_pool(limits) as pool:
        futures = [pool.submit(_answered, work, chunk, *arguments) for chunk in missing]
        try:
            for chunk, future in zip(missing, futures, strict=True):
                _answer_of(pool.outcome(future), asked)
                announce_done(stage, chunk.last - chunk.first)
        finally:
            for future in futures:
                future.cancel()


def run_chunk(chunk: Chunk, facts: ModelFacts, batch: int, inputs: Path, source: str) -> None:
    """Run a model on the rows of a chunk, and commit what it gives; runs in a worker.

    Parameters
    ----------
    inputs
        A folder with the rows, ``inputs.npy``.
    """
    rows = map_array(inputs, "inputs")[chunk.first : chunk.last]
    with threadpool_limits(1):
        given = list(run_model(opened(facts), np.asarray(rows), batch, source, chunk.first))
    if any(one.shape[1:] != facts.shape for one in given):
        raise InputError(
            f"output {facts.output!r} gives {facts.shape} of one row and {given[0].shape[1:]} of another",
            file=facts.asked.file,
            place=f"{facts.asked.role.place}.output",
            rule="every row gives as much",
            remedy=f"export the {facts.asked.role.name} with fixed axes behind the first",
        )
    write_arrays(chunk.folder, {"given": np.concatenate(given)}, {})


@functools.lru_cache(maxsize=4)
def opened(facts: ModelFacts) -> OnnxModel:
    """Return a model that this worker has open, or open it; it has to be the one that was looked at.

    Raises
    ------
    InputError
        The file has changed since.
    """
    asked = facts.asked
    model = open_model(asked.file, asked.role, asked.output)
    if model.digest != facts.digest:
        raise InputError(
            "the file has changed while it was used",
            file=asked.file,
            place=asked.role.place,
            rule="one model gives all rows",
            remedy="run again when it is written; a file of its own for every training keeps them apart",
        )
    return model


def _answered(work: Callable[..., T], *arguments: object) -> T | InputError:
    """Return an error as an answer: what a worker raises reaches others as a sentence only."""
    try:
        return work(*arguments)
    except InputError as error:
        return error


def _answer_of(outcome: Done[T | InputError] | Lost, asked: ModelFile) -> T:
    if isinstance(outcome, Lost):
        raise InputError(
            f"the {asked.role.name} was stopped: {outcome.status}: {outcome.reason}",
            file=asked.file,
            place=asked.role.place,
            rule="a model runs in a worker, within its time and memory; what was finished is kept",
            remedy=REMEDIES.get(outcome.status, f"export the {asked.role.name} again; docs/encoder.md shows how"),
        )
    if isinstance(outcome.value, InputError):
        raise outcome.value
    return outcome.value
