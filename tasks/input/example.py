"""The example: digits, the latent vectors of a small autoencoder that is trained on them, and its two models."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from steadymap.configs.extras import import_extra
from steadymap.configs.sweep import EXAMPLE_DECODER, DataSource
from steadymap.tasks.input.latents_file import Latents
from steadymap.tasks.store.code_digest import code_digest
from steadymap.tasks.store.files import committed_file, map_array, read_if_whole, read_meta, write_arrays
from steadymap.tasks.store.identity import SHAPING_LIBRARIES, digest, versions
from steadymap.tasks.store.layout import Store

DIGITS_DIMENSIONS = 16
DIGITS_ROWS = 1797
DIGITS_LARGEST_PIXEL = 16

EXAMPLE_CODE = ("steadymap.tasks.numerics.input.autoencoder",)
"""What shapes the latents of the example."""

LAYERS = 2
"""Of either half of the autoencoder."""

OPSET, IR_VERSION = 18, 10
"""Of ONNX; any runtime of the last years reads them."""


def read_example(store: Store, seed: int) -> Latents:
    """Train the example's autoencoder from a seed, or find what it gave the last time."""
    trained, notes = _trained(store, seed)
    digits = map_array(trained, "digits").tolist()
    return Latents(
        matrix=np.array(map_array(trained, "latents")),
        columns=tuple(f"z[{dimension}]" for dimension in range(DIGITS_DIMENSIONS)),
        ids=[f"digit {row}" for row in range(len(digits))],
        labels={"digit": [str(digit) for digit in digits]},
        inputs=np.array(map_array(trained, "images")),
        notes=notes,
        taken=f"{DIGITS_DIMENSIONS} dimensions of an autoencoder trained on the example; labels: digit",
    )


def example_models(store: Store, seed: int) -> tuple[Path, Path]:
    """Export the encoder and the decoder of the example's autoencoder as ONNX; both work on pixels from 0 to 16.

    Raises
    ------
    InputError
        The library that writes ONNX is not installed.
    """
    trained, _ = _trained(store, seed)
    folder = store.root / "example_models" / trained.name
    places = folder / "encoder.onnx", folder / "decoder.onnx"
    halves = range(LAYERS), range(LAYERS, 2 * LAYERS)
    for place, half, named in zip(places, halves, (("pixels", "latents"), ("latents", "pixels")), strict=True):
        layers = [(map_array(trained, f"weights-{one}"), map_array(trained, f"biases-{one}")) for one in half]
        content = _as_onnx(layers, named)
        if not place.is_file() or place.read_bytes() != content:
            with committed_file(place) as temporary:
                temporary.write_bytes(content)
    return places


def with_example_models(source: DataSource, store: Store) -> tuple[DataSource, tuple[str, ...]]:
    """Put the example's own models where its source asks for its decoder; without the libraries leave it out, and warn.

    Who tries the example has installed no extra yet.
    """
    if source.decode is None or source.decode.model != EXAMPLE_DECODER:
        return source, ()
    if any(find_spec(library) is None for library in ("onnx", "onnxruntime")):
        told = "the example's decoder is left out: ONNX Runtime or onnx is not installed (the extra `onnx`)"
        return source.model_copy(update={"decode": None}), (told,)
    encoder, decoder = example_models(store, source.example_seeds[0])
    places = {"model": str(decoder), "encoder": str(encoder)}
    return source.model_copy(update={"decode": source.decode.model_copy(update=places)}), ()


def _trained(store: Store, seed: int) -> tuple[Path, dict[str, float]]:
    identity = digest(
        {
            "example": "digits",
            **({"seed": seed} if seed else {}),  # no key of the first: its training keeps its identity
            "dimensions": DIGITS_DIMENSIONS,
            "code": code_digest(*EXAMPLE_CODE),
            "libraries": versions(SHAPING_LIBRARIES),
        }
    )
    trained = store.root / "examples" / identity
    meta = read_if_whole(read_meta, trained) or _train_on_digits(trained, seed)
    return trained, meta["notes"]


def _train_on_digits(folder: Path, seed: int) -> dict[str, Any]:
    from sklearn.datasets import load_digits

    from steadymap.tasks.numerics.input.autoencoder import encode_with_autoencoder

    images, digits = load_digits(return_X_y=True)
    with threadpool_limits(1):  # more BLAS threads add up in another order: other bytes
        encoded = encode_with_autoencoder(images / DIGITS_LARGEST_PIXEL, DIGITS_DIMENSIONS, seed)
    notes = {"reconstruction_error": encoded.reconstruction_error, "unexplained_variance": encoded.unexplained}
    layers = [*encoded.layers, *encoded.decoder]
    arrays = {
        "latents": encoded.latents,
        "images": images.astype(np.float32),
        "digits": digits,
        **{f"weights-{number}": weights for number, (weights, _) in enumerate(layers)},
        **{f"biases-{number}": biases for number, (_, biases) in enumerate(layers)},
    }
    write_arrays(folder, arrays, {"notes": notes})
    return read_meta(folder)


def _as_onnx(layers: Sequence[tuple[np.ndarray, np.ndarray]], named: tuple[str, str]) -> bytes:
    """Write x ↦ tanh(x W + b), layer after layer; from pixels divided by 16 first, to pixels linear and times 16."""
    onnx = import_extra("onnx", rule="the example's models are written as ONNX", place="data.decode")
    helper, tensor = onnx.helper, onnx.numpy_helper.from_array
    source, target = named
    nodes, tensors, last = [], [tensor(np.float32(DIGITS_LARGEST_PIXEL), "largest")], source
    if source == "pixels":
        nodes.append(helper.make_node("Div", [last, "largest"], ["scaled"]))
        last = "scaled"
    for number, (weights, biases) in enumerate(layers):
        tensors += [tensor(np.float32(weights), f"W{number}"), tensor(np.float32(biases), f"b{number}")]
        nodes += [
            helper.make_node("MatMul", [last, f"W{number}"], [f"m{number}"]),
            helper.make_node("Add", [f"m{number}", f"b{number}"], [f"a{number}"]),
        ]
        last = f"a{number}"
        if number < len(layers) - 1 or target == "latents":
            nodes.append(helper.make_node("Tanh", [last], [f"h{number}"]))
            last = f"h{number}"
    ending = ("Identity", [last]) if target == "latents" else ("Mul", [last, "largest"])
    nodes.append(helper.make_node(*ending, [target]))
    values = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["rows", width])
        for name, width in ((source, layers[0][0].shape[0]), (target, layers[-1][0].shape[1]))
    ]
    graph = helper.make_graph(nodes, "autoencoder", values[:1], values[1:], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    content: bytes = model.SerializeToString(deterministic=True)
    return content
