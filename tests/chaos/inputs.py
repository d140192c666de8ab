"""What people give it: data that cannot be used, data that is hard and legal, pictures that are none (D1, D2, D3)."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from steadymap.configs import schemas
from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource
from steadymap.tasks.cells.score_embedding import score_embedding
from steadymap.tasks.input.dataset import import_dataset, look_at_source
from steadymap.tasks.numerics.reducers.degeneracy import describe_degeneracy
from steadymap.tasks.plan.lay_out import lay_out
from steadymap.tasks.store.files import read_table
from steadymap.tasks.store.layout import Store
from tests.chaos.row import Reached, Scale
from tests.chaos.sweeps import sweep_here, tiny_config
from tests.conftest import three_blobs

VECTORS, LABELS = three_blobs(72, dimensions=4)
SECONDS = 5.0


def _with(value: float, where: Any = (3, 1), dtype: type = np.float64) -> np.ndarray:
    spoiled = VECTORS.astype(dtype)
    spoiled[where] = value
    return spoiled


ARRAYS: dict[str, Any] = {
    "nan": _with(np.nan),
    "a row of nan": _with(np.nan, 5),
    "nothing but nan": _with(np.nan, slice(None)),
    "inf": _with(np.inf),
    "minus inf": _with(-np.inf),
    "beyond float32": _with(1e39),
    "1e30": _with(1e30),
    "all beyond float32": VECTORS.astype(float) * 1e300,
    "constant": np.ones((72, 4)),
    "no rows": np.empty((0, 4)),
    "one row": VECTORS[:1],
    "no columns": np.empty((72, 0)),
    "one dimension": VECTORS[:, 0],
    "three dimensions": VECTORS.reshape(18, 4, 4),
    "a number": np.float64(3),
    "text": VECTORS.astype(str).astype("U8") + "x",
    "complex": VECTORS.astype(complex),
    "dates": VECTORS.astype("datetime64[s]"),
    "structured": np.zeros(72, dtype=[("a", "f4"), ("b", "f4")]),
    "objects": VECTORS.astype(object),
    "truth": np.eye(72, 4, dtype=bool)[:2],
}

LEGAL = ("1e30",)
"""What may be drawn, as long as it is drawn without an error."""


def bad_files(folder: Path) -> Iterator[tuple[str, Path, dict[str, Any]]]:
    """Write files that cannot be used, one after the other."""
    for title, array in ARRAYS.items():
        path = folder / "z.npy"
        np.save(path, array, allow_pickle=array.dtype == object)
        yield f"{title}, npy", path, {}
        np.savez(folder / "z.npz", X=array)
        yield f"{title}, npz", folder / "z.npz", {"latents": ["X"]}
        if array.ndim == 2 and array.dtype.kind == "f" and array.size:
            frame = pd.DataFrame(array, columns=[f"z{place}" for place in range(array.shape[1])])
            frame.to_csv(folder / "z.csv", index=False)
            yield f"{title}, csv", folder / "z.csv", {}
            frame.to_parquet(folder / "z.parquet")
            yield f"{title}, parquet", folder / "z.parquet", {}
    yield from _bad_texts(folder)
    yield from _cut_files(folder)
    yield from _bad_roles(folder)


def _bad_texts(folder: Path) -> Iterator[tuple[str, Path, dict[str, Any]]]:
    head, row = "z0,z1,z2\n", "1.5,2.5,3.5\n"
    texts: dict[str, bytes] = {
        "ragged": (head + row * 20 + "1,2\n" + row * 20).encode(),
        "a column too many": (head + row * 20 + "1,2,3,4\n").encode(),
        "an open quote": (head + row * 20 + '"1,2,3\n' + row).encode(),
        "only a head": head.encode(),
        "nothing": b"",
        "blank lines": b"\n\n\n\n",
        "zero bytes": (head + row * 10).encode() + bytes(50),
        "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4,
        "UTF-16 cut in half": (head + row * 20).encode("utf-16")[:-1],
        "broken UTF-8": head.encode() + b"\xff\xfe\xfa,1,2\n" * 20,
        "words": ("a,b\n" + "eins,zwei\n" * 30).encode(),
        "a web page": b"<!doctype html><html><body>404</body></html>",
        "JSON": json.dumps({"z": VECTORS.tolist()}).encode(),
        "a number that is none": (head + row * 20 + "1.2.3,4,5\n" + row * 20).encode(),
    }
    for title, content in texts.items():
        (folder / "z.csv").write_bytes(content)
        yield f"{title}, csv", folder / "z.csv", {}
    for ending in (".npy", ".npz", ".parquet", ".safetensors", ".feather", ".jsonl", ".h5ad"):
        (folder / f"z{ending}").write_bytes(texts["a picture"])
        yield f"a picture, {ending}", folder / f"z{ending}", {}
        (folder / f"z{ending}").write_bytes(b"")
        yield f"nothing, {ending}", folder / f"z{ending}", {}
    with zipfile.ZipFile(folder / "empty.npz", "w"):
        pass
    yield "no array, npz", folder / "empty.npz", {}
    for ending in (".pt", ".pkl", ".mat", ".xyz", ""):
        (folder / f"other{ending}").write_bytes(b"something")
        yield f"the ending {ending!r}", folder / f"other{ending}", {}
    yield "not there", folder / "nowhere.npy", {}
    (folder / "folder.npy").mkdir(exist_ok=True)
    yield "a folder", folder / "folder.npy", {}


def _cut_files(folder: Path) -> Iterator[tuple[str, Path, dict[str, Any]]]:
    npy, npz, parquet = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(npy, VECTORS)
    np.savez(npz, X=VECTORS)
    pq.write_table(pa.table({f"z{place}": VECTORS[:, place] for place in range(4)}), parquet)
    for ending, whole in ((".npy", npy), (".npz", npz), (".parquet", parquet)):
        content = whole.getvalue()
        for share in (0.02, 0.3, 0.6, 0.95, 0.999):
            (folder / f"cut{ending}").write_bytes(content[: int(share * len(content))])
            yield f"{share:.1%} of it, {ending}", folder / f"cut{ending}", {}


def _bad_roles(folder: Path) -> Iterator[tuple[str, Path, dict[str, Any]]]:
    np.savez(folder / "roles.npz", X=VECTORS, y=LABELS, short=np.arange(3), empty=np.array([], dtype="U3"))
    for roles in (
        {"latents": ["Q"]},
        {"labels": ["klass"]},
        {"labels": ["short"]},
        {"labels": ["empty"]},
        {"id": "name"},
        {"group": "short"},
        {"inputs": ["short"]},
        {"labels": ["missing.npy"]},
    ):
        yield f"{roles}", folder / "roles.npz", roles


def refused_files(scale: Scale) -> Reached:
    """Give it files that cannot be used: each is refused within seconds, with its name, the rule or the remedy."""
    reached = Reached()
    for title, path, roles in bad_files(scale.folder):
        begun = time.monotonic()
        fault = _refusal(path, roles, legal=title.split(",")[0] in LEGAL)
        took = time.monotonic() - begun
        late = f"took {took:.1f} s" if took > SECONDS and path.suffix != ".h5ad" else None
        fault = fault or late
        reached.count(fault and f"{title}: {fault}")
    return reached


def _refusal(path: Path, roles: dict[str, Any], *, legal: bool) -> str | None:
    try:
        look_at_source(DataSource.model_validate({"path": str(path), **roles}))
    except InputError as error:
        text = str(error)
        named = path.name in text or any(str(one) in text for value in roles.values() for one in np.ravel(value))
        advised = error.remedy is not None or error.rule is not None
        return None if named and advised else f"says too little: {text}"
    except Exception as error:  # whatever else is raised is what the attack looks for
        return f"{type(error).__name__}: {error}"
    return None if legal else "was taken"


# --- hard, and legal ----------------------------------------------------------------------------------------------


def hard_data() -> dict[str, tuple[dict[str, np.ndarray], dict[str, Any], bool]]:
    """Return arrays, changes of the config, and whether a warning is due."""
    chance = np.random.default_rng(0)
    many = np.repeat(VECTORS[:20], 7, axis=0)[:125]
    many[:105] = VECTORS[:20].repeat(6, axis=0)[:105]
    wide = chance.standard_normal((40, 300)).astype(np.float32)
    scaled = VECTORS * np.array([1e-3, 1, 1, 1e3], dtype=np.float32)
    return {
        "84 % duplicates": ({"X": many}, {}, True),
        "n < 3 × perplexity": ({"X": VECTORS}, {"reducers": [{"reducer": "tsne", "perplexity": [8, 30]}]}, True),
        "one column": ({"X": VECTORS[:, :1]}, {}, False),
        "n ≪ d": ({"X": wide}, {}, False),
        "a label a row": ({"X": VECTORS, "y": np.array([f"c{row}" for row in range(72)])}, {}, True),
        "unicode names": (
            {"X": VECTORS, "y": np.array(["猫", "ñ", "\u202eabc"])[LABELS]},
            {"name": "日本語 🐈"},
            False,
        ),
        "float16": ({"X": VECTORS.astype(np.float16)}, {}, False),
        "whole numbers": ({"X": (VECTORS * 10).astype(np.int8)}, {}, False),
        "scales that differ by 1e6": ({"X": scaled}, {}, True),
        "a constant column": ({"X": np.column_stack([VECTORS, np.ones(72, np.float32)])}, {}, True),
        "far rows": ({"X": np.vstack([VECTORS, VECTORS[:1] + 1e4]).astype(np.float32)}, {}, True),
        "a line": ({"X": np.outer(np.arange(72), np.ones(4)).astype(np.float32)}, {}, False),
    }


def hard_data_is_drawn(scale: Scale) -> Reached:
    """Sweep hard data: there is a result without a value that is none, and what misleads is told."""
    reached = Reached()
    for number, (title, (arrays, changes, due)) in enumerate(hard_data().items()):
        if scale.short and number % 4:
            continue
        data = scale.folder / f"hard-{number}.npz"
        np.savez(data, **arrays)
        root = scale.folder / f"store-{number}"
        config = tiny_config(data, **changes)
        try:
            swept = sweep_here(config, root)
            dataset = import_dataset(config.data, Store(root))
            warnings = [*dataset.warnings, *lay_out(config, dataset, Store(root)).warnings]
            manifest = json.loads((root / "runs" / swept.run / "manifest.json").read_text(encoding="utf-8"))
            cells = read_table(root / "runs" / swept.run / "cells.parquet", schemas.CELLS).to_pylist()
        except Exception as error:  # whatever else is raised is what the attack looks for
            reached.count(f"{title}: {type(error).__name__}: {error}")
            continue
        warnings += manifest["warnings"]
        told = (
            bool(warnings)
            or any(cell["status"] == "skipped" for cell in cells)
            or bool(manifest["data"]["duplicate_rows"])
        )
        drawn = [cell["cell"] for cell in cells if cell["status"] == "ok"]
        finite = all(_finite(root, cell) for cell in drawn)
        lost = [cell["reason"] for cell in cells if cell["status"] not in ("ok", "skipped")]
        reached.expect(
            bool(drawn) and finite and not lost and (told or not due), f"{title}: {lost=} {finite=} {warnings=}"
        )
    return reached


def _finite(root: Path, cell: str) -> bool:
    table = read_table(root / "cells" / cell[:2] / f"{cell}.parquet", schemas.CELL)
    return all(np.isfinite(table.column(name).to_numpy()).all() for name in ("x", "y"))


# --- pictures that are none ---------------------------------------------------------------------------------------


def collapsed_pictures(scale: Scale) -> Reached:
    """Show it pictures that collapsed or overflowed, which have to be named, and random ones, which score as chance."""
    reached = Reached()
    np.save(scale.folder / "z.npy", VECTORS)
    source = DataSource(path=str(scale.folder / "z.npy"))
    for seed in range(scale.of(50, 3)):
        chance = np.random.default_rng(seed)
        picture = chance.standard_normal((72, 2))
        row = int(chance.integers(72))
        bad = {
            "all on a spot": np.full((72, 2), chance.standard_normal()),
            "on a spot, but for rounding": 1e-14 * picture,
            "three spots": picture[np.arange(72) % 3],
            "one row is not finite": np.where(np.arange(72)[:, None] == row, np.nan, picture),
            "one row overflows": np.where(np.arange(72)[:, None] == row, np.inf, picture),
            "too large for float32": picture * 1e39,
        }
        for title, coordinates in bad.items():
            reached.expect(describe_degeneracy(coordinates, 72) is not None, f"{title}, seed {seed}")
        reached.expect(describe_degeneracy(picture, 72) is None, f"a whole picture is called degenerate, seed {seed}")
        np.save(scale.folder / "picture.npy", picture)
        scores = {
            (one.score, one.k): one.value for one in score_embedding(source, scale.folder / "picture.npy", (5,)).scores
        }
        reached.expect(scores["trustworthiness", 5] < 0.65, f"a random picture is trusted, seed {seed}")
    return reached
