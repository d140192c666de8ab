"""The store: what lies where, and the only way files get there.

A file is written beside its place under another name, flushed to the disk, and then renamed; a reader sees the
old file, the new file or none, whatever dies when. Folders of arrays are committed the same way. Every file carries
a checksum of all of its bytes (``steadymap.configs.checksum``), which is verified when it is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, ParamSpec, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from steadymap.configs import checksum
from steadymap.tasks.progress import tell

P = ParamSpec("P")
T = TypeVar("T")

TEMPORARY = ".writing-"
"""Start of the name of a file or folder that is not committed; nothing reads these."""

META = "meta.json"

ORIGIN = "steadymap"
"""Key of a Parquet footer under which the origin of the file stands."""


class DamagedError(OSError):
    """A file of the store cannot be trusted; it is computed again."""


def write_table(table: pa.Table, path: Path, provenance: Mapping[str, Any] | None = None) -> None:
    """Commit a Parquet file: zstd, provenance as JSON in the footer, checksums of its pages and of the whole."""
    footer = {} if provenance is None else {ORIGIN: json.dumps(provenance, sort_keys=True, ensure_ascii=False)}
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, compression="zstd", write_page_checksum=True) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(
            {**footer, checksum.KEY: checksum.BLANK}
        )  # last, after whatever text people chose
    with committed_file(path) as temporary:
        temporary.write_bytes(checksum.fill_in(sink.getvalue().to_pybytes()))


def read_table(path: Path, schema: pa.Schema | None = None, origin: Mapping[str, Any] | None = None) -> pa.Table:
    """Read a Parquet file and verify it.

    Parameters
    ----------
    path
        The file.
    schema
        The columns that it has to have; default: any.
    origin
        What its footer has to say of its origin: a file under another's name is damage, too.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedError
        The file is not Parquet, a checksum is wrong, or columns or origin are others.
    """
    content = _read_whole(path)
    try:
        with pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True) as file:
            table = file.read()
            told = _origin_of(file.metadata)
    except (OSError, pa.ArrowException, ValueError) as error:
        raise DamagedError(f"{path}: {error}") from error
    for key, value in (origin or {}).items():
        if told.get(key) != value:
            raise DamagedError(f"{path}: its {key} is {told.get(key)}")
    ours = (ORIGIN.encode(), checksum.KEY.encode())  # of the file, not of the table
    table = table.replace_schema_metadata(
        {key: value for key, value in (table.schema.metadata or {}).items() if key not in ours} or None
    )
    if schema is not None and not table.schema.equals(schema):
        raise DamagedError(f"{path}: unexpected columns {table.schema.names}")
    return table


def _read_whole(path: Path) -> bytes:
    """Return the bytes of a file, unless they are not those that were written.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedError
        Its checksum is wrong, or it cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DamagedError(f"{path}: {error.strerror}") from error
    if checksum.is_whole(content) is False:
        raise DamagedError(f"{path}: its checksum is not that of its bytes")
    return content


def read_if_whole(read: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T | None:
    """Return what ``read`` finds; None where there is nothing, or it is damaged, which is told, and made again."""
    try:
        return read(*arguments, **named)
    except FileNotFoundError:
        return None
    except DamagedError as damage:
        tell(f"damaged, and made again: {damage}")
        return None


def read_if_there(read: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T | None:
    """Return what ``read`` finds; None where an earlier step has left nothing, which it has told.

    For what nobody makes again: a run without it would count as complete.

    Raises
    ------
    DamagedError
        It is there and cannot be read, or is not what was written.
    """
    try:
        return read(*arguments, **named)
    except FileNotFoundError:
        return None


def read_provenance(path: Path) -> dict[str, Any]:
    """Return what the footer of one of our Parquet files says about its origin.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedError
        It cannot be trusted.
    """
    try:
        return _origin_of(pq.read_metadata(pa.BufferReader(_read_whole(path))))
    except (OSError, pa.ArrowException, ValueError) as error:
        raise DamagedError(f"{path}: {error}") from error


def _origin_of(metadata: pq.FileMetaData) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((metadata.metadata or {}).get(ORIGIN.encode(), b"{}"))
    return told


def write_text(text: str, path: Path) -> None:
    """Commit a UTF-8 text file."""
    with committed_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(document: Mapping[str, Any], path: Path, indent: int | None = None) -> None:
    """Commit a JSON object with a checksum of its text."""
    with committed_file(path) as temporary:
        temporary.write_bytes(_to_json(document, indent))


def _to_json(document: Mapping[str, Any], indent: int | None) -> bytes:
    ordered = json.loads(json.dumps(document, sort_keys=True))
    whole = {**ordered, checksum.KEY: checksum.BLANK}  # last, after whatever text people chose
    return checksum.fill_in(f"{json.dumps(whole, ensure_ascii=False, indent=indent)}\n".encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object and verify it.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedError
        It is no JSON object, or its checksum is wrong.
    """
    try:
        document = json.loads(_read_whole(path))
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise DamagedError(f"{path}: no JSON object")
    document.pop(checksum.KEY, None)
    return document


def write_arrays(folder: Path, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> None:
    """Commit a folder with one .npy file per array (so that workers can map them) and a meta.json.

    Where the folder is there already, in whole, it is kept: its name is its identity.
    """
    temporary = folder.with_name(f"{TEMPORARY}{folder.name}-{uuid.uuid4().hex}")
    temporary.mkdir(parents=True)
    try:
        digests = {}
        for name, array in arrays.items():
            digests[f"{name}.npy"] = save_array(array, temporary / f"{name}.npy")
        (temporary / META).write_bytes(_to_json({**meta, "files": digests}, indent=1))
        for file in temporary.iterdir():
            flush(file)
        try:
            temporary.rename(folder)
        except OSError:
            # Another process may have committed the same thing meanwhile; then it is there.
            if not folder.is_dir():
                raise
        else:
            flush(folder.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def save_array(array: np.ndarray, path: Path) -> str:
    """Write an .npy file, and return the SHA-256 of what was to be written.

    Through Python's own write: given a file, NumPy writes behind its back, and a disk that is full goes unnoticed.
    """
    with path.open("wb") as file:
        hashed = _Hashed(file)
        np.save(hashed, array, allow_pickle=False)
    return hashed.digest.hexdigest()


class _Hashed:
    """A file that digests what is written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, content: bytes) -> int:
        """Write."""
        self.digest.update(content)
        return self._file.write(content)


def read_meta(folder: Path) -> dict[str, Any]:
    """Return the meta.json of a committed folder, its arrays verified.

    Raises
    ------
    FileNotFoundError
        The folder is not there.
    DamagedError
        An array is missing or not as it was written; the folder is removed, since it can be made again.
    """
    damaged = damaged_arrays(folder)
    if damaged:
        shutil.rmtree(folder, ignore_errors=True)
        raise DamagedError(f"{folder}: {', '.join(damaged)} is not as it was written")
    return read_json(folder / META)


def damaged_arrays(folder: Path) -> list[str]:
    """Return the files of a committed folder that are missing or not as they were written.

    Raises
    ------
    FileNotFoundError
        It has no meta.json.
    """
    try:
        known = read_json(folder / META)["files"].items()
        return [name for name, digest in known if not _has_digest(folder / name, digest)]
    except (DamagedError, KeyError, AttributeError):
        return [META]


def _has_digest(file: Path, digest: str) -> bool:
    try:
        return file_digest(file) == digest
    except OSError:
        return False


def map_array(folder: Path, name: str) -> np.ndarray:
    """Map an array of a committed folder, read-only."""
    array: np.ndarray = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    return array


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def committed_file(path: Path) -> Iterator[Path]:
    """Give a name to write to; the file is committed under its own at the end of the block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{path.name}-{uuid.uuid4().hex}")
    try:
        yield temporary
        flush(temporary)
        temporary.replace(path)
        flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Bring a file, or the entries of a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
