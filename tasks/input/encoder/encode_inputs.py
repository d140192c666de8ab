"""Latent vectors from a trained encoder and its inputs: encoded once, found in the store from then on."""

from __future__ import annotations

import hashlib
from itertools import islice
from pathlib import Path

import numpy as np

from steadymap.configs.sweep import DataSource, Encoder, split_reference
from steadymap.tasks.input.encoder.onnx_encoder import OnnxEncoder, encode, open_encoder
from steadymap.tasks.input.latents_file import Latents, RawInputs, read_raw_inputs
from steadymap.tasks.progress import announce_done, announce_total
from steadymap.tasks.store.code_digest import code_digest
from steadymap.tasks.store.files import map_array, read_if_whole, read_meta, write_arrays
from steadymap.tasks.store.identity import digest
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.sync import sync, upload


def measure_encoded(source: DataSource, asked: Encoder) -> tuple[int, int]:
    """Return rows and dimensions of what an encoder would give; it encodes one row.

    Raises
    ------
    InputError
        Encoder or inputs cannot be used.
    """
    encoder = open_encoder(Path(asked.model), asked.output)
    inputs = read_raw_inputs(source, asked)
    (latents,) = islice(encode(encoder, inputs.array[:1], 1, inputs.file), 1)
    return len(inputs.array), latents.shape[1]


def encode_inputs(source: DataSource, asked: Encoder, store: Store) -> Latents:
    """Encode the inputs, or find what the same encoder made of them before.

    Raises
    ------
    InputError
        Encoder or inputs cannot be used.
    """
    encoder = open_encoder(Path(asked.model), asked.output)
    inputs = read_raw_inputs(source, asked)
    batch = encoder.fixed_batch or asked.batch
    identity = {
        "model": encoder.digest,
        "inputs": _array_digest(inputs.array),
        "output": encoder.output,
        "batch": batch,  # a product of more rows adds up in another order
        "code": code_digest("steadymap.tasks.input.encoder.onnx_encoder"),
        "onnxruntime": encoder.runtime,
    }
    folder = store.root / "encoded" / digest(identity)
    sync(store, [folder])
    if read_if_whole(read_meta, folder) is None:
        write_arrays(folder, {"latents": _encode_all(encoder, inputs, batch)}, identity)
        upload(store, [folder])
    return inputs.encoded_as(np.array(map_array(folder, "latents")))


def describe(asked: Encoder) -> str:
    """Name an encoder and its inputs for people."""
    inputs, _ = split_reference(asked.inputs)
    return f"{Path(asked.model).name} of {Path(str(inputs)).name}"


def _encode_all(encoder: OnnxEncoder, inputs: RawInputs, batch: int) -> np.ndarray:
    announce_total("encoded rows", len(inputs.array))
    batches = []
    for latents in encode(encoder, inputs.array, batch, inputs.file):
        batches.append(latents)
        announce_done("encoded rows", len(latents))
    return np.concatenate(batches)


def _array_digest(array: np.ndarray) -> str:
    """Digest an array of any real type: type, shape and values."""
    found = hashlib.blake2b(repr((array.dtype.str, array.shape)).encode(), digest_size=16)
    found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()
