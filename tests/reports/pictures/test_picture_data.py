"""The packed bytes, unpacked as the page's script unpacks them, are the tables of the run."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from steadymap.reports.pictures import images
from steadymap.reports.pictures.exemplars import find_exemplars
from steadymap.reports.pictures.picture_data import MARGIN, STEPS, PictureData, pack_pictures
from steadymap.reports.pictures.row_measures import ROW_MEASURES
from steadymap.reports.run.run_folder import Run, read_run
from steadymap.reports.summary.summary import summarise
from tests.reports.run_folder_fixture import (
    HALVES,
    NULL_POINTS,
    ROWS,
    T5,
    T30,
    U5A,
    RunFolder,
    cell_id,
    clusters,
    coordinates,
    half_id,
    islands,
    rows_of_halves,
)


@dataclass(frozen=True)
class Unpacked:
    """What the script holds: arrays per picture, codes per label, levels per measure of a row."""

    x: dict[str, npt.NDArray[np.uint16]]
    y: dict[str, npt.NDArray[np.uint16]]
    z: dict[str, npt.NDArray[np.uint16]]
    island: dict[str, npt.NDArray[np.int16]]
    filled: dict[str, npt.NDArray[np.int16]]
    codes: list[npt.NDArray[np.int16]]
    clusters: npt.NDArray[np.int16]
    levels: list[npt.NDArray[np.int16]]
    neighbours: npt.NDArray[Any]
    nulls: dict[str, tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]]
    halves: dict[str, tuple[npt.NDArray[Any], ...]]
    images: dict[int, npt.NDArray[np.uint8]]


def unpack(data: PictureData) -> Unpacked:
    """Take typed arrays off the inflated bytes one after the other, in the order of the index."""
    content = zlib.decompress(base64.b64decode(data.packed, validate=True))
    points, at = data.index["points"], 0
    found = Unpacked({}, {}, {}, {}, {}, [], np.empty(0, np.int16), [], np.empty(0), {}, {}, {})

    def take(kind: str, count: int = points) -> npt.NDArray[Any]:
        nonlocal at
        part = np.frombuffer(content, kind, count, at)
        at += part.nbytes
        return part

    for picture in data.index["pictures"]:
        for arrays, kind in (
            (found.x, "<u2"),
            (found.y, "<u2"),
            (found.z, "<u2"),
            (found.island, "<i2"),
            (found.filled, "<i2"),
        ):
            if arrays is not found.z or picture["dimension"] == 3:
                arrays[picture["cell"]] = take(kind)
    found.codes.extend(take("<i2") for _ in data.index["labels"])
    found = replace(found, clusters=take("<i2", points if data.index["cluster"] else 0))
    found.levels.extend(take("<i2") for _ in data.index["measures"])
    beside = data.index["neighbours"]
    found = replace(found, neighbours=take("<u2", points * beside).reshape(points, beside))
    for one in data.index["nulls"]:
        x, y, island = (take(kind, one["points"]) for kind in ("<u2", "<u2", "<i2"))
        found.nulls[one["cell"]] = (x, y, island)
    for one in data.index["halves"]:
        found.halves[one["cell"]] = tuple(take(kind, one["points"]) for kind in ("<u2", "<u2", "<u2", "<i2", "<i2"))
    for place in (data.index["images"] or {"places": []})["places"]:
        found.images[place] = take("u1", int(np.prod(data.index["images"]["shape"])))
    assert at == len(content)  # nothing is left over
    return found


def packed(tmp_path: Path, folder: RunFolder) -> PictureData:
    return pack_pictures(read_run(folder.write(tmp_path / "run")))


def test_every_drawn_picture_is_there_in_the_order_of_the_grid(run: Run) -> None:
    data = pack_pictures(run)
    assert [picture["cell"] for picture in data.index["pictures"]] == run.drawn["cell"].tolist()
    assert len(data.index["pictures"]) == 12
    assert data.index["points"] == ROWS


def test_coordinates_are_the_tables_to_half_a_step(run: Run) -> None:
    found = unpack(pack_pictures(run))
    for place in (0, 1):
        wanted, cell = coordinates(T30, place).astype(float), cell_id(T30, place)
        low, high = wanted.min(axis=0), wanted.max(axis=0)
        extent = (high - low).max() * (1 + 2 * MARGIN)
        got = np.column_stack([found.x[cell], found.y[cell]]) / STEPS
        back = (got - 0.5) * extent + (low + high) / 2
        assert np.abs(back - wanted).max() <= 0.5 / STEPS * extent * (1 + 1e-9)


def test_both_axes_have_one_scale(run: Run) -> None:
    # Clusters lie 4 apart in x and 1.5 in y: scaled each by itself, both would fill the picture.
    found, cell = unpack(pack_pictures(run)), cell_id(T30, 0)
    packed_spread = [np.ptp(axis[cell].astype(float)) for axis in (found.x, found.y)]
    spread = np.ptp(coordinates(T30, 0).astype(float), axis=0)
    assert packed_spread[1] / packed_spread[0] == pytest.approx(spread[1] / spread[0], abs=1e-4)
    assert packed_spread[1] < 0.75 * packed_spread[0]


def test_the_wider_axis_keeps_its_margin_and_the_other_is_centred(run: Run) -> None:
    found, cell = unpack(pack_pictures(run)), cell_id(T30, 0)
    edge = MARGIN / (1 + 2 * MARGIN)
    x, y = found.x[cell] / STEPS, found.y[cell] / STEPS
    assert (x.min(), x.max()) == pytest.approx((edge, 1 - edge), abs=1e-4)
    assert (y.min() + y.max()) / 2 == pytest.approx(0.5, abs=1e-4)


def test_a_picture_of_one_place_lies_in_the_middle(run: Run) -> None:
    from dataclasses import replace

    found = unpack(pack_pictures(replace(run, embeddings=run.embeddings.assign(x=3.0, y=-1.0))))
    middle = round(STEPS / 2)
    for axis in (found.x, found.y):
        assert all(set(values.tolist()) == {middle} for values in axis.values())


def test_islands_are_the_tables(run: Run) -> None:
    found = unpack(pack_pictures(run))
    for name, place in ((T5, 0), (T30, 1), (U5A, 1)):
        own, filled = islands(name, place)
        assert np.array_equal(found.island[cell_id(name, place)], own)
        assert np.array_equal(found.filled[cell_id(name, place)], filled)


def test_islands_of_every_picture_have_the_numbers_of_the_reference(run: Run) -> None:
    index = pack_pictures(run).index
    numbers = {picture["cell"]: picture["islands"] for picture in index["pictures"]}
    assert index["reference"] == cell_id(T30, 0)
    assert numbers[cell_id(T30, 0)] == (0, 1, 2)
    # The second seed numbers cluster c's island (c + 1) mod 3.
    assert numbers[cell_id(T30, 1)] == (2, 0, 1)
    # Three islands split into halves: of equal halves the first keeps the number, the others get new ones.
    assert numbers[cell_id(T5, 0)] == (0, 1, 2, 3, 4, 5)
    assert numbers[cell_id(T5, 1)] == (2, 0, 1, 3, 4, 5)


def test_labels_are_codes_of_their_values(tmp_path: Path) -> None:
    labels = {"cluster": [f"c{cluster}" for cluster in clusters()], "half": ["a"] * 60 + [None] * 60}
    data = packed(tmp_path, RunFolder(labels=labels))
    found = unpack(data)
    assert data.index["labels"] == [
        {"name": "cluster", "values": ("c0", "c1", "c2"), "counts": (40, 40, 40)},
        {"name": "half", "values": ("a",), "counts": (60,)},
    ]
    assert np.array_equal(found.codes[0], clusters())
    assert found.codes[1].tolist() == [0] * 60 + [-1] * 60


def test_rows_and_ids_that_only_count_up_are_left_out(run: Run) -> None:
    index = pack_pictures(run).index
    assert (index["rows"], index["ids"]) == (None, None)


def test_ids_that_do_not_count_up_travel(tmp_path: Path) -> None:
    ids = [f"sample-{row}" for row in range(ROWS)]
    index = packed(tmp_path, RunFolder(ids=ids)).index
    assert (index["rows"], index["ids"]) == (None, ids)


def test_one_id_that_differs_is_enough(tmp_path: Path) -> None:
    ids = [str(row) for row in range(ROWS)]
    ids[-1] = "last"
    assert packed(tmp_path, RunFolder(ids=ids)).index["ids"] == ids


def test_a_sample_of_rows_keeps_row_numbers_ids_and_labels_in_step(tmp_path: Path) -> None:
    rows = np.array([7, 3, 90, 12])
    ids = [f"sample-{row}" for row in range(ROWS)]
    data = packed(tmp_path, RunFolder(drawn_rows=rows, ids=ids))
    assert data.index["points"] == 4
    assert data.index["rows"] == [7, 3, 90, 12]
    assert data.index["ids"] == ["sample-7", "sample-3", "sample-90", "sample-12"]
    assert unpack(data).codes[0].tolist() == [1, 0, 0, 0]  # 7 mod 3 = 1, the others are multiples of 3


def test_points_in_any_order_of_the_file_are_the_same_points(tmp_path: Path, run: Run) -> None:
    from dataclasses import replace

    turned = replace(run, points=run.points.iloc[::-1].reset_index(drop=True))
    assert pack_pictures(turned) == pack_pictures(run)


def test_without_a_picture_there_is_nothing_to_unpack(tmp_path: Path) -> None:
    data = packed(tmp_path, RunFolder(nothing_drawn=True))
    assert (data.index["points"], data.index["pictures"], data.index["reference"]) == (0, [], None)
    assert [codes.tolist() for codes in unpack(data).codes] == [[]]


def test_an_unknown_reference_falls_back_to_the_first_picture(run: Run) -> None:
    from dataclasses import replace

    manifest: dict[str, Any] = {**run.manifest, "reference_cell": "gone"}
    assert pack_pictures(replace(run, manifest=manifest)).index["reference"] == cell_id(T5, 0)


def test_cells_stored_as_plain_text_give_the_same_pictures(run: Run) -> None:
    from dataclasses import replace

    plain = run.embeddings.assign(cell=pd.Series(run.embeddings["cell"].astype(str), dtype="str"))
    assert pack_pictures(replace(run, embeddings=plain)) == pack_pictures(run)


def test_measures_of_a_row_are_ten_levels_from_steady_to_not(run: Run) -> None:
    data = pack_pictures(run)
    assert [measure["name"] for measure in data.index["measures"]][:2] == [
        "island changes between seeds",
        "island changes between settings",
    ]
    # The fixture's values go evenly from 0 to 1; 1 itself belongs to the last level.
    for levels in unpack(data).levels[:6]:
        np.testing.assert_array_equal(levels, np.minimum(np.floor(np.linspace(0, 1, len(levels)) * 10), 9))
    assert [sum(measure["counts"]) for measure in data.index["measures"][:6]] == [len(run.points)] * 6


def test_a_measure_that_no_row_has_is_left_out_and_a_row_without_value_has_no_level(run: Run) -> None:
    points = run.points.assign(island_instability_seeds=np.nan)
    points.loc[3, "island_instability_configurations"] = np.nan
    data = pack_pictures(replace(run, points=points))
    assert data.index["measures"][0]["name"] == "island changes between settings"
    assert len(data.index["measures"]) == len(ROW_MEASURES) - 1
    assert unpack(data).levels[0][3] == -1


def test_clusters_travel_as_a_label_with_a_name_of_their_own(run: Run, tmp_path: Path) -> None:
    # The usual run has a label called cluster already.
    data = pack_pictures(run)
    names = ["cluster c0", "cluster c1", "cluster c2"]
    shared = {"values": ("0", "1", "2"), "counts": (40, 40, 40)}
    assert data.index["cluster"] == {"name": "consensus cluster", "names": names, **shared}
    assert np.array_equal(unpack(data).clusters, clusters())
    assert packed(tmp_path, RunFolder(labels={})).index["cluster"] == {
        "name": "cluster",
        "names": ["cluster 0", "cluster 1", "cluster 2"],
        **shared,
    }


def test_clusters_carry_their_verdicts_where_they_were_judged(tmp_path: Path) -> None:
    data = packed(tmp_path, RunFolder(verdicts=("REAL", "UNCERTAIN", "REAL")))
    assert data.index["cluster"]["verdicts"] == ["REAL", "UNCERTAIN", "REAL"]


def test_without_clusters_there_is_no_code_for_them(run: Run) -> None:
    data = pack_pictures(replace(run, points=run.points.assign(cluster=None)))
    assert data.index["cluster"] is None
    assert unpack(data).clusters.size == 0


def test_pictures_of_reference_data_come_last_with_their_own_number_of_points(run: Run) -> None:
    data = pack_pictures(run)
    cells = [cell_id(f"{kind} {name}", 0) for name in (T5, T30) for kind in ("gaussian", "copula")]
    assert data.index["nulls"] == [{"cell": cell, "points": NULL_POINTS} for cell in cells]
    x, y, island = unpack(data).nulls[cells[1]]
    edge = MARGIN / (1 + 2 * MARGIN)  # a circle fills both axes
    assert (x.min() / STEPS, y.max() / STEPS) == pytest.approx((edge, 1 - edge), abs=1e-2)
    assert island.tolist() == [0, 1] * (NULL_POINTS // 2)
    assert set(unpack(data).nulls[cells[0]][2].tolist()) == {-1}


@pytest.mark.parametrize(
    ("column", "values", "levels", "first", "last"),
    [
        ("membership", [0.0, 0.55, 1.0, None], [0, 5, 9, -1], "0 to 10 %", "90 to 100 %"),
        ("embedr_p", [0.0004, 0.001, 0.049, 0.05, 1.0], [0, 1, 3, 4, 9], "0 to 0.001", "0.8 to 1"),
        ("distance_variance_seeds", [0.0, 0.95, 1.0, 56.0], [0, 9, 9, 9], "0 to 0.1", "0.9 or more"),
    ],
)
def test_levels_of_a_measure_say_what_they_mean(
    column: str, values: list[float], levels: list[int], first: str, last: str
) -> None:
    measure = ROW_MEASURES[column]
    assert measure.levels(np.array(values, dtype=float)).tolist() == levels
    assert (measure.level_names[0], measure.level_names[-1], len(measure.level_names)) == (first, last, 10)
    assert measure.calm_end == (column == "membership")


@pytest.mark.parametrize("shape", [(8, 8, 1), (4, 6, 3)])
def test_images_are_those_of_the_drawn_rows(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    data = packed(tmp_path, RunFolder(images=shape, drawn_rows=np.array([7, 100, 3])))
    assert data.index["images"] == {"shape": list(shape), "places": [0, 1, 2]}
    found = unpack(data).images
    assert [set(found[place].tolist()) for place in (0, 1, 2)] == [{7}, {100}, {3}]
    assert {len(image) for image in found.values()} == {int(np.prod(shape))}


def test_without_images_none_are_packed(run: Run) -> None:
    assert pack_pictures(run).index["images"] is None


def test_of_many_images_those_on_cluster_cards_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder(images=(2, 2, 1), membership=np.linspace(0, 1, ROWS))
    run = read_run(folder.write(tmp_path / "run"))
    named = {
        one.place for own in find_exemplars(run, np.arange(ROWS)).values() for one in (*own.typical, *own.borderline)
    }
    monkeypatch.setattr(images, "MOST", 50)
    places = pack_pictures(run).index["images"]["places"]
    assert (len(places), len(named)) == (50, 30)
    assert named <= set(places)
    assert pack_pictures(run).index["images"]["places"] == places
    monkeypatch.setattr(images, "MOST_BYTES", 4 * 20)
    assert set(pack_pictures(run).index["images"]["places"]) < named


def test_a_third_dimension_has_the_scale_of_the_others(tmp_path: Path) -> None:
    data = packed(tmp_path, RunFolder(solid=[T30]))
    found = unpack(data)
    assert set(found.z) == {cell_id(T30, 0), cell_id(T30, 1)}
    assert [one["dimension"] for one in data.index["pictures"] if one["cell"] in found.z] == [3, 3]
    cell, places = cell_id(T30, 0), coordinates(T30, 0).astype(float)
    spread = [np.ptp(axis[cell].astype(float)) for axis in (found.x, found.y, found.z)]
    wanted = [*np.ptp(places, axis=0), 5.0]
    assert np.array(spread) / spread[2] == pytest.approx(np.array(wanted) / 5.0, abs=1e-4)


def test_halves_name_the_points_that_they_have(tmp_path: Path) -> None:
    drawn = np.arange(ROWS)[::-1]  # a point's number is its place among the drawn rows, not its row
    data = packed(tmp_path, RunFolder(halves=True, drawn_rows=drawn))
    found = unpack(data).halves
    assert list(found) == [half_id(half) for half in HALVES]
    for rows, (which, x, y, island, filled) in zip(rows_of_halves(), found.values(), strict=True):
        assert which.tolist() == (ROWS - 1 - rows).tolist()
        wanted = coordinates(T30, 0)[rows].astype(float)
        assert np.corrcoef(x, wanted[:, 0])[0, 1] == pytest.approx(1)
        assert np.corrcoef(y, wanted[:, 1])[0, 1] == pytest.approx(1)
        assert island.tolist() == filled.tolist() == ((clusters()[rows] + 1) % 3).tolist()
    # Island 1 of a half is cluster 0, which the reference (t-SNE 30, seed 0) numbers 0.
    assert [one["islands"] for one in data.index["halves"]] == [(2, 0, 1)] * 2


def test_halves_stand_beside_the_first_picture_of_their_setting(tmp_path: Path) -> None:
    beside = summarise(read_run(RunFolder(halves=True).write(tmp_path / "run"))).halves
    assert {cell: [half.cell for half in halves] for cell, halves in beside.items()} == {
        cell_id(T30, 0): [half_id(half) for half in HALVES]
    }


def test_latent_neighbours_are_places_of_points_and_those_not_drawn_are_told(tmp_path: Path) -> None:
    # Of rows 9, 10, 12 and 15: row 9 has 12, 15 and 10, row 12 has 15 alone, row 10 and row 15 have none drawn.
    found = unpack(packed(tmp_path, RunFolder(drawn_rows=np.array([9, 10, 12, 15]))))
    assert found.neighbours.tolist() == [[2, 3, 1], [STEPS] * 3, [3, STEPS, STEPS], [STEPS] * 3]


def test_a_run_of_an_earlier_version_knows_no_neighbours(run: Run) -> None:
    assert pack_pictures(replace(run, neighbours=run.neighbours.iloc[:0])).index["neighbours"] == 0
