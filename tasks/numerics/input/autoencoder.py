"""A small autoencoder, so that the example starts where users start: with an encoder's latent vectors."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from steadymap.tasks.numerics.arrays import Float32, Float64

HIDDEN_UNITS = 64
EPOCHS = 150
BATCH_ROWS = 64


@dataclass(frozen=True)
class Encoded:
    """What the trained encoder gives.

    Attributes
    ----------
    latents
        Shape (n, dimensions).
    reconstruction_error
        Mean squared difference of input and reconstruction, in squared units of the input.
    unexplained
        The same as a share of the inputs' variance, in [0, 1].
    layers
        Weights and biases of the encoder's layers; each is followed by tanh.
    decoder
        Those of the decoder's; the last is followed by nothing.
    """

    latents: Float32
    reconstruction_error: float
    unexplained: float
    layers: tuple[tuple[Float64, Float64], ...]
    decoder: tuple[tuple[Float64, Float64], ...]


def encode_with_autoencoder(inputs: Float64, dimensions: int, seed: int = 0) -> Encoded:
    """Train inputs → 64 → latents → 64 → inputs (tanh, Adam) from a seed and encode the inputs, shape (n, p).

    Deterministic on one BLAS thread; the caller sees to that.
    """
    network = MLPRegressor(
        hidden_layer_sizes=(HIDDEN_UNITS, dimensions, HIDDEN_UNITS),
        activation="tanh",
        batch_size=BATCH_ROWS,
        learning_rate_init=2e-3,
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,
        random_state=seed,
    )
    with warnings.catch_warnings():
        # Training stops after a fixed number of epochs by design.
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(inputs, inputs)
    every = tuple(zip(network.coefs_, network.intercepts_, strict=True))
    layers, decoder = every[:2], every[2:]
    layer = inputs
    for weights, biases in layers:
        layer = np.tanh(layer @ weights + biases)
    error = float(np.mean((network.predict(inputs) - inputs) ** 2))
    variance = float(np.mean((inputs - inputs.mean(axis=0)) ** 2))
    return Encoded(layer.astype(np.float32), error, error / variance, layers, decoder)
