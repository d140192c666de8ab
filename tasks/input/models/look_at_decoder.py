"""Look at a decoder before the sweep begins: whether it fits the latent vectors, the inputs, and its encoder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource
from steadymap.tasks.input.models.onnx_model import DECODER, RE_ENCODER
from steadymap.tasks.input.models.run_in_workers import ModelFacts, ModelFile, look_at_model
from steadymap.tasks.workers import Limits, some_pool


@dataclass(frozen=True)
class DecoderFacts:
    """What is known of a decoder, and of the encoder that sees what it gives (None without one).

    Attributes
    ----------
    batch
        Rows that are decoded at a time.
    """

    decoder: ModelFacts
    encoder: ModelFacts | None
    batch: int

    @property
    def values(self) -> int:
        """How many values one reconstruction has."""
        return math.prod(self.decoder.shape)

    def manifest(self) -> dict[str, dict[str, str]]:
        """Return what a run states about the models."""
        told = {"decoder": {**self.decoder.manifest(), "batch": str(self.batch)}}
        return told if self.encoder is None else {**told, "encoder of reconstructions": self.encoder.manifest()}


def look_at_decoder(
    source: DataSource, row: np.ndarray, inputs: Sequence[int] | None, limits: Limits
) -> DecoderFacts | None:
    """Run a source's decoder on one row, and the encoder on what it gives; None where the source names no decoder.

    Parameters
    ----------
    row
        Latent vectors, shape (1, d).
    inputs
        Shape of one raw input, None where there are none.

    Raises
    ------
    InputError
        A model cannot be used, or it does not belong to these latent vectors or inputs.
    """
    asked = source.decode
    if asked is None:
        return None
    place = Path(asked.model)
    again = asked.encoder or (None if source.encode is None else source.encode.model)
    output = source.encode.output if source.encode is not None and asked.encoder is None else None
    with some_pool(limits):
        decoder = look_at_model(ModelFile(place, DECODER, asked.output), row, "the latent vectors", limits)
        if inputs is not None and math.prod(decoder.shape) != math.prod(inputs):
            raise InputError(
                f"a reconstruction has {_spell(decoder.shape)} values, an input has {_spell(inputs)}",
                file=place,
                place="data.decode",
                rule="a decoder gives as many values as an input has",
                remedy="name the decoder of the model that was trained on these inputs, or its other output",
            )
        encoder = None
        if again is not None:
            blank = np.zeros((1, *decoder.shape), dtype=np.float32)
            encoder = look_at_model(ModelFile(Path(again), RE_ENCODER, output), blank, "the reconstructions", limits)
            if encoder.shape != row.shape[1:]:
                raise InputError(
                    f"it gives {encoder.shape[0]} latent dimensions, the latent vectors have {row.shape[1]}",
                    file=again,
                    place=RE_ENCODER.place,
                    rule="it is the encoder that these latent vectors come from",
                    remedy="name that one, or its other output",
                )
    return DecoderFacts(decoder, encoder, decoder.fixed_batch or asked.batch)


def _spell(shape: Sequence[int]) -> str:
    count = f"{math.prod(shape):,}"
    return count if len(shape) < 2 else f"{count} ({' × '.join(str(length) for length in shape)})"
