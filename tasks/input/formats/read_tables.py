"""Tables from files: Parquet (also a folder of shards), Arrow, separated values, lines of JSON; read by Arrow."""

from __future__ import annotations

import contextlib
import gzip
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset
import pyarrow.json
import pyarrow.parquet as pq

from steadymap.configs.errors import InputError
from steadymap.tasks.input.formats.csv_dialect import Dialect, read_dialect
from steadymap.tasks.input.formats.data_file import ABOVE_SUSPICION_BYTES, check_expansion, check_fits

BYTES_A_VALUE = 8
CHUNK_BYTES = 16_000_000
BUFFER_BYTES = 65_536
PARQUET_ENDINGS = (".parquet", ".pq")
ARROW_ENDINGS = (".feather", ".arrow")
LINES_ENDINGS = (".jsonl", ".ndjson")
TEXT_ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".vec", ".vec.gz")
LARGEST_BLOCK = 2**31 - 1


def read_arrow_table(path: Path, header: bool | None) -> tuple[pa.Table, list[str]]:
    """Read a table, and what a person should know of how it was read.

    Raises
    ------
    InputError
        It does not fit into memory, or can be read in two ways. What Arrow raises for a damaged file goes on.
    """
    name = path.name.lower()
    if path.is_dir():
        return _read_shards(path), []
    if name.endswith(PARQUET_ENDINGS):
        _check_parquet([path])
        return pq.read_table(pa.OSFile(str(path))), []
    if name.endswith(ARROW_ENDINGS):
        return _read_arrow(path), []
    if name.endswith((*LINES_ENDINGS, *(f"{ending}.gz" for ending in LINES_ENDINGS))):
        raw = _read_bytes(path)
        return _read_lines(raw, path), []
    return _read_text(path, header)


def _read_lines(raw: bytes, path: Path) -> pa.Table:
    if raw.lstrip()[:1] == b"[":
        raise InputError(
            "it begins with a list",
            file=path,
            rule='an object a line, such as {"id": 1, "vector": [0.1, 0.2]}',
            remedy="of a list of numbers a line, rename it to .csv; of one list of objects: "
            f"import pandas; x = pandas.read_json({path.name!r})\n          x.to_parquet('latents.parquet')",
        )
    block = pyarrow.json.ReadOptions(block_size=min(max(len(raw), 1), LARGEST_BLOCK))
    try:
        return pyarrow.json.read_json(io.BytesIO(raw), read_options=block)
    except pa.ArrowInvalid as error:
        changed = CHANGED.search(str(error))
        if changed is None:
            raise
        raise InputError(
            f"{changed[1]!r} is a {changed[3]}, and a {changed[2]} in the lines before",
            file=path,
            place=f"line {int(changed[4]) + 1:,}",
            rule="values of one name are of one kind",
            remedy=f"make them alike, or leave them out: import pandas; x = pandas.read_json({path.name!r}, lines=1)\n"
            f"          x.drop(columns={changed[1]!r}).to_parquet('latents.parquet')",
        ) from None


CHANGED = re.compile(r"Column\(/([^)/]+)\) changed from (\w+) to (\w+) in row (\d+)")
"""How Arrow tells of a value of another kind."""


def shards_of(folder: Path) -> list[Path]:
    """Return the Parquet files of a folder, or else its Arrow files, in the order of their names."""
    for endings in (PARQUET_ENDINGS, ARROW_ENDINGS):
        found = [path for path in folder.rglob("*") if path.name.lower().endswith(endings)]
        # HuggingFace's datasets keeps results of map() beside the data.
        shards = sorted(path for path in found if not path.name.startswith((".", "_", "cache-")))
        if shards:
            return shards
    return []


def _read_shards(folder: Path) -> pa.Table:
    files = shards_of(folder)
    _check_shards(files)
    if files[0].name.lower().endswith(ARROW_ENDINGS):
        return pa.concat_tables([_read_arrow(path) for path in files])
    _check_parquet(files)
    hives = {tuple(part.partition("=")[0] for part in path.relative_to(folder).parts[:-1]) for path in files}
    partitioning = "hive" if hives != {()} else None
    return pyarrow.dataset.dataset(
        [str(path) for path in files], format="parquet", partitioning=partitioning, partition_base_dir=str(folder)
    ).to_table()


def _check_shards(files: list[Path]) -> None:
    """Refuse files of a folder that are no parts of one table: what one lacks would be missing in its rows."""
    if not files[0].name.lower().endswith(PARQUET_ENDINGS):
        return
    first = set(pq.read_schema(files[0]).names)
    for path in files[1:]:
        other = set(pq.read_schema(path).names)
        if other != first:
            name = sorted(first ^ other)[0]
            has, lacks = (files[0], path) if name in first else (path, files[0])
            raise InputError(
                f"column {name!r} of {has.name} is not in {lacks.name}",
                file=path.parent,
                rule="the files of a folder are parts of one table, with the same columns",
                remedy="name one file; or keep those of other tables in other folders",
            )


def _check_parquet(files: list[Path]) -> None:
    """Refuse what unpacks to more than memory: a column that repeats one value takes a few bytes on disk."""
    values = 0
    for path in files:
        with pq.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False) as file:
            for group in range(file.num_row_groups):
                # Of a damaged footer this raises; what is asked of a column below would end the process instead.
                next(file.iter_batches(batch_size=1, row_groups=[group]), None)
            groups = [file.metadata.row_group(group) for group in range(file.metadata.num_row_groups)]
            values += sum(group.column(column).num_values for group in groups for column in range(group.num_columns))
    check_fits(values * BYTES_A_VALUE, "table", files[0])
    for path in files:
        with pq.ParquetFile(path) as file:
            texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
        for name in texts:
            _check_text(path, name)


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind))


def _check_text(path: Path, name: str) -> None:
    """Refuse a column whose texts unpack to more than memory: one long text, repeated, takes its length on disk."""
    with pq.ParquetFile(path, read_dictionary=[name]) as file:
        place = file.schema_arrow.get_field_index(name)
        column = file.metadata.schema.names.index(name) if name in file.metadata.schema.names else place
        unpacked = 0
        for group in range(file.metadata.num_row_groups):
            stored = file.metadata.row_group(group).column(column)
            if stored.num_values * stored.total_uncompressed_size < ABOVE_SUSPICION_BYTES:
                continue  # however long the longest text is
            for chunk in file.read_row_group(group, columns=[name]).column(0).chunks:
                lengths = pc.cast(pc.binary_length(chunk.dictionary), pa.int64())
                unpacked += pc.sum(pc.take(lengths, chunk.indices)).as_py() or 0
    check_fits(unpacked, f"column {name!r}", path)


def _read_arrow(path: Path) -> pa.Table:
    check_fits(path.stat().st_size, "table", path)
    with pa.OSFile(str(path)) as source:
        with contextlib.suppress(pa.ArrowInvalid):
            return _validated(pa.ipc.open_file(source).read_all())
        source.seek(0)
        return _validated(pa.ipc.open_stream(source).read_all())


def _validated(table: pa.Table) -> pa.Table:
    """Return a table whose offsets lie inside of it; Arrow takes those of a file as they are."""
    table.validate(full=True)
    return table


def _read_text(path: Path, header: bool | None) -> tuple[pa.Table, list[str]]:
    dialect = read_dialect(_read_bytes(path), path, header)
    if dialect.names is not None:
        refuse_repeated(dialect.names, path)
    convert = pyarrow.csv.ConvertOptions(strings_can_be_null=not dialect.plain, decimal_point=dialect.decimal)
    table = _tidy(_parse_text(dialect, convert, path), dialect.decimal)
    return table, [*dialect.notes, *_doubt_last_row(table)]


def _doubt_last_row(table: pa.Table) -> list[str]:
    """Ask about a last row that sums up the others, as spreadsheets have it."""
    texts = [column for column in table.columns if pa.types.is_string(column.type)]
    last = [str(column[-1].as_py()) for column in texts] if table.num_rows else []
    return [f"the last row is called {value!r}: is it one of the data?" for value in last if SUMMARY.fullmatch(value)]


def read_column_as_text(path: Path, place: int, header: bool | None) -> list[object]:
    """Read one column of separated values, by its place, as it is written: 007 stays 007."""
    dialect = read_dialect(_read_bytes(path), path, header)
    name = dialect.names[place] if dialect.names is not None else f"f{place}"
    only = pyarrow.csv.ConvertOptions(
        strings_can_be_null=not dialect.plain, include_columns=[name], column_types={name: pa.string()}
    )
    values: list[object] = _tidy(_parse_text(dialect, only, path)).column(name).to_pylist()
    return values


def _tidy(table: pa.Table, decimal: str = ".") -> pa.Table:
    """Take off the blanks that follow separators; write 1.234,56 as 1,234.56, which is read as a number elsewhere."""
    for place, name in enumerate(table.column_names):
        column = table.column(place)
        if not pa.types.is_string(column.type):
            continue
        if pc.all(pc.starts_with(column, " ")).as_py():
            column = pc.utf8_ltrim_whitespace(column)
        if decimal == "," and pc.all(pc.match_substring_regex(column, CONTINENTAL)).as_py():
            without = pc.replace_substring(column, ",", ";")
            column = pc.replace_substring(pc.replace_substring(without, ".", ","), ";", ".")
        table = table.set_column(place, name, column)
    return table


def _parse_text(dialect: Dialect, convert: pyarrow.csv.ConvertOptions, path: Path) -> pa.Table:
    if not dialect.text.strip():
        raise InputError("a line of names, and no line of values", file=path, rule="a line per row")
    block = min(max(4 * len(dialect.text), CHUNK_BYTES), LARGEST_BLOCK)  # a column's type is that of all its values
    names = dialect.names
    read = pyarrow.csv.ReadOptions(column_names=names or [], autogenerate_column_names=names is None, block_size=block)
    quote: Any = False if dialect.plain else '"'
    broken = not dialect.plain and '"' in dialect.text
    parse = pyarrow.csv.ParseOptions(delimiter=dialect.separator, quote_char=quote, newlines_in_values=broken)
    try:
        return pyarrow.csv.read_csv(io.BytesIO(dialect.text.encode()), read, parse, convert)
    except pa.ArrowInvalid as error:
        told = UNEVEN.search(str(error))
        if told is None:
            raise
        raise InputError(
            f"a line has {told[2]} value{'s' * (told[2] != '1')} where {told[1]} are expected: {told[3][:60]!r}",
            file=path,
            rule="every line has as many values as the first",
            remedy="mend the line; if the first line is a title, take it off, or let it begin with #",
        ) from None


SUMMARY = re.compile(r"\s*((grand |sub)?total|sum|mean|average|gesamt|summe|mittelwert)s?:?\s*", re.IGNORECASE)
"""What people call a row that sums up the others."""

UNEVEN = re.compile(r"Expected (\d+) columns, got (\d+): (.*)")
"""How Arrow tells of a line that is too short or too long."""

CONTINENTAL = r"^\s*[+\-−]?\d{1,3}(\.\d{3})*(,\d+)?\s*$"
"""A number with points between thousands and a decimal comma."""


def refuse_repeated(names: list[str], path: Path) -> None:
    """Refuse two columns of one name; columns without a name get one later."""
    repeated = sorted({name for name in names if name.strip() and names.count(name) > 1})
    if repeated:
        raise InputError(
            f"column {repeated[0]!r} is there twice",
            file=path,
            rule="column names differ",
            remedy="rename one; names of several levels are joined by "
            "df.columns = ['_'.join(map(str, c)) for c in df.columns]",
        )


def _read_bytes(path: Path) -> bytes:
    """Read a file, unpacked; what unpacks to more than the free memory is refused before it does."""
    check_fits(path.stat().st_size, "table", path)
    return b"".join(_chunks(path))


def _chunks(path: Path) -> Iterator[bytes]:
    packed = path.suffix.lower() == ".gz"
    most, read, stored = psutil.virtual_memory().available // 4, 0, path.stat().st_size
    with gzip.open(path, "rb") if packed else path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            read += len(chunk)
            if read > most:
                check_fits(4 * read, "table", path)
            if packed:
                check_expansion(read, stored, path, remedy="unpack it first if the data is genuine")
            if len(chunk) == CHUNK_BYTES and b"\n" not in chunk and b"\r" not in chunk:
                raise InputError(
                    f"a line has {CHUNK_BYTES:,} bytes or more",
                    file=path,
                    rule="a line is a row of a table",
                    remedy="end rows with a line break; many columns fit better into .parquet or .npy",
                )
            yield chunk
