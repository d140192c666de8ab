"""Tensors that an ONNX model keeps in other files: found in the model's bytes, before any library acts on them.

Such a tensor names a path, and whoever runs the model opens it: a model from somewhere else could read any file. So a
model is searched before it is opened. Only the wire format of protocol buffers is read here, and of the model only
the ways to its tensors; whether the model makes sense is for ONNX Runtime to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

WAYS: dict[str, dict[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        **dict.fromkeys((5, 10), "TensorProto"),
        **dict.fromkeys((6, 11), "GraphProto"),
        **dict.fromkeys((22, 23), "SparseTensorProto"),
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
}
"""By kind of message, the numbers of the fields that lead to tensors (onnx.proto)."""

TENSOR_NAME, EXTERNAL_DATA, DATA_LOCATION = 8, 13, 14
VARINT, FIXED_64, DELIMITED, FIXED_32 = 0, 1, 2, 5
LONGEST_VARINT = 10


class _Field(NamedTuple):
    """A field of a message: its number, wire type and value, and where its content lies."""

    number: int
    wire: int
    value: int
    start: int
    end: int


def external_tensors(model: bytes) -> list[str]:
    """Return the names of the tensors that a model keeps in other files.

    Raises
    ------
    ValueError
        The bytes are no whole protocol buffer.
    """
    found: list[str] = []
    waiting = [("ModelProto", 0, len(model))]
    while waiting:
        kind, start, end = waiting.pop()
        if kind == "TensorProto":
            found += _if_external(model, start, end)
            continue
        for field in _fields(model, start, end):
            inner = WAYS[kind].get(field.number)
            if inner is not None and field.wire == DELIMITED:
                waiting.append((inner, field.start, field.end))
    return found


def _if_external(model: bytes, start: int, end: int) -> list[str]:
    """Return a tensor's name where its values lie elsewhere; a field of either kind is enough to say so."""
    name, external = "(unnamed)", False
    for field in _fields(model, start, end):
        if field.number == TENSOR_NAME and field.wire == DELIMITED:
            name = model[field.start : field.end].decode("utf-8", errors="replace")
        external |= field.number == EXTERNAL_DATA or (field.number == DATA_LOCATION and field.value != 0)
    return [name] if external else []


def _fields(model: bytes, at: int, end: int) -> Iterator[_Field]:
    while at < end:
        key, at = _varint(model, at, end)
        number, wire = (key & 0xFFFFFFFF) >> 3, key & 7  # as the library does, which keeps 32 bits of it
        value, start = 0, at
        if wire == VARINT:
            value, at = _varint(model, at, end)
        elif wire == DELIMITED:
            length, start = _varint(model, at, end)
            at = start + length
        elif wire in (FIXED_64, FIXED_32):
            at += 8 if wire == FIXED_64 else 4
        else:
            raise ValueError(f"byte {at - 1} begins no field")
        if at > end:
            raise ValueError(f"a field ends {at - end:,} bytes behind its message")
        yield _Field(number, wire, value, start, at)


def _varint(model: bytes, at: int, end: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte, and the place behind it."""
    value = 0
    for position in range(LONGEST_VARINT):
        if at + position >= end:
            raise ValueError("it ends in the middle of a number")
        byte = model[at + position]
        value |= (byte & 0x7F) << (7 * position)
        if byte < 0x80:
            return value, at + position + 1
    raise ValueError(f"a number at byte {at} is too long")
