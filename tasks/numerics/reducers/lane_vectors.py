"""Several numbers side by side as one vector of the processor, for kernels that advance several pictures at once.

numba leaves short inner loops scalar; a value of type ``Lanes`` is an LLVM vector, which every processor has in some
width. Each operation rounds every lane by itself (IEEE 754, nothing reordered, no fused multiply-add), so that what a
lane holds depends neither on its neighbours nor on how many lanes there are.

Functions of this module are for use inside of compiled kernels only. Arrays are flat; places are counted in numbers.
What generates code for each of them is a function of numba's types; to a type checker they are all ``Any``. numba's
cache on disk does not see that they changed: whoever edits them removes __pycache__.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

INDEX = ir.IntType(32)
WIDE = ir.IntType(64)
ALIGNMENT = 4
"""Bytes: arrays start where NumPy puts them, which need not be where a vector would."""


def _vector_operation(define: Callable[..., Any]) -> Any:
    """Make a function of numba's types one that compiled kernels can call."""
    return intrinsic(prefer_literal=True)(define)


class Lanes(types.Type):
    """The type of a vector: so many float32 or uint32 numbers."""

    def __init__(self, number: Any, width: int) -> None:
        self.number = number
        self.width = width
        super().__init__(name=f"Lanes({number}, {width})")


def _vector(number: Any, width: int) -> ir.VectorType:
    return ir.VectorType(ir.FloatType() if number == types.float32 else INDEX, width)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, _vector(lanes.number, lanes.width))  # type: ignore[no-untyped-call]


def _constant(number: int, width: int, element: ir.Type = INDEX) -> ir.Constant:
    return ir.Constant(ir.VectorType(element, width), [number] * width)


def _repeat(builder: ir.IRBuilder, value: ir.Value, width: int) -> ir.Value:
    first = builder.insert_element(ir.Constant(ir.VectorType(value.type, width), ir.Undefined), value, INDEX(0))
    return builder.shuffle_vector(first, first, _constant(0, width))


def _data(context: Any, builder: ir.IRBuilder, kind: Any, array: ir.Value) -> ir.Value:
    return context.make_array(kind)(context, builder, array).data


def _pick(builder: ir.IRBuilder, data: ir.Value, places: ir.Value, width: int) -> ir.Value:
    """Load one number for every lane."""
    picked = ir.Constant(ir.VectorType(ir.FloatType(), width), ir.Undefined)
    for lane in range(width):
        place = builder.extract_element(places, INDEX(lane))
        number = builder.load(builder.gep(data, [place], inbounds=True))
        picked = builder.insert_element(picked, number, INDEX(lane))
    return picked


@_vector_operation
def load(_typing: Any, array: Any, _place: Any, width: Any) -> Any:
    """Load as many numbers as there are lanes from a place of an array on."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        start = builder.gep(_data(context, builder, signature.args[0], arguments[0]), [arguments[1]])
        return builder.load(
            builder.bitcast(start, _vector(array.dtype, width.literal_value).as_pointer()), align=ALIGNMENT
        )

    return Lanes(array.dtype, width.literal_value)(array, types.intp, width), generate


@_vector_operation
def store(_typing: Any, array: Any, _place: Any, lanes: Any) -> Any:
    """Store the lanes at a place of an array."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        start = builder.gep(_data(context, builder, signature.args[0], arguments[0]), [arguments[1]])
        place = builder.bitcast(start, _vector(lanes.number, lanes.width).as_pointer())
        builder.store(arguments[2], place, align=ALIGNMENT)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), generate


@_vector_operation
def fill(_typing: Any, _number: Any, width: Any) -> Any:
    """Give every lane the same float32 number."""

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> ir.Value:
        return _repeat(builder, arguments[0], width.literal_value)

    return Lanes(types.float32, width.literal_value)(types.float32, width), generate


def _arithmetic(name: str, generate_one: Callable[[ir.IRBuilder, ir.Value, ir.Value], ir.Value]) -> Any:
    def typed(_typing: Any, first: Any, second: Any) -> Any:
        def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> ir.Value:
            return generate_one(builder, *arguments)

        return first(first, second), generate

    typed.__name__ = name
    typed.__doc__ = f"{name} lane by lane."
    return _vector_operation(typed)


def _smaller(builder: ir.IRBuilder, first: ir.Value, second: ir.Value) -> ir.Value:
    return builder.select(builder.fcmp_ordered("<", first, second), first, second)


def _larger(builder: ir.IRBuilder, first: ir.Value, second: ir.Value) -> ir.Value:
    return builder.select(builder.fcmp_ordered(">", first, second), first, second)


add = _arithmetic("add", lambda builder, first, second: builder.fadd(first, second))
subtract = _arithmetic("subtract", lambda builder, first, second: builder.fsub(first, second))
multiply = _arithmetic("multiply", lambda builder, first, second: builder.fmul(first, second))
divide = _arithmetic("divide", lambda builder, first, second: builder.fdiv(first, second))
smaller = _arithmetic("smaller", _smaller)
larger = _arithmetic("larger", _larger)


@_vector_operation
def look_up(_typing: Any, table: Any, numbers: Any, starts: Any, shift: Any, first: Any) -> Any:
    """Look a positive float32 up by its leading bits: table[start + (bits >> shift) − first], lane by lane."""
    width = numbers.width

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        bits = builder.bitcast(arguments[1], _vector(types.uint32, width))
        leading = builder.lshr(bits, _constant(shift.literal_value, width))
        places = builder.add(builder.sub(leading, _constant(first.literal_value, width)), arguments[2])
        wide = builder.zext(places, ir.VectorType(WIDE, width))
        return _pick(builder, _data(context, builder, signature.args[0], arguments[0]), wide, width)

    return numbers(table, numbers, starts, shift, first), generate


@_vector_operation
def scramble(_typing: Any, states: Any) -> Any:
    """Advance a 32-bit xorshift generator of every lane. Source: Marsaglia 2003, doi:10.18637/jss.v008.i14."""
    width = states.width

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> ir.Value:
        state = arguments[0]
        state = builder.xor(state, builder.shl(state, _constant(13, width)))
        state = builder.xor(state, builder.lshr(state, _constant(17, width)))
        return builder.xor(state, builder.shl(state, _constant(5, width)))

    return states(states), generate


@_vector_operation
def draw_below(_typing: Any, states: Any, _count: Any) -> Any:
    """Turn every lane's 32 random bits into a whole number below a count: their product's upper half."""
    width = states.width

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> ir.Value:
        wide = builder.zext(arguments[0], ir.VectorType(WIDE, width))
        product = builder.mul(wide, _repeat(builder, arguments[1], width))
        return builder.trunc(builder.lshr(product, _constant(32, width, WIDE)), _vector(types.uint32, width))

    return states(states, types.uint64), generate


@_vector_operation
def load_rows(_typing: Any, array: Any, rows: Any, stride: Any, start: Any) -> Any:
    """Load for lane s the number at row × stride + start + s: each lane's own coordinate of another row."""
    width = rows.width

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        wide = builder.zext(arguments[1], ir.VectorType(WIDE, width))
        own = ir.Constant(ir.VectorType(WIDE, width), [start.literal_value + lane for lane in range(width)])
        places = builder.add(builder.mul(wide, _constant(stride.literal_value, width, WIDE)), own)
        return _pick(builder, _data(context, builder, signature.args[0], arguments[0]), places, width)

    return Lanes(types.float32, width)(array, rows, stride, start), generate
