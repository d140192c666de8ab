"""AnnData files: obsm as vectors, obs as what is known of the rows; what lies elsewhere or is damaged is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource
from steadymap.reports.export.export_files import text_for_anndata
from steadymap.tasks.input.latents_file import read_latents
from tests.conftest import three_blobs

VECTORS, LABELS = three_blobs(rows=40, dimensions=6)
NAMES = [f"cell {row}" for row in range(40)]
KINDS = [None if row == 3 else f"type {label}" for row, label in enumerate(LABELS)]


def test_without_anndata_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.h5ad").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "anndata", None)
    with pytest.raises(InputError) as fault:
        read_latents(DataSource(path=str(tmp_path / "a.h5ad")))
    assert fault.value.remedy == "pip install -e '.[anndata]' in Steadymap's folder"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    anndata = pytest.importorskip("anndata")
    with text_for_anndata(anndata_version()):
        obs = pd.DataFrame(
            {
                "kind": pd.Categorical(np.array(KINDS, dtype=object)),
                "donor": np.array([f"d{row % 4}" for row in range(40)], dtype=object),
                "batch": pd.array([None if row == 5 else row % 2 for row in range(40)], dtype="Int64"),
                "depth": np.arange(40.0),
            },
            index=pd.Index(np.array(NAMES, dtype=object), dtype=object),
        )
        data = anndata.AnnData(
            X=scipy.sparse.csr_matrix(VECTORS.astype(np.float32)),
            obs=obs,
            obsm={"X_scvi": VECTORS, "X_umap": VECTORS[:, :2]},
        )
        data.write_h5ad(tmp_path / "cells.h5ad")
    return tmp_path / "cells.h5ad"


def anndata_version() -> str:
    from importlib.metadata import version

    return version("anndata")


def read(path: Path, **roles: Any) -> Any:
    return read_latents(DataSource.model_validate({"path": str(path), **roles}))


def test_obsm_is_the_vectors_and_obs_the_labels(path: Path) -> None:
    found = read(path, latents="X_scvi", labels=["kind", "batch"], group="donor")
    np.testing.assert_array_equal(found.matrix, VECTORS)
    assert found.ids == NAMES
    assert found.labels == {
        "kind": KINDS,
        "batch": [None if row == 5 else str(row % 2) for row in range(40)],
    }
    assert found.group == [f"d{row % 4}" for row in range(40)]


def test_the_only_matrix_wider_than_a_picture_needs_no_name(path: Path) -> None:
    np.testing.assert_array_equal(read(path).matrix, VECTORS)


def test_the_main_matrix_may_be_meant_and_be_sparse(path: Path) -> None:
    np.testing.assert_allclose(read(path, latents="X").matrix, VECTORS, rtol=1e-6)
    assert read(path, latents="X_scvi", inputs="X").inputs.shape == VECTORS.shape


def test_another_column_may_name_the_rows_and_files_may_be_mixed(path: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", VECTORS)
    found = read(tmp_path / "z.npy", labels=[f"{path}#kind"], id=f"{path}#donor")
    assert found.labels == {"kind": KINDS}
    assert found.ids[:5] == ["d0", "d1", "d2", "d3", "d0"]
    assert read(path, id="depth").ids[:2] == ["0", "1"]


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        ({"latents": "X_pca"}, "X_scvi"),
        ({"latents": ["X_scvi", "X_umap"]}, "name one"),
        ({"labels": ["tissue"]}, "kind"),
        ({"inputs": "X_raw"}, "X_scvi"),
    ],
)
def test_a_wrong_name_is_told_beside_the_right_ones(path: Path, roles: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as fault:
        read(path, **roles)
    assert fault.value.file == str(path)
    assert told in str(fault.value.rule)


def test_several_wide_matrices_have_to_be_named(path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "a") as file:
        file["obsm"].copy("X_scvi", "X_other")
    with pytest.raises(InputError, match="'X_other', 'X_scvi'"):
        read(path)
    assert read(path, latents="X_other").matrix.shape == VECTORS.shape


def test_cut_and_foreign_files_are_refused(path: Path) -> None:
    # Not bytes changed at random: HDF5 itself can hang on those, which is told in the module.
    content = path.read_bytes()
    for length in range(0, len(content) - 1, len(content) // 25):
        path.write_bytes(content[:length])
        with pytest.raises(InputError) as fault:
            read(path, labels=["kind"])
        assert fault.value.file == str(path)
    path.write_bytes(b"PK\x03\x04" + content[4:])
    with pytest.raises(InputError, match="by its first bytes this is a zip archive"):
        read(path)


def test_parts_in_other_files_are_refused(path: Path, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["matrix"] = VECTORS
    (tmp_path / "raw.bin").write_bytes(VECTORS.tobytes())
    with h5py.File(path, "a") as file:
        file["obsm"]["X_link"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/matrix")
    with pytest.raises(InputError, match="another file"):
        read(path, latents="X_link")
    with h5py.File(path, "a") as file:
        del file["obsm"]["X_link"]
        external = [(str(tmp_path / "raw.bin"), 0, VECTORS.nbytes)]
        file["obsm"].create_dataset("X_raw", VECTORS.shape, VECTORS.dtype, external=external)
        layout = h5py.VirtualLayout(VECTORS.shape, VECTORS.dtype)
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "matrix", VECTORS.shape)
        file["obsm"].create_virtual_dataset("X_virtual", layout)
    for name in ("X_raw", "X_virtual"):
        with pytest.raises(InputError, match="another file"):
            read(path, latents=name)


def test_a_claim_of_gigabytes_costs_nothing(path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "a") as file:
        file["obsm"].create_dataset("X_bomb", (40, 50_000_000), "f8", chunks=(40, 1000), compression="gzip")
        sparse = file["obsm"].create_group("X_sparse")
        file["obsm/X_sparse"].attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0"})
        sparse.attrs["shape"] = np.array([10**7, 10**7])
        sparse["data"], sparse["indices"], sparse["indptr"] = np.ones(1), np.zeros(1, int), np.zeros(2, int)
    for name in ("X_bomb", "X_sparse"):
        with pytest.raises(InputError) as fault:
            read(path, latents=name)
        assert fault.value.place == f"element {name!r}"


def test_a_file_of_old_is_refused_with_what_to_do(path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "a") as file:
        file["obs"].create_group("__categories")
    with pytest.raises(InputError, match=r"before version 0\.8"):
        read(path)


def test_no_pickle_runs(path: Path, tmp_path: Path) -> None:
    import pickle

    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    (tmp_path / "p.h5ad").write_bytes(pickle.dumps(Payload()))
    with pytest.raises(InputError):
        read(tmp_path / "p.h5ad")
    assert not (tmp_path / "ran").exists()


def test_a_file_with_which_hdf5_comes_to_no_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    anndata = pytest.importorskip("anndata")
    with text_for_anndata(anndata_version()):
        kinds = pd.Categorical(np.array(["a", "b"] * 15, dtype=object))
        names = pd.Index(np.array([f"r{row}" for row in range(30)], dtype=object), dtype=object)
        obs = pd.DataFrame({"kind": kinds}, index=names)
        vectors = VECTORS[:30].astype(np.float32)
        anndata.AnnData(np.zeros((30, 2), np.float32), obs=obs, obsm={"Z": vectors}).write_h5ad(tmp_path / "cells.h5ad")
    content = bytearray((tmp_path / "cells.h5ad").read_bytes())
    # The size of the collection that holds all texts, which X follows: HDF5 1.14 takes its zeros for texts, for ever.
    content[content.index(b"GCOL") + 8] = 255
    (tmp_path / "damaged.h5ad").write_bytes(content)
    monkeypatch.setattr("steadymap.tasks.input.formats.hdf5_file.REHEARSAL_SECONDS", 6)
    with pytest.raises(InputError, match="comes to no end") as fault:
        read_latents(DataSource(path=str(tmp_path / "damaged.h5ad"), latents="Z", labels=["kind"]))
    assert fault.value.file == str(tmp_path / "damaged.h5ad")
