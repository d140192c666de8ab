"""Run a trained encoder: an ONNX model that turns inputs into latent vectors.

A model is data. It runs on ONNX Runtime's own operators, on one thread of the CPU, from the bytes that were digested;
no library of operators is ever registered, and a model that points at other files is not opened. What a model can do
is compute for as long, and take as much memory, as it likes: that is not limited here.

Inputs reach the model as they are: converted to its type and, where that is unambiguous, its shape; never scaled.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from steadymap.configs.errors import InputError
from steadymap.tasks.input.encoder.onnx_external_data import external_tensors

TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(uint16)": np.uint16,
    "tensor(uint32)": np.uint32,
    "tensor(uint64)": np.uint64,
    "tensor(int8)": np.int8,
    "tensor(int16)": np.int16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}
"""Types of input that numbers can be converted to."""

SILENT = 4
"""ONNX Runtime logs fatal events only; what it raises is told as an error."""

LONGEST_REASON = 300


class ModelPort(NamedTuple):
    """An input or output of a model; an axis of any length is None, and a shape that the model leaves open is ()."""

    name: str
    type: str
    shape: tuple[int | None, ...]
    shown: str


@dataclass(frozen=True)
class OnnxEncoder:
    """An encoder ready to run.

    Attributes
    ----------
    file
        The model's file.
    digest
        SHA-256 of its bytes.
    runtime
        Version of ONNX Runtime.
    input
        Its input, the batch axis first.
    output
        The output with the latent vectors.
    outputs
        All outputs with their shapes, for people.
    """

    file: Path
    digest: str
    runtime: str
    input: ModelPort
    output: str
    outputs: str
    session: Any

    @property
    def fixed_batch(self) -> int | None:
        """Rows that the model takes at a time, where it takes no other number."""
        return self.input.shape[0] if self.input.shape else None


def open_encoder(file: Path, output: str | None = None) -> OnnxEncoder:
    """Open a model and choose its output: the one named, the only one, or the first that is 2-d.

    Raises
    ------
    InputError
        ONNX Runtime is not installed, the file is no model it can run, or input or output are not clear.
    """
    runtime = _import_runtime(file)
    content = _read(file)
    _refuse_external_tensors(content, file)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # more threads add up in another order: other bytes
    options.use_deterministic_compute = True
    options.log_severity_level = SILENT
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        inputs, outputs = ([_node(node) for node in nodes] for nodes in (session.get_inputs(), session.get_outputs()))
    except Exception as error:  # ONNX Runtime's exceptions have no common base
        raise InputError(
            f"ONNX Runtime {runtime.__version__} cannot run it: {_reason(error)}",
            file=file,
            rule="an ONNX model of standard operators",
            remedy="export the encoder again; docs/encoder.md shows how",
        ) from None
    return OnnxEncoder(
        file=file,
        digest=hashlib.sha256(content).hexdigest(),
        runtime=runtime.__version__,
        input=_only_input(inputs, file),
        output=_choose_output(outputs, output, file),
        outputs=_list(outputs),
        session=session,
    )


def encode(encoder: OnnxEncoder, inputs: np.ndarray, batch: int, source: object) -> Iterator[np.ndarray]:
    """Yield the latent vectors of one batch of inputs after the other, each of shape (rows of the batch, d).

    The last batch of a model with a fixed batch size is filled up with its last row, and cut again.

    Parameters
    ----------
    inputs
        Shape (n, …).
    source
        The inputs' file, for people.

    Raises
    ------
    InputError
        Inputs do not fit the model, it fails, gives no matrix, or gives something else the second time.
    """
    inputs = _fit_shape(inputs, encoder, source)
    batch = encoder.fixed_batch or batch
    width = None
    for first in range(0, len(inputs), batch):
        rows = _convert(inputs[first : first + batch], encoder, source, first)
        latents = _run(encoder, rows)
        if width is None:
            width = latents.shape[1]
            _refuse_chance(encoder, latents, _run(encoder, rows))
        if latents.shape[1] != width:
            raise _unusable(encoder, f"{width} latent dimensions in one batch and {latents.shape[1]} in another")
        yield latents


# --- the model ---------------------------------------------------------------------------------------------------


def _import_runtime(file: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(
            f"onnxruntime cannot be imported: {error}",
            file=file,
            place="data.encode",
            rule="an encoder runs on ONNX Runtime",
            remedy="pip install -e '.[onnx]' in Steadymap's folder",
        ) from None
    onnxruntime.set_default_logger_severity(SILENT)
    onnxruntime.disable_telemetry_events()  # a tool that runs on private data calls nobody
    return onnxruntime


def _read(file: Path) -> bytes:
    if not file.is_file():
        raise InputError(
            "this is a folder" if file.is_dir() else "there is no such file",
            file=file,
            place="data.encode.model",
            remedy="check the path; it is relative to the folder of the config",
        )
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=file) from None
    if not content:
        raise InputError("the file is empty", file=file, rule="an ONNX model", remedy="export the encoder again")
    return content


def _refuse_external_tensors(content: bytes, file: Path) -> None:
    try:
        external = external_tensors(content)
    except ValueError as error:
        raise InputError(
            f"not an ONNX model: {error}",
            file=file,
            rule="a whole, undamaged .onnx file",
            remedy="export the encoder again; docs/encoder.md shows how",
        ) from None
    if external:
        raise InputError(
            f"{len(external)} tensors lie in other files (the first is {external[0]!r})",
            file=file,
            rule="a model is one file; what it points at outside is not opened",
            remedy="save it with all tensors in one file: torch.onnx.export(…, external_data=False), or onnx.save "
            "after onnx.load",
        )


def _node(node: Any) -> ModelPort:
    shape = tuple(axis if isinstance(axis, int) else None for axis in node.shape)
    return ModelPort(node.name, node.type, shape, " × ".join(str(axis or "?") for axis in node.shape) or "?")


def _only_input(inputs: Sequence[ModelPort], file: Path) -> ModelPort:
    if len(inputs) != 1:
        raise InputError(
            f"the model takes {len(inputs)} inputs: {_list(inputs)}",
            file=file,
            rule="an encoder takes one input",
            remedy="export the encoder alone, with everything else as constants",
        )
    if inputs[0].type not in TYPES:
        raise InputError(
            f"the model takes {_list(inputs)} of {inputs[0].type}",
            file=file,
            rule=f"one of {', '.join(TYPES)}",
            remedy="export the encoder with an input of numbers",
        )
    return inputs[0]


def _choose_output(outputs: Sequence[ModelPort], wanted: str | None, file: Path) -> str:
    names = [output.name for output in outputs]
    if wanted is not None and wanted not in names:
        raise InputError(
            f"there is no output {wanted!r}",
            file=file,
            place="data.encode.output",
            rule=f"one of {_list(outputs)}",
            remedy="check the name",
        )
    matrices = [output.name for output in outputs if output.type.startswith("tensor(") and len(output.shape) == 2]
    usual = matrices[:1] or (names if len(names) == 1 else [])  # an only output shows its shape when it is there
    if wanted is None and not usual:
        raise InputError(
            f"none of the outputs {_list(outputs)} is 2-d",
            file=file,
            place="data.encode",
            rule="latent vectors are a 2-d output, a row per input",
            remedy="name one under `encode: output:`",
        )
    return wanted or usual[0]


def _list(nodes: Sequence[ModelPort]) -> str:
    return ", ".join(f"{node.name!r} ({node.shown})" for node in nodes)


def _reason(error: Exception) -> str:
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return text.removeprefix("[ONNXRuntimeError] : ")[:LONGEST_REASON]


# --- inputs ------------------------------------------------------------------------------------------------------


def _fit_shape(inputs: np.ndarray, encoder: OnnxEncoder, source: object) -> np.ndarray:
    """Return the inputs in the model's shape.

    Flat rows are folded and images unfolded where the count fits, and axes of length 1 come and go. Other axes are
    never rearranged: an image with its channels last, folded into channels first, would be noise.
    """
    wanted, given = encoder.input.shape[1:], inputs.shape[1:]
    if not encoder.input.shape or _agree(given, wanted):
        return inputs
    if wanted == (None,):
        return inputs.reshape(len(inputs), -1)
    lengths = [length for length in wanted if length is not None]
    fits = len(lengths) == len(wanted) and math.prod(lengths) == math.prod(given)
    if fits and (len(_wide(given)) <= 1 or len(_wide(lengths)) <= 1 or _wide(given) == _wide(lengths)):
        return inputs.reshape(len(inputs), *lengths)
    turned = sorted(given) == sorted(lengths)
    raise InputError(
        f"one input has the shape {_shape(given)}, the model takes {_shape(wanted)}",
        file=source,
        place="data.encode.inputs",
        rule=f"inputs in the shape of the model's input {encoder.input.name!r}, or flat rows of as many values",
        remedy="numpy.moveaxis(inputs, -1, 1) where channels come last" if turned else "save the inputs in that shape",
    )


def _agree(given: Sequence[int], wanted: Sequence[int | None]) -> bool:
    return len(given) == len(wanted) and all(b in (None, a) for a, b in zip(given, wanted, strict=True))


def _wide(shape: Sequence[int]) -> list[int]:
    return [length for length in shape if length != 1]


def _shape(shape: Sequence[int | None]) -> str:
    return " × ".join("any" if length is None else str(length) for length in shape) or "()"


def _convert(rows: np.ndarray, encoder: OnnxEncoder, source: object, first: int) -> np.ndarray:
    """Return rows in the model's type; refuse what that type cannot hold."""
    wanted = np.dtype(TYPES[encoder.input.type])
    with np.errstate(over="ignore", invalid="ignore"):  # told below, with its place
        converted = rows.astype(wanted)
    lost = ~np.isfinite(converted) if wanted.kind == "f" else converted != rows
    if lost.any():
        row = int(np.argwhere(lost)[0][0])
        raise InputError(
            f"{rows[lost][0]} is no {wanted}",
            file=source,
            place=f"data.encode.inputs, row {first + row}",
            rule=f"the model's input {encoder.input.name!r} is {wanted}; nothing is scaled",
            remedy="save the inputs as the encoder was trained on them, or export it with a float input",
        )
    return converted


# --- outputs -----------------------------------------------------------------------------------------------------


def _run(encoder: OnnxEncoder, rows: np.ndarray) -> np.ndarray:
    count = len(rows)
    if encoder.fixed_batch is not None:
        rows = np.concatenate([rows, np.repeat(rows[-1:], encoder.fixed_batch - count, axis=0)])
    try:
        (output,) = encoder.session.run([encoder.output], {encoder.input.name: rows})
    except Exception as error:  # ONNX Runtime's exceptions have no common base
        raise InputError(
            f"the model fails on inputs of shape {rows.shape}: {_reason(error)}",
            file=encoder.file,
            rule="it encodes any number of rows, or a fixed number that its input declares",
            remedy="export it with a dynamic batch axis; lower `encode: batch:` where memory is short",
        ) from None
    if not isinstance(output, np.ndarray) or output.dtype.kind not in "fiu":
        raise _unusable(encoder, getattr(output, "dtype", type(output).__name__))
    if output.ndim < 2 or len(output) != len(rows) or len(_wide(output.shape[1:])) > 1:
        raise _unusable(encoder, f"shape {output.shape} of {len(rows)} rows")
    return output[:count].reshape(count, -1)


def _unusable(encoder: OnnxEncoder, found: object) -> InputError:
    return InputError(
        f"output {encoder.output!r} gives {found}",
        file=encoder.file,
        place="data.encode.output",
        rule="latent vectors are rows × latents of real numbers; further axes have length 1",
        remedy=f"name another output ({encoder.outputs}), or let the encoder end with a flatten",
    )


def _refuse_chance(encoder: OnnxEncoder, once: np.ndarray, twice: np.ndarray) -> None:
    if once.tobytes() != twice.tobytes():
        raise InputError(
            f"output {encoder.output!r} of the same inputs differs from one run to the next",
            file=encoder.file,
            place="data.encode.output",
            rule="the same inputs have the same latent vectors",
            remedy="export the encoder in evaluation mode, and name a mean instead of a sample "
            f"(outputs: {encoder.outputs})",
        )
