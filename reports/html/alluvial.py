"""An alluvial drawing: blocks in columns, and bands between columns as wide as the rows that two blocks share.

Numbers only; ``templates/alluvial.html.j2`` writes them out as SVG. A drawing always stands beside a table that says
the same, so labels here are short and no colour is needed to tell blocks apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steadymap.reports.wording import count

BAR = 12
"""Width of a block."""

GAP = 5
LEAST_PLACE = 17
"""Height that a block's label needs, however few rows it has."""

TALLEST = 420
"""Height of the rows of the tallest column, without gaps."""

THINNEST = 0.6
"""Bands and blocks are drawn at least this wide, so that a few rows still show."""

HEAD = 26
"""Room above the blocks for the columns' titles."""

FOOT = 6

REST = -2
"""Key of the block that stands for all small ones."""


@dataclass(frozen=True)
class Block:
    """A block to be drawn: its key in the column, a short label, the same in words, its rows, its palette slot."""

    key: int
    label: str
    words: str
    rows: int
    slot: int | None


@dataclass(frozen=True)
class PlacedBlock:
    """A block in its place; ``anchor`` says on which side of ``text_x`` its label lies."""

    block: Block
    x: float
    y: float
    height: float
    text_x: float
    text_y: float
    anchor: str


@dataclass(frozen=True)
class Band:
    """Rows that two blocks of neighbouring columns share: an SVG path, in words, and a place in the palette."""

    path: str
    words: str
    slot: int | None


@dataclass(frozen=True)
class Alluvial:
    """A drawing: what it shows in words, its size, titles with their place and anchor, bands, and blocks above them."""

    alt: str
    width: int
    height: int
    titles: tuple[tuple[str, float, str], ...]
    bands: tuple[Band, ...]
    blocks: tuple[PlacedBlock, ...]


@dataclass(frozen=True)
class AlluvialLayout:
    """Widths: between columns, and for labels on the left of the first and on the right of the last column."""

    between: int
    left: int
    right: int


@dataclass(frozen=True)
class _Column:
    order: tuple[Block, ...]
    tops: dict[int, float]
    bottom: float


Shared = Mapping[tuple[int, int], int]
"""Rows by keys of the block on the left and of the block on the right."""


def draw_alluvial(
    columns: Sequence[tuple[str, Sequence[Block]]], shared: Sequence[Shared], layout: AlluvialLayout, alt: str
) -> Alluvial:
    """Place blocks and bands.

    Blocks of the first column keep their order; those of every other one are ordered by the mean height of where their
    rows come from, which keeps bands from crossing without a solver.
    """
    tallest = max((sum(block.rows for block in blocks) for _, blocks in columns), default=0)
    scale = TALLEST / tallest if tallest else 0.0
    placed = _place(columns, shared, scale)
    last = len(columns) - 1
    xs = [layout.left + number * (BAR + layout.between) for number in range(len(columns))]
    return Alluvial(
        alt=alt,
        width=layout.left + layout.right + BAR * len(columns) + layout.between * max(last, 0),
        height=round(max((column.bottom for column in placed), default=HEAD) + FOOT),
        titles=tuple(_title(title, number, last, xs[number], layout) for number, (title, _) in enumerate(columns)),
        bands=tuple(
            band
            for number, flows in enumerate(shared)
            for band in _bands(placed[number], placed[number + 1], flows, (xs[number] + BAR, xs[number + 1]), scale)
        ),
        blocks=tuple(
            _placed_block(block, column, xs[number], scale, on_left=number == 0 and layout.left > 0)
            for number, column in enumerate(placed)
            for block in column.order
        ),
    )


def gather_smallest(blocks: Sequence[Block], most: int, what: str) -> tuple[list[Block], dict[int, int]]:
    """Make one block of all but the largest; return what is to be drawn, and the key under which each block is."""
    if len(blocks) <= most:
        return list(blocks), {block.key: block.key for block in blocks}
    largest = sorted(blocks, key=lambda block: (-block.rows, block.key))[: most - 1]
    names = {block.key for block in largest}
    rest = [block for block in blocks if block.key not in names]
    rows = sum(block.rows for block in rest)
    together = f"{len(rest)} smaller {what}"
    drawn = [block for block in blocks if block.key in names]
    drawn.append(Block(REST, f"{together} · {rows:,}", together, rows, None))
    return drawn, {block.key: block.key if block.key in names else REST for block in blocks}


def _title(title: str, number: int, last: int, x: float, layout: AlluvialLayout) -> tuple[str, float, str]:
    if number == 0 and layout.left:
        return title, x + BAR, "end"
    if number == last or not layout.left:
        return title, x, "start"
    return title, x + BAR / 2, "middle"


def _place(columns: Sequence[tuple[str, Sequence[Block]]], shared: Sequence[Shared], scale: float) -> list[_Column]:
    placed: list[_Column] = []
    for number, (_, blocks) in enumerate(columns):
        order = tuple(blocks) if number == 0 else _order(blocks, placed[-1], shared[number - 1], scale)
        tops, y = {}, float(HEAD)
        for block in order:
            place = max(block.rows * scale, LEAST_PLACE)
            tops[block.key] = y + (place - block.rows * scale) / 2
            y += place + GAP
        placed.append(_Column(order, tops, y - GAP if order else y))
    return placed


def _order(blocks: Sequence[Block], before: _Column, shared: Shared, scale: float) -> tuple[Block, ...]:
    middles = {block.key: before.tops[block.key] + block.rows * scale / 2 for block in before.order}

    def height(block: Block) -> float:
        flows = [(middles[a], rows) for (a, b), rows in shared.items() if b == block.key and a in middles]
        total = sum(rows for _, rows in flows)
        return sum(middle * rows for middle, rows in flows) / total if total else float("inf")

    return tuple(sorted(blocks, key=height))


def _bands(left: _Column, right: _Column, shared: Shared, across: tuple[float, float], scale: float) -> list[Band]:
    """Stack the bands of every block in the order of the blocks at their other end."""
    blocks_left = {block.key: block for block in left.order}
    blocks_right = {block.key: block for block in right.order}
    known = [pair for pair in shared if pair[0] in blocks_left and pair[1] in blocks_right and shared[pair]]
    known.sort(key=lambda pair: (left.tops[pair[0]], right.tops[pair[1]]))
    starts, ends = dict(left.tops), dict(right.tops)
    found = []
    for a, b in known:
        thickness = shared[a, b] * scale
        path = _ribbon(across, starts[a], ends[b], max(thickness, THINNEST))
        starts[a] += thickness
        ends[b] += thickness
        one, other = blocks_left[a], blocks_right[b]
        words = f"{count(shared[a, b], 'row')}: {one.words} → {other.words}"
        found.append(Band(path, words, _colour(one, other)))
    return found


def _colour(one: Block, other: Block) -> int | None:
    """Return the colour of the smaller block, which says better whose rows these are."""
    smaller, larger = (other, one) if other.rows < one.rows else (one, other)
    return larger.slot if smaller.slot is None else smaller.slot


def _ribbon(across: tuple[float, float], start: float, end: float, thickness: float) -> str:
    left, right = across
    middle = (left + right) / 2
    upper = f"M{left:.1f} {start:.1f}C{middle:.1f} {start:.1f} {middle:.1f} {end:.1f} {right:.1f} {end:.1f}"
    low, high = end + thickness, start + thickness
    return f"{upper}V{low:.1f}C{middle:.1f} {low:.1f} {middle:.1f} {high:.1f} {left:.1f} {high:.1f}Z"


def _placed_block(block: Block, column: _Column, x: float, scale: float, *, on_left: bool) -> PlacedBlock:
    y, height = column.tops[block.key], max(block.rows * scale, THINNEST)
    return PlacedBlock(
        block=block,
        x=x,
        y=y,
        height=height,
        text_x=x - 7 if on_left else x + BAR + 7,
        text_y=y + height / 2 + 4.5,
        anchor="end" if on_left else "start",
    )
