"""Files whose content is another than their ending says: renamed, packed, or no data at all."""

from __future__ import annotations

from pathlib import Path

from steadymap.configs.errors import InputError

HEAD_BYTES = 512

TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".vec")
"""Files of text; what begins with one of the marks below is none."""

MARKS: tuple[tuple[bytes, str, str, tuple[str, ...]], ...] = (
    (b"PAR1", "a Parquet file", "rename it to .parquet", (".parquet", ".pq")),
    (b"\x93NUMPY", "a NumPy array", "rename it to .npy", (".npy",)),
    (b"ARROW1", "an Arrow file", "rename it to .arrow", (".arrow", ".feather")),
    (b"\x1f\x8b", "packed by gzip", "unpack it, or add .gz to its name", (".gz",)),
    (b"BZh", "packed by bzip2", "unpack it", ()),
    (b"\x28\xb5\x2f\xfd", "packed by Zstandard", "unpack it", ()),
    (b"PK\x03\x04", "a zip archive", "unpack it (an .npz or .xlsx is one, too)", (".npz", ".zip", ".xlsx", ".ods")),
    (b"\x89HDF", "an HDF5 file", "rename it to .h5ad if AnnData wrote it", (".h5ad",)),
    (b"version https://git-lfs", "what Git LFS leaves in place of a file", "git lfs pull", ()),
    (b"SQLite format 3", "an SQLite database", "export the table, for example with duckdb or pandas", ()),
    (b"<!doctype html", "a web page", "load the file itself: a page came in its place", ()),
    (b"<html", "a web page", "load the file itself: a page came in its place", ()),
)
"""First bytes, in small letters where the file is text; what they say; what to do; endings that they belong to."""

PICKLE = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))


def refuse_foreign(path: Path) -> None:
    """Refuse a file that begins as files of another kind do.

    Raises
    ------
    InputError
        Naming what it is.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    ending = path.suffix.lower()
    start = head.lstrip().lower() if _is_text(head) else head  # a column of a text may be called PAR1
    for mark, told, remedy, endings in MARKS:
        if ending not in endings and start.startswith(mark):
            raise _foreign(path, told, remedy)
    if head.startswith(PICKLE) and ending not in (".safetensors", *TABLES):
        raise _foreign(
            path,
            "a pickle (reading it can run whatever code is in it)",
            f"import pickle, numpy; x = pickle.load(open({path.name!r}, 'rb'))\n"
            "          numpy.save('latents.npy', numpy.asarray(x))",
        )
    if ending in (".parquet", ".pq") and _is_text(head):
        raise _foreign(path, "text", "rename it to .csv or .tsv if it is a table; separators are found")


def _foreign(path: Path, told: str, remedy: str) -> InputError:
    return InputError(
        f"by its first bytes this is {told}", file=path, rule=f"a {path.suffix} file holds what it says", remedy=remedy
    )


def _is_text(head: bytes) -> bool:
    try:
        head[:200].decode("ascii")
    except UnicodeDecodeError:
        return False
    return len(head) > 0 and b"\0" not in head
