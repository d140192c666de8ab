"""What a decoder shows of clusters, on models whose truth is planted; and what happens to models that do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pyarrow as pa
import pytest
from onnx import TensorProto, helper, numpy_helper
from scipy.stats import norm

from steadymap.configs import schemas
from steadymap.configs.errors import InputError
from steadymap.configs.sweep import SweepConfig
from steadymap.tasks.decoding.decode_places import choose_places
from steadymap.tasks.input.dataset import import_dataset, look_at_source
from steadymap.tasks.plan.lay_out import lay_out
from steadymap.tasks.plan.plan import Plan
from steadymap.tasks.steps.decode_clusters import decode_clusters
from steadymap.tasks.store.files import write_table
from steadymap.tasks.store.findings import Clusters, Decoded
from steadymap.tasks.store.layout import Store
from tests.tasks.input.models.test_encode_inputs import model

GROUP = 120
"""Rows of each planted cluster."""


def affine(weights: np.ndarray, shape: tuple[int, ...] = (), rows: str | int = "rows", **named: str) -> onnx.ModelProto:
    """Return the model of z ↦ z W, folded into a shape; any number of rows at a time, or just so many."""
    target = named.get("target", "x")
    nodes = [helper.make_node("MatMul", [named.get("source", "z"), "W"], ["flat"])]
    nodes.append(helper.make_node("Reshape", ["flat", "shape"], [target]))
    return model(
        nodes,
        {named.get("source", "z"): (TensorProto.FLOAT, [rows, weights.shape[0]])},
        {target: (TensorProto.FLOAT, [rows, *(shape or weights.shape[1:])])},
        [
            numpy_helper.from_array(weights.astype(np.float32), "W"),
            numpy_helper.from_array(np.array([-1, *(shape or weights.shape[1:])], np.int64), "shape"),
        ],
    )


@dataclass(frozen=True)
class Planted:
    """Latents of planted clusters in a file, and the folder in which models are put beside it."""

    folder: Path
    latents: np.ndarray
    clusters: np.ndarray

    def save(self, **arrays: np.ndarray) -> None:
        """Write the data file."""
        np.savez(self.folder / "data.npz", z=self.latents, ids=np.arange(len(self.latents)).astype(str), **arrays)

    def put(self, name: str, content: onnx.ModelProto) -> str:
        """Write a model and return its place."""
        (self.folder / name).write_bytes(content.SerializeToString())
        return str(self.folder / name)

    def plan(self, decode: dict[str, Any], **data: Any) -> Plan:
        """Lay out a small sweep."""
        source = {"path": str(self.folder / "data.npz"), "decode": decode, **data}
        config = SweepConfig.model_validate(
            {"name": "planted", "data": source, "reducers": [{"reducer": "pca"}], "workers": {"count": 1}}
        )
        store = Store(self.folder / "store")
        return lay_out(config, import_dataset(config.data, store, config.workers), store)

    def decoded(self, plan: Plan) -> Decoded:
        """Run the step on the planted clusters."""
        order = plan.dataset.points().column("position").to_numpy()
        of_rows = np.empty(len(self.latents), np.int32)
        of_rows[order] = self.clusters
        place = Clusters(plan.store.findings(plan.run))
        membership = pa.table({"cluster": of_rows, "membership": np.ones(len(of_rows), np.float32)})
        write_table(membership.cast(schemas.MEMBERSHIP), place.folder / "membership.parquet")
        described = [cluster_row(number) for number in range(int(self.clusters.max()) + 1)]
        write_table(pa.Table.from_pylist(described, schema=schemas.CLUSTERS), place.folder / "clusters.parquet")
        return decode_clusters.fn(plan, place)


def cluster_row(number: int) -> dict[str, Any]:
    """Return a row of the table of clusters with what it must hold."""
    filled = {pa.int32(): 0, pa.int64(): GROUP, pa.float64(): 1.0, pa.string(): "stable"}
    row = {field.name: filled[field.type] for field in schemas.CLUSTERS if not field.nullable}
    return {**row, "cluster": number}


def blobs(folder: Path, dimensions: int = 4, apart: float = 8.0) -> Planted:
    """Plant three blobs on a line."""
    clusters = np.repeat(np.arange(3), GROUP)
    latents = np.random.default_rng(0).standard_normal((len(clusters), dimensions)).astype(np.float32)
    latents[:, 0] += apart * clusters
    return Planted(folder, latents, clusters)


WEIGHTS = np.random.default_rng(5).standard_normal((4, 12))


def told(plan: Plan, planted: Planted) -> tuple[pd.DataFrame, pd.DataFrame, Decoded]:
    """Return both tables of the step."""
    found = planted.decoded(plan)
    return found.table("decoded_clusters").to_pandas(), found.table("decoded").to_pandas(), found


def test_decoded_places_are_what_the_model_gives(tmp_path: Path) -> None:
    planted = blobs(tmp_path)
    planted.save(x=planted.latents @ WEIGHTS)
    plan = planted.plan({"model": planted.put("decoder.onnx", affine(WEIGHTS))}, inputs="x")
    clusters, decoded, found = told(plan, planted)
    assert found.lost == ()
    assert found.told()["shown"] == {"kind": "line", "shape": [12]}
    assert clusters["neighbour"].tolist()[0] == 1
    for number, row in clusters.iterrows():
        members = planted.latents[planted.clusters == number]
        assert planted.clusters[row["medoid"]] == number
        mean = members.mean(axis=0, dtype=np.float64)
        own = decoded[decoded["cluster"] == number].set_index(["kind", "step"])
        np.testing.assert_allclose(own.loc[("mean", 0), "values"], mean @ WEIGHTS, rtol=1e-4, atol=1e-4)
        medoid = planted.latents[row["medoid"]]
        np.testing.assert_allclose(own.loc[("medoid", 0), "values"], medoid @ WEIGHTS, rtol=1e-4, atol=1e-4)
        other = planted.latents[clusters.loc[row["neighbour"], "medoid"]]
        path = own.loc["path"]
        assert path["position"].tolist() == pytest.approx(np.linspace(0, 1, 7).tolist())
        for share, values in zip(path["position"], path["values"], strict=True):
            np.testing.assert_allclose(values, ((1 - share) * medoid + share * other) @ WEIGHTS, rtol=1e-4, atol=1e-4)
        assert path["density"].iloc[[0, -1]].min() > 0.6
        assert row["lowest_density"] < 0.05
        assert row["dimensions"][0] == 0
        assert row["dimensions_auc"][0] > 0.999
        rows = own.loc["input", "row"].astype(int)
        assert rows.iloc[0] == row["medoid"]
        assert (planted.clusters[rows] == number).all()
        np.testing.assert_allclose(own.loc[("input", 1), "values"], planted.latents[rows.iloc[1]] @ WEIGHTS, rtol=1e-4)


def test_the_neighbour_is_that_of_the_verdict_else_the_nearest(tmp_path: Path) -> None:
    planted = blobs(tmp_path)
    described = pa.table({"cluster": [0, 1, 2], "neighbour": pa.array([2, None, 7], pa.int32())})
    chosen = choose_places(planted.latents, planted.clusters, described, 12)
    assert [one.neighbour for one in chosen][::2] == [2, 1]
    assert chosen[1].neighbour in (0, 2)
    alone = choose_places(planted.latents, np.where(planted.clusters == 1, 1, -1), described, 12)
    assert [(one.cluster, one.neighbour, one.lowest_density, len(one.places)) for one in alone] == [(1, None, None, 2)]


def test_errors_are_those_of_every_row_and_the_worse_cluster_is_named(tmp_path: Path) -> None:
    planted = blobs(tmp_path)
    noise = np.random.default_rng(1).standard_normal((len(planted.latents), 12))
    scale = np.where(planted.clusters == 1, 1.0, 0.5)[:, None]
    inputs = planted.latents @ WEIGHTS + scale * noise
    planted.save(x=inputs)
    plan = planted.plan({"model": planted.put("decoder.onnx", affine(WEIGHTS)), "batch": 50}, inputs="x")
    clusters, _, found = told(plan, planted)
    assert clusters["worse"].tolist() == [False, True, False]
    errors = found.reconstruction().column("reconstruction_error").to_numpy()
    in_file_order = errors[plan.dataset.points().column("position").to_numpy()]
    expected = np.mean((scale * noise) ** 2, axis=1)
    np.testing.assert_allclose(in_file_order, expected, rtol=1e-3)
    for number, row in clusters.iterrows():
        assert row["error"] == pytest.approx(expected[planted.clusters == number].mean(), rel=1e-3)
        assert row["error_rest"] == pytest.approx(expected[planted.clusters != number].mean(), rel=1e-3)


@pytest.mark.parametrize("case", ["a little worse", "one row"])
def test_a_cluster_is_named_by_a_fifth_and_beyond_chance_only(tmp_path: Path, case: str) -> None:
    """One that is 1.1 times as bad beyond doubt is not named, nor one whose mean a single row has raised."""
    planted = blobs(tmp_path)
    weights = np.random.default_rng(5).standard_normal((4, 200))
    noise = np.random.default_rng(1).standard_normal((len(planted.latents), 200))
    if case == "a little worse":
        noise[planted.clusters == 1] *= 1.05
    else:
        noise[np.flatnonzero(planted.clusters == 1)[0]] *= 10
    planted.save(x=planted.latents @ weights + noise)
    clusters, _, _ = told(planted.plan({"model": planted.put("decoder.onnx", affine(weights))}, inputs="x"), planted)
    errors = np.mean(noise**2, axis=1)
    raw = []
    for number in range(3):
        a, b = errors[planted.clusters == number], errors[planted.clusters != number]
        raw.append(norm.sf((a.mean() - b.mean()) / np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))))
    assert clusters["error_p"].min() == pytest.approx(3 * min(raw), rel=0.02)  # Holm's factor of the smallest of three
    assert (clusters["error_p"].min() <= 0.05) == (case == "a little worse")
    assert (clusters["error"] / clusters["error_rest"]).max() >= (1.08 if case == "a little worse" else 1.5)
    assert not clusters["worse"].any()


def test_inputs_keep_their_greys_beside_reconstructions_that_overshoot(tmp_path: Path) -> None:
    planted = blobs(tmp_path)
    planted.save(x=(planted.latents @ WEIGHTS).reshape(-1, 3, 4))
    _, decoded, _ = told(planted.plan({"model": planted.put("decoder.onnx", affine(3 * WEIGHTS))}, inputs="x"), planted)
    greys = np.concatenate([np.frombuffer(one, np.uint8) for one in decoded[decoded["kind"] == "input"]["pixels"]])
    assert (greys.min(), greys.max()) == (0, 255)


def test_long_lines_are_averaged_down_and_a_fixed_batch_is_kept_to(tmp_path: Path) -> None:
    planted = blobs(tmp_path)
    weights = np.random.default_rng(5).standard_normal((4, 512))
    planted.save(x=planted.latents @ weights)
    decode = {"model": planted.put("decoder.onnx", affine(weights, rows=50))}
    clusters, decoded, found = told(planted.plan(decode, inputs="x"), planted)
    assert found.lost == ()
    medoids = decoded[decoded["kind"] == "medoid"].set_index("cluster")["values"]
    for number, row in clusters.iterrows():
        whole = planted.latents[row["medoid"]] @ weights
        np.testing.assert_allclose(medoids[number], whole.reshape(256, 2).mean(axis=1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("most", "said"), [(2, "the 2 largest clusters are decoded, 1 more is not"), (1, "the largest cluster is decoded")]
)
def test_clusters_beyond_the_most_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, said: str
) -> None:
    monkeypatch.setattr("steadymap.tasks.decoding.decode_places.MOST_CLUSTERS", most)
    planted = blobs(tmp_path)
    planted.save()
    clusters, _, found = told(planted.plan({"model": planted.put("decoder.onnx", affine(WEIGHTS))}), planted)
    assert len(clusters) == most
    assert said in found.told()["warnings"][0]


def circle_models() -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """Return a decoder that puts the first two dimensions on the unit circle, and the encoder that leaves all."""
    nodes = [
        helper.make_node("Split", ["z"], ["plane", "others"], axis=1, num_outputs=2),
        helper.make_node("ReduceL2", ["plane", "axes"], ["length"], keepdims=1),
        helper.make_node("Div", ["plane", "length"], ["on_it"]),
        helper.make_node("Concat", ["on_it", "others"], ["x"], axis=1),
    ]
    decoder = model(
        nodes,
        {"z": (TensorProto.FLOAT, ["rows", 4])},
        {"x": (TensorProto.FLOAT, ["rows", 4])},
        [numpy_helper.from_array(np.array([1], np.int64), "axes")],
    )
    return decoder, affine(np.eye(4), source="x", target="z")


def test_a_mean_off_the_manifold_is_flagged_and_others_are_not(tmp_path: Path) -> None:
    """The mean of a ring lies in its middle, where no input leads; that of a patch of the same circle does not."""
    generator = np.random.default_rng(0)
    angle = np.r_[
        generator.uniform(0, 2 * np.pi, GROUP), generator.normal(0, 0.1, GROUP), generator.normal(3, 0.1, GROUP)
    ]
    clusters = np.repeat(np.arange(3), GROUP)
    latents = np.column_stack([np.cos(angle), np.sin(angle), 0.05 * generator.standard_normal((3 * GROUP, 2))])
    latents[:, :2] *= generator.normal(1, 0.02, (3 * GROUP, 1))
    latents[:, 2] += 5 * clusters
    planted = Planted(tmp_path, latents.astype(np.float32), clusters)
    planted.save()
    decoder, encoder = circle_models()
    decode = {"model": planted.put("decoder.onnx", decoder), "encoder": planted.put("encoder.onnx", encoder)}
    found, _, _ = told(planted.plan(decode), planted)
    assert found["off_manifold"].tolist() == [True, False, False]
    assert found["landing"].iloc[0] > 0.5
    assert found["landing_p"].iloc[0] == pytest.approx(1 / (1 + 3 * GROUP))
    assert found["error"].isna().all()


def test_another_scale_is_told_and_no_error_is(tmp_path: Path) -> None:
    planted = blobs(tmp_path)
    planted.save(x=255 * (planted.latents @ WEIGHTS))
    plan = planted.plan({"model": planted.put("decoder.onnx", affine(WEIGHTS))}, inputs="x")
    clusters, _, found = told(plan, planted)
    assert clusters["error"].isna().all()
    assert found.reconstruction().column("reconstruction_error").null_count == len(planted.latents)
    assert "another scale" in found.told()["warnings"][0]


@pytest.mark.parametrize(
    ("shape", "layout"), [((3, 4), (3, 4)), ((1, 3, 4), (3, 4)), ((2, 2, 3), (2, 2, 3)), ((3, 2, 2), (2, 2, 3))]
)
def test_images_come_in_the_layout_of_the_inputs(
    tmp_path: Path, shape: tuple[int, ...], layout: tuple[int, ...]
) -> None:
    """A decoder may give channels first where inputs have them last; errors of a perfect one are 0 all the same."""
    planted = blobs(tmp_path)
    given = (planted.latents @ WEIGHTS).reshape(-1, *shape)
    inputs = np.moveaxis(given, 1, -1) if len(shape) == 3 and shape[0] == 3 else given.reshape(-1, *layout)
    planted.save(x=inputs)
    plan = planted.plan({"model": planted.put("decoder.onnx", affine(WEIGHTS, shape))}, inputs="x")
    _, decoded, found = told(plan, planted)
    assert found.told()["shown"]["kind"] == "image"
    errors = found.reconstruction().column("reconstruction_error").to_numpy()
    assert errors.max() < 1e-6 * np.mean(inputs**2)
    height, width, channels = found.told()["shown"]["shape"]
    assert {len(one) for one in decoded["pixels"]} == {height * width * channels}
    own = decoded.set_index(["cluster", "kind", "step"])
    for number in range(3):  # a perfect decoder draws the medoid as its input is drawn
        one, two = (np.frombuffer(own.loc[(number, kind, 0), "pixels"], np.uint8) for kind in ("input", "medoid"))
        assert np.abs(one.astype(int) - two.astype(int)).max() <= 1


def test_columns_with_names_are_a_table_and_numbered_ones_a_line(tmp_path: Path) -> None:
    planted = blobs(tmp_path)
    planted.save()
    values = planted.latents @ WEIGHTS
    decoder = {"model": planted.put("decoder.onnx", affine(WEIGHTS))}
    for names, kind in (
        ([f"gene {chr(65 + one)}" for one in range(12)], "table"),
        ([f"p{one}" for one in range(12)], "line"),
    ):
        table = pd.DataFrame(values, columns=names).assign(id=np.arange(len(values)).astype(str))
        table.to_csv(tmp_path / f"{kind}.csv", index=False)
        pattern = "gene*" if kind == "table" else "p*"
        plan = planted.plan(decoder, inputs=f"{tmp_path / kind}.csv#{pattern}", id="ids")
        clusters, decoded, found = told(plan, planted)
        assert found.told()["shown"]["kind"] == kind
        if kind == "line":
            assert clusters["features"].map(len).sum() == 0
            continue
        for number, row in clusters.iterrows():
            means = values[planted.clusters == number].mean(axis=0)
            apart = pd.Series((means - values.mean(axis=0)) / values.std(axis=0), names)
            best = apart[apart.abs().sort_values(ascending=False).index[:8]]
            assert list(row["features"]) == list(best.index)
            np.testing.assert_allclose(row["features_sd"], best, rtol=1e-3)
            shown = decoded[(decoded["cluster"] == number) & (decoded["kind"] == "mean")]["values"].iloc[0]
            np.testing.assert_allclose(shown, pd.Series(means, names)[best.index], rtol=1e-3, atol=1e-3)


def wrong_dimensions(planted: Planted) -> dict[str, Any]:
    return {"model": planted.put("decoder.onnx", affine(np.ones((7, 12))))}


def wrong_values(planted: Planted) -> dict[str, Any]:
    return {"model": planted.put("decoder.onnx", affine(np.ones((4, 9))))}


def wrong_encoder(planted: Planted) -> dict[str, Any]:
    encoder = affine(np.ones((12, 5)), source="x", target="z")
    return {"model": planted.put("decoder.onnx", affine(WEIGHTS)), "encoder": planted.put("encoder.onnx", encoder)}


def no_file(planted: Planted) -> dict[str, Any]:
    return {"model": str(planted.folder / "none.onnx")}


@pytest.mark.parametrize(
    ("decode", "words"),
    [
        (wrong_dimensions, ("decoder.onnx", "of the latent vectors has the shape 4", "the model takes 7")),
        (wrong_values, ("decoder.onnx, data.decode", "a reconstruction has 9 values, an input has 12")),
        (wrong_encoder, ("encoder.onnx, data.decode.encoder", "gives 5 latent dimensions, the latent vectors have 4")),
        (no_file, ("none.onnx, data.decode.model", "there is no such file")),
    ],
)
def test_models_that_do_not_fit_are_refused_before_anything_is_drawn(
    tmp_path: Path, decode: Callable[[Planted], dict[str, Any]], words: tuple[str, ...]
) -> None:
    planted = blobs(tmp_path)
    planted.save(x=planted.latents @ WEIGHTS)
    asked = decode(planted)
    for ask in (lambda: planted.plan(asked, inputs="x"), lambda: look_at_source(source_of(planted, asked))):
        with pytest.raises(InputError) as caught:
            ask()
        for word in (*words, "remedy:"):
            assert word in str(caught.value)


def source_of(planted: Planted, decode: dict[str, Any]) -> Any:
    data = {"path": str(planted.folder / "data.npz"), "decode": decode, "inputs": "x"}
    return SweepConfig.model_validate({"name": "x", "data": data}).data


def test_a_decoder_that_is_gone_costs_what_it_would_have_shown(tmp_path: Path) -> None:
    planted = blobs(tmp_path)
    planted.save()
    plan = planted.plan({"model": planted.put("decoder.onnx", affine(WEIGHTS))})
    (tmp_path / "decoder.onnx").write_bytes(affine(2 * WEIGHTS).SerializeToString())
    found = planted.decoded(plan)
    assert "another model than when the sweep began" in found.lost[0]
    assert found.table("decoded").num_rows == found.table("decoded_clusters").num_rows == 0


def test_the_decoder_is_part_of_what_a_run_is_and_no_part_of_a_picture(tmp_path: Path) -> None:
    planted = blobs(tmp_path)
    planted.save()
    one = planted.plan({"model": planted.put("one.onnx", affine(WEIGHTS))})
    two = planted.plan({"model": planted.put("two.onnx", affine(2 * WEIGHTS))})
    assert one.identity != two.identity
    assert [cell.identity for cell in one.cells] == [cell.identity for cell in two.cells]
    assert one.dataset.models["decoder"]["sha256"] != two.dataset.models["decoder"]["sha256"]


def test_rows_that_were_decoded_before_a_stop_are_not_decoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = blobs(tmp_path)
    planted.save(x=planted.latents @ WEIGHTS)
    plan = planted.plan({"model": planted.put("decoder.onnx", affine(WEIGHTS)), "batch": 20}, inputs="x")
    first = planted.decoded(plan)
    kept = sorted(plan.store.findings(plan.run).glob("decoded-*/0*"))
    times = [path.stat().st_mtime_ns for path in kept]
    assert len(kept) >= 18
    again = planted.decoded(plan)
    assert [path.stat().st_mtime_ns for path in kept] == times
    assert again.table("decoded").equals(first.table("decoded"))
    assert json.loads((plan.store.findings(plan.run) / "decoded.json").read_text(encoding="utf-8"))["warnings"] == []


def test_a_decoder_that_overflows_shows_nothing_and_says_so(tmp_path: Path) -> None:
    planted = blobs(tmp_path)
    planted.save()
    broken = affine(WEIGHTS, target="y")
    broken.graph.node.append(helper.make_node("Log", ["y"], ["x"]))
    broken.graph.output[0].name = "x"
    plan = planted.plan({"model": planted.put("decoder.onnx", broken)})
    found = planted.decoded(plan)
    assert found.table("decoded_clusters").num_rows == 0
    told = " ".join(found.lost)
    assert "decoder.onnx, data.decode: output 'x' gives values that are not finite for" in told
    assert "remedy:" in told


def test_what_is_decoded_with_is_told(tmp_path: Path) -> None:
    planted = blobs(tmp_path)
    planted.save()
    alone = {"model": planted.put("decoder.onnx", affine(WEIGHTS))}
    encoder = affine(np.linalg.pinv(WEIGHTS), source="x", target="z")
    both = {**alone, "encoder": planted.put("encoder.onnx", encoder)}
    for decode, told in ((alone, "not encoded again"), (both, "encoded again by encoder.onnx")):
        assert planted.plan(decode).dataset.taken.endswith(f"; decoder: decoder.onnx, {told}")
        assert look_at_source(planted.plan(decode).config.data).taken.endswith(f"; decoder: decoder.onnx, {told}")
