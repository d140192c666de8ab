"""Decode every row in isolated workers: how well it is rebuilt, and how far off it lands when it is encoded again.

Reconstructions themselves are not kept: what is kept of a row is two numbers, and of all rows their sums.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from steadymap.configs.errors import InputError
from steadymap.tasks.input.models.look_at_decoder import DecoderFacts
from steadymap.tasks.input.models.onnx_model import run_model
from steadymap.tasks.input.models.run_in_workers import Chunk, ModelFacts, chunks_of, opened, run_chunks
from steadymap.tasks.numerics.decoding.reconstruction import Moments, moments, row_errors
from steadymap.tasks.numerics.input.thumbnails import CHANNELS
from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.store.files import map_array, read_meta, write_arrays
from steadymap.tasks.workers import choose_limits


@dataclass(frozen=True)
class RowsAsked:
    """What a worker needs: the models, the folder of the data set, and the shape in which its inputs lie there."""

    facts: DecoderFacts
    dataset: Path
    has_inputs: bool
    input_shape: tuple[int, ...] | None


@dataclass(frozen=True)
class DecodedRows:
    """What decoding every row shows.

    Attributes
    ----------
    errors
        Mean squared difference to the input of every row, shape (n,); None without inputs.
    landings
        Distance from where a row was to where it lands when it is encoded again, shape (n,); None without an encoder.
    scale
        Sums that tell whether reconstructions and inputs have one scale; None without inputs.
    mean, deviation
        Of every value of the reconstructions over all rows, shape (p,).
    """

    errors: np.ndarray | None
    landings: np.ndarray | None
    scale: Moments | None
    mean: np.ndarray
    deviation: np.ndarray


def decode_rows(plan: Plan, facts: DecoderFacts, folder: Path) -> DecodedRows:
    """Decode every row of the data set; parts that a folder has already are not decoded again.

    Raises
    ------
    InputError
        A model cannot be used, or ended its worker.
    """
    dataset = plan.dataset
    asked = RowsAsked(facts, dataset.folder, dataset.has_inputs, plan.input_shape)
    chunks = chunks_of(dataset.rows, facts.batch, folder)
    run_chunks(decode_chunk, chunks, facts.decoder.asked, choose_limits(plan.config.workers), "decoded rows", asked)
    return _join(chunks, dataset.rows)


def decode_chunk(chunk: Chunk, asked: RowsAsked) -> None:
    """Decode the rows of a chunk, and commit what they show; runs in a worker."""
    latents = np.asarray(map_array(asked.dataset, "latents")[chunk.first : chunk.last])
    inputs = map_array(asked.dataset, "inputs") if asked.has_inputs else None
    errors, landings = [], []
    sums = np.zeros((2, asked.facts.values))
    told = Moments(0, 0, 0, 0, 0, 0)
    with threadpool_limits(1):
        for at, (given, again) in zip(
            range(0, len(latents), asked.facts.batch), decoded_with(asked.facts, latents, chunk.first), strict=True
        ):
            flat = as_inputs(given, asked.input_shape)
            sums += flat.sum(axis=0), (flat**2).sum(axis=0)
            if inputs is not None:
                raw = np.asarray(inputs[chunk.first + at : chunk.first + at + len(flat)], dtype=np.float64)
                errors.append(row_errors(flat, raw))
                told = told + moments(flat, raw)
            if again is not None:
                landings.append(np.linalg.norm(again - latents[at : at + len(flat)], axis=1))
    arrays = {"sums": sums}
    arrays |= {"errors": np.concatenate(errors)} if errors else {}
    arrays |= {"landings": np.concatenate(landings)} if landings else {}
    write_arrays(chunk.folder, arrays, {"moments": list(told.sums)})


def decoded_with(
    facts: DecoderFacts, latents: np.ndarray, first: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Yield what a decoder gives of each batch, and what the encoder makes of that (None without one); in a worker.

    One batch at a time: the reconstructions of a chunk of large images would fill the memory.

    Raises
    ------
    InputError
        A model fails, or gives a value that is not finite: no error and no distance could be told of it.
    """
    decoder = opened(facts.decoder)
    encoder = None if facts.encoder is None else opened(facts.encoder)
    for given in run_model(decoder, latents, facts.batch, "the latent vectors", first):
        _check_finite(given, facts.decoder)
        again = None
        if encoder is not None and facts.encoder is not None:
            rows = run_model(encoder, given, facts.batch, "the reconstructions", first)
            again = np.concatenate([one.astype(np.float64) for one in rows])
            _check_finite(again, facts.encoder)
        yield given, again
        first += len(given)


def _check_finite(given: np.ndarray, facts: ModelFacts) -> None:
    broken = int(np.sum(~np.isfinite(given).reshape(len(given), -1).all(axis=1)))
    if broken:
        raise InputError(
            f"output {facts.output!r} gives values that are not finite for {broken} of {len(given)} rows",
            file=facts.asked.file,
            place=facts.asked.role.place,
            rule=f"{facts.asked.role.rows} are finite numbers",
            remedy=f"export the {facts.asked.role.name} again, in float32; does it overflow?",
        )


def as_inputs(given: np.ndarray, shape: tuple[int, ...] | None) -> np.ndarray:
    """Return reconstructions flat, float64, in the order of the values of an input; shape (rows, p).

    Images whose channels come first, of inputs whose channels come last, are turned, and the other way round.
    """
    values = np.asarray(given, dtype=np.float64)
    own = values.shape[1:]
    if shape is not None and len(shape) == len(own) == 3 and own != shape:
        if own == (shape[2], shape[0], shape[1]) and shape[2] in CHANNELS:
            values = np.moveaxis(values, 1, -1)
        elif own == (shape[1], shape[2], shape[0]) and shape[0] in CHANNELS:
            values = np.moveaxis(values, -1, 1)
    return values.reshape(len(values), -1)


def _join(chunks: Sequence[Chunk], rows: int) -> DecodedRows:
    metas = [read_meta(chunk.folder) for chunk in chunks]
    sums = np.sum([map_array(chunk.folder, "sums") for chunk in chunks], axis=0)
    mean = sums[0] / rows
    deviation = np.sqrt(np.maximum(sums[1] / rows - mean**2, 0))
    arrays = {
        name: np.concatenate([map_array(chunk.folder, name) for chunk in chunks])
        if f"{name}.npy" in metas[0]["files"]
        else None
        for name in ("errors", "landings")
    }
    told = [math.fsum(column) for column in zip(*(meta["moments"] for meta in metas), strict=True)]
    scale = Moments(int(told[0]), *told[1:]) if arrays["errors"] is not None else None
    return DecodedRows(arrays["errors"], arrays["landings"], scale, mean, deviation)
