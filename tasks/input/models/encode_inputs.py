"""Latent vectors from a trained encoder and its inputs: encoded once, found in the store from then on."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steadymap.configs.sweep import DataSource, Encoder, Workers, split_reference
from steadymap.tasks.input.latents_file import Latents, RawInputs, read_raw_inputs
from steadymap.tasks.input.models.onnx_model import ENCODER
from steadymap.tasks.input.models.run_in_workers import (
    ModelFacts,
    ModelFile,
    chunks_of,
    look_at_model,
    run_chunk,
    run_chunks,
)
from steadymap.tasks.input.take_sample import take_sample
from steadymap.tasks.progress import tell
from steadymap.tasks.store.code_digest import code_digest
from steadymap.tasks.store.files import map_array, read_if_whole, read_meta, write_arrays
from steadymap.tasks.store.identity import digest
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.locks import hold_lock, lock_of
from steadymap.tasks.store.sync import sync, upload
from steadymap.tasks.workers import Limits, choose_limits, some_pool


@dataclass(frozen=True)
class Encoded:
    """Latent vectors, and the encoder that gave them as a run states it."""

    latents: Latents
    model: dict[str, str]


def measure_encoded(source: DataSource, asked: Encoder) -> tuple[RawInputs, int]:
    """Return the inputs of an encoder and the dimensions of what it would give; it encodes one row.

    Raises
    ------
    InputError
        Encoder or inputs cannot be used.
    """
    inputs = take_sample(read_raw_inputs(source, asked), source.sample)
    facts = _look(asked, inputs, choose_limits(Workers(count=1)))
    return inputs, facts.shape[0]


def encode_inputs(source: DataSource, asked: Encoder, store: Store, workers: Workers) -> Encoded:
    """Encode the inputs, or find what the same encoder made of them before.

    Raises
    ------
    InputError
        Encoder or inputs cannot be used.
    """
    inputs, limits = take_sample(read_raw_inputs(source, asked), source.sample), choose_limits(workers)
    with some_pool(limits):
        facts = _look(asked, inputs, limits)
        batch = facts.fixed_batch or asked.batch
        identity = {
            "model": facts.digest,
            "inputs": _array_digest(inputs.array),
            "output": facts.output,
            "batch": batch,  # a product of more rows adds up in another order
            "code": code_digest("steadymap.tasks.input.models.onnx_model"),
            "onnxruntime": facts.runtime,
        }
        folder = store.root / "encoded" / digest(identity)
        sync(store, [folder])
        with hold_lock(lock_of(store, folder.name), f"encoding {inputs.file.name}", tell):
            if read_if_whole(read_meta, folder) is None:
                working = store.encoding(folder.name)
                write_arrays(folder, {"latents": _encode_all(facts, batch, inputs, working, limits)}, identity)
                upload(store, [folder])
                shutil.rmtree(working, ignore_errors=True)
    latents = inputs.encoded_as(np.array(map_array(folder, "latents")))
    return Encoded(latents, facts.manifest())


def describe(asked: Encoder) -> str:
    """Name an encoder and its inputs for people."""
    inputs, _ = split_reference(asked.inputs)
    return f"{Path(asked.model).name} of {Path(str(inputs)).name}"


def _look(asked: Encoder, inputs: RawInputs, limits: Limits) -> ModelFacts:
    model = ModelFile(Path(asked.model), ENCODER, asked.output)
    return look_at_model(model, inputs.array[:1], str(inputs.file), limits)


def _encode_all(facts: ModelFacts, batch: int, inputs: RawInputs, working: Path, limits: Limits) -> np.ndarray:
    """Encode in workers, which map the inputs; what an earlier attempt has finished is used."""
    rows = working / "inputs"
    if read_if_whole(read_meta, rows) is None:
        write_arrays(rows, {"inputs": inputs.array}, {})
    chunks = chunks_of(len(inputs.array), batch, working)
    run_chunks(run_chunk, chunks, facts.asked, limits, "encoded rows", facts, batch, rows, str(inputs.file))
    return np.concatenate([map_array(chunk.folder, "given") for chunk in chunks])


def _array_digest(array: np.ndarray) -> str:
    """Digest an array of any real type: type, shape and values."""
    found = hashlib.blake2b(repr((array.dtype.str, array.shape)).encode(), digest_size=16)
    found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()
