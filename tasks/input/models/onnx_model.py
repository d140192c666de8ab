"""Run a trained ONNX model: an encoder that turns inputs into latent vectors, or the decoder that leads back.

A model is data. It runs on ONNX Runtime's own operators, on one thread of the CPU, from the bytes that were digested;
no library of operators is ever registered, and a model that points at other files is not opened. What a model can do
is compute for as long, and take as much memory, as it likes: so it runs in isolated workers (``run_in_workers``).

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
from steadymap.tasks.input.models.onnx_external_data import external_tensors

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


@dataclass(frozen=True)
class Role:
    """What a model is for, in the words of those who named it.

    Attributes
    ----------
    name
        ``encoder`` or ``decoder``.
    place, given
        Where a config names it, and what it is run on.
    rows
        What it gives, a row of them per input.
    matrix
        Whether what it gives has one axis per row: latent vectors, but not images.
    """

    name: str
    place: str
    given: str
    rows: str
    matrix: bool


ENCODER = Role("encoder", "data.encode", "data.encode.inputs", "latent vectors", matrix=True)
DECODER = Role("decoder", "data.decode", "latent vectors", "reconstructions", matrix=False)
RE_ENCODER = Role("encoder", "data.decode.encoder", "reconstructions", "latent vectors", matrix=True)
"""The encoder that sees what the decoder gives."""


class ModelPort(NamedTuple):
    """An input or output of a model; an axis of any length is None, and a shape that the model leaves open is ()."""

    name: str
    type: str
    shape: tuple[int | None, ...]
    shown: str


@dataclass(frozen=True)
class OnnxModel:
    """A model ready to run.

    Attributes
    ----------
    role
        What it is for.
    file
        The model's file.
    digest
        SHA-256 of its bytes.
    runtime
        Version of ONNX Runtime.
    input
        Its input, the batch axis first.
    output
        The output that is asked for.
    outputs
        All outputs with their shapes, for people.
    """

    role: Role
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


def open_model(file: Path, role: Role, output: str | None = None) -> OnnxModel:
    """Open a model and choose its output: the one named, the only one, or an encoder's first that is 2-d.

    Raises
    ------
    InputError
        ONNX Runtime is not installed, the file is no model it can run, or input or output are not clear.
    """
    runtime = _import_runtime(file, role)
    content = _read(file, role)
    _refuse_external_tensors(content, file, role)
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
            remedy=f"export the {role.name} again; docs/encoder.md shows how",
        ) from None
    return OnnxModel(
        role=role,
        file=file,
        digest=hashlib.sha256(content).hexdigest(),
        runtime=runtime.__version__,
        input=_only_input(inputs, file, role),
        output=_choose_output(outputs, output, file, role),
        outputs=_list(outputs),
        session=session,
    )


def run_model(model: OnnxModel, rows: np.ndarray, batch: int, source: object, first: int = 0) -> Iterator[np.ndarray]:
    """Yield what a model gives of one batch of rows after the other, as it gives it: shape (rows of the batch, …).

    The last batch of a model with a fixed batch size is filled up with its last row, and cut again. The first batch of
    all is run twice.

    Parameters
    ----------
    rows
        Shape (n, …).
    source
        Their file, for people.
    first
        The number of the first of them, for people; a multiple of the batch.

    Raises
    ------
    InputError
        Rows do not fit the model, it fails, gives nothing usable, or gives something else the second time.
    """
    rows = _fit_shape(rows, model, source)
    batch = model.fixed_batch or batch
    shape = None
    for start in range(0, len(rows), batch):
        converted = _convert(rows[start : start + batch], model, source, first + start)
        given = _run(model, converted)
        if first + start == 0:
            _refuse_chance(model, given, _run(model, converted))
        shape = shape or given.shape[1:]
        if given.shape[1:] != shape:
            raise _unusable(model, f"{_shape(shape)} of a row in one batch and {_shape(given.shape[1:])} in another")
        yield given


# --- the model ---------------------------------------------------------------------------------------------------


def _import_runtime(file: Path, role: Role) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(
            f"onnxruntime cannot be imported: {error}",
            file=file,
            place=role.place,
            rule="encoders and decoders run on ONNX Runtime",
            remedy="pip install -e '.[onnx]' in Steadymap's folder",
        ) from None
    onnxruntime.set_default_logger_severity(SILENT)
    onnxruntime.disable_telemetry_events()  # a tool that runs on private data calls nobody
    return onnxruntime


def _read(file: Path, role: Role) -> bytes:
    if not file.is_file():
        raise InputError(
            "this is a folder" if file.is_dir() else "there is no such file",
            file=file,
            place=f"{role.place}.model" if role != RE_ENCODER else role.place,
            remedy="check the path; it is relative to the folder of the config",
        )
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=file) from None
    if not content:
        raise InputError("the file is empty", file=file, rule="an ONNX model", remedy=f"export the {role.name} again")
    return content


def _refuse_external_tensors(content: bytes, file: Path, role: Role) -> None:
    try:
        external = external_tensors(content)
    except ValueError as error:
        raise InputError(
            f"not an ONNX model: {error}",
            file=file,
            rule="a whole, undamaged .onnx file",
            remedy=f"export the {role.name} again; docs/encoder.md shows how",
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


def _only_input(inputs: Sequence[ModelPort], file: Path, role: Role) -> ModelPort:
    if len(inputs) != 1:
        raise InputError(
            f"the model takes {len(inputs)} inputs: {_list(inputs)}",
            file=file,
            rule="a model takes one input",
            remedy=f"export the {role.name} alone, with everything else as constants",
        )
    if inputs[0].type not in TYPES:
        raise InputError(
            f"the model takes {_list(inputs)} of {inputs[0].type}",
            file=file,
            rule=f"one of {', '.join(TYPES)}",
            remedy=f"export the {role.name} with an input of numbers",
        )
    return inputs[0]


def _choose_output(outputs: Sequence[ModelPort], wanted: str | None, file: Path, role: Role) -> str:
    names = [output.name for output in outputs]
    if wanted is not None and wanted not in names:
        raise InputError(
            f"there is no output {wanted!r}",
            file=file,
            place=f"{role.place}.output",
            rule=f"one of {_list(outputs)}",
            remedy="check the name",
        )
    matrices = [output.name for output in outputs if output.type.startswith("tensor(") and len(output.shape) == 2]
    # An only output shows its shape when it is there.
    usual = (matrices[:1] if role.matrix else []) or (names if len(names) == 1 else [])
    if wanted is None and not usual:
        found = "is 2-d" if role.matrix else "is the only one"
        rule = "are a 2-d output, a row per input" if role.matrix else "are the only output, or the one that is named"
        key = role.place.rpartition(".")[2]
        raise InputError(
            f"none of the outputs {_list(outputs)} {found}",
            file=file,
            place=role.place,
            rule=f"{role.rows} {rule}",
            remedy=f"name one under `{key}: output:`" if role != RE_ENCODER else "export it with that output only",
        )
    return wanted or usual[0]


def _list(nodes: Sequence[ModelPort]) -> str:
    return ", ".join(f"{node.name!r} ({node.shown})" for node in nodes)


def _reason(error: Exception) -> str:
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return text.removeprefix("[ONNXRuntimeError] : ")[:LONGEST_REASON]


# --- inputs ------------------------------------------------------------------------------------------------------


def _fit_shape(inputs: np.ndarray, model: OnnxModel, source: object) -> np.ndarray:
    """Return the inputs in the model's shape.

    Flat rows are folded and images unfolded where the count fits, and axes of length 1 come and go. Other axes are
    never rearranged: an image with its channels last, folded into channels first, would be noise.
    """
    wanted, given = model.input.shape[1:], inputs.shape[1:]
    if not model.input.shape or _agree(given, wanted):
        return inputs
    if wanted == (None,):
        return inputs.reshape(len(inputs), -1)
    lengths = [length for length in wanted if length is not None]
    fits = len(lengths) == len(wanted) and math.prod(lengths) == math.prod(given)
    if fits and (len(_wide(given)) <= 1 or len(_wide(lengths)) <= 1 or _wide(given) == _wide(lengths)):
        return inputs.reshape(len(inputs), *lengths)
    turned = sorted(given) == sorted(lengths)
    raise InputError(
        f"{_one_input_of(model)} has the shape {_shape(given)}, the model takes {_shape(wanted)}",
        file=source if model.role == ENCODER else model.file,
        place=model.role.given if model.role == ENCODER else model.role.place,
        rule=f"{_inputs_of(model)} in the shape of the input {model.input.name!r}, or flat rows of as many values",
        remedy=_remedy_for_shape(model, turned=turned),
    )


def _inputs_of(model: OnnxModel) -> str:
    return "inputs" if model.role == ENCODER else model.role.given


def _one_input_of(model: OnnxModel) -> str:
    return "one input" if model.role == ENCODER else f"one of the {model.role.given}"


def _remedy_for_shape(model: OnnxModel, *, turned: bool) -> str:
    if model.role != ENCODER:
        return f"name the {model.role.name} that was trained together with these {model.role.given}"
    return "numpy.moveaxis(inputs, -1, 1) where channels come last" if turned else "save the inputs in that shape"


def _agree(given: Sequence[int], wanted: Sequence[int | None]) -> bool:
    return len(given) == len(wanted) and all(b in (None, a) for a, b in zip(given, wanted, strict=True))


def _wide(shape: Sequence[int]) -> list[int]:
    return [length for length in shape if length != 1]


def _shape(shape: Sequence[int | None]) -> str:
    return " × ".join("any" if length is None else str(length) for length in shape) or "()"


def _convert(rows: np.ndarray, model: OnnxModel, source: object, first: int) -> np.ndarray:
    """Return rows in the model's type; refuse what that type cannot hold."""
    wanted = np.dtype(TYPES[model.input.type])
    with np.errstate(over="ignore", invalid="ignore"):  # told below, with its place
        converted = rows.astype(wanted)
    lost = ~np.isfinite(converted) if wanted.kind == "f" else converted != rows
    if lost.any():
        row = int(np.argwhere(lost)[0][0])
        raise InputError(
            f"{rows[lost][0]} is no {wanted}",
            file=source if model.role == ENCODER else model.file,
            place=f"{model.role.given}, row {first + row}",
            rule=f"the model's input {model.input.name!r} is {wanted}; nothing is scaled",
            remedy=f"save the inputs as the {model.role.name} was trained on them, or export it with a float input",
        )
    return converted


# --- outputs -----------------------------------------------------------------------------------------------------


def _run(model: OnnxModel, rows: np.ndarray) -> np.ndarray:
    count = len(rows)
    if model.fixed_batch is not None:
        rows = np.concatenate([rows, np.repeat(rows[-1:], model.fixed_batch - count, axis=0)])
    try:
        (output,) = model.session.run([model.output], {model.input.name: rows})
    except Exception as error:  # ONNX Runtime's exceptions have no common base
        raise InputError(
            f"the model fails on inputs of shape {rows.shape}: {_reason(error)}",
            file=model.file,
            rule="it takes any number of rows, or a fixed number that its input declares",
            remedy="export it with a dynamic batch axis; lower `batch:` where memory is short",
        ) from None
    if not isinstance(output, np.ndarray) or output.dtype.kind not in "fiu":
        raise _unusable(model, getattr(output, "dtype", type(output).__name__))
    if output.ndim < 2 or len(output) != len(rows) or (model.role.matrix and len(_wide(output.shape[1:])) > 1):
        raise _unusable(model, f"shape {output.shape} of {len(rows)} rows")
    kept = output[:count]
    return kept.reshape(count, -1) if model.role.matrix else kept


def _unusable(model: OnnxModel, found: object) -> InputError:
    flatten = ", or let the encoder end with a flatten" if model.role.matrix else ""
    axes = "latent vectors are rows × latents of real numbers; further axes have length 1"
    return InputError(
        f"output {model.output!r} gives {found}",
        file=model.file,
        place=f"{model.role.place}.output",
        rule=axes if model.role.matrix else "a reconstruction of real numbers for every row",
        remedy=f"name another output ({model.outputs}){flatten}",
    )


def _refuse_chance(model: OnnxModel, once: np.ndarray, twice: np.ndarray) -> None:
    if once.tobytes() != twice.tobytes():
        raise InputError(
            f"output {model.output!r} of the same inputs differs from one run to the next",
            file=model.file,
            place=f"{model.role.place}.output",
            rule=f"the same inputs have the same {model.role.rows}",
            remedy=f"export the {model.role.name} in evaluation mode, and name a mean instead of a sample "
            f"(outputs: {model.outputs})",
        )
