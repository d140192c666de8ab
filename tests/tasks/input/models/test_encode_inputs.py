"""An encoder instead of latents: an ONNX model and its inputs go the whole way; what cannot be used is refused."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

from steadymap.configs.document import read_config
from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource, SweepConfig
from steadymap.flows.cli import app as cli
from steadymap.tasks.input.dataset import import_dataset, measure
from steadymap.tasks.input.models import encode_inputs
from steadymap.tasks.input.models.onnx_external_data import WAYS, external_tensors
from steadymap.tasks.input.models.onnx_model import ENCODER, open_model, run_model
from steadymap.tasks.input.models.run_in_workers import look_at_model
from steadymap.tasks.numerics.input.autoencoder import Encoded, encode_with_autoencoder
from steadymap.tasks.progress import Announcement, listening
from steadymap.tasks.store.layout import Store

PROJECT = Path(__file__).parents[4]
OPSET = helper.make_opsetid("", 18)
ROWS, PIXELS, DIMENSIONS = 150, 64, 6
WEIGHTS = np.random.default_rng(0).standard_normal((PIXELS, DIMENSIONS)).astype(np.float32)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, tuple[int, Sequence[int | str]]],
    outputs: dict[str, tuple[int, Sequence[int | str] | None]],
    tensors: Sequence[onnx.TensorProto] = (),
    opsets: Sequence[onnx.OperatorSetIdProto] = (OPSET,),
) -> onnx.ModelProto:
    graph = helper.make_graph(
        list(nodes),
        "encoder",
        [helper.make_tensor_value_info(name, *kind) for name, kind in inputs.items()],
        [helper.make_tensor_value_info(name, *kind) for name, kind in outputs.items()],
        list(tensors),
    )
    return helper.make_model(graph, opset_imports=list(opsets), ir_version=10)


def tanh_layers(layers: Sequence[tuple[np.ndarray, np.ndarray]]) -> onnx.ModelProto:
    """Return the model of x ↦ tanh(x W + b), layer after layer, any number of rows at a time."""
    nodes, tensors, last = [], [], "x"
    for number, (weights, biases) in enumerate(layers):
        tensors += [
            numpy_helper.from_array(weights.astype(np.float32), f"W{number}"),
            numpy_helper.from_array(biases.astype(np.float32), f"b{number}"),
        ]
        out = "latents" if number == len(layers) - 1 else f"h{number}"
        nodes += [
            helper.make_node("MatMul", [last, f"W{number}"], [f"m{number}"]),
            helper.make_node("Add", [f"m{number}", f"b{number}"], [f"a{number}"]),
            helper.make_node("Tanh", [f"a{number}"], [out]),
        ]
        last = out
    shapes = (["rows", len(layers[0][0])], ["rows", layers[-1][0].shape[1]])
    return model(nodes, {"x": (TensorProto.FLOAT, shapes[0])}, {"latents": (TensorProto.FLOAT, shapes[1])}, tensors)


def linear(
    rows: int | str = "rows", shape: Sequence[int | str] = (PIXELS,), kind: int = TensorProto.FLOAT, give: int = 0
) -> onnx.ModelProto:
    """Return the model of x ↦ x W for inputs of some batch size, shape and type; latents of type ``give``."""
    give = give or kind
    product = TensorProto.DOUBLE if kind == TensorProto.DOUBLE else TensorProto.FLOAT
    weights = WEIGHTS.astype(helper.tensor_dtype_to_np_dtype(product))
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("Cast", ["flat"], ["real"], to=product),
        helper.make_node("MatMul", ["real", "W"], ["z"]),
        helper.make_node("Cast", ["z"], ["latents"], to=give),
    ]
    return model(
        nodes,
        {"x": (kind, [rows, *shape])},
        {"latents": (give, [rows, DIMENSIONS])},
        [numpy_helper.from_array(weights, "W")],
    )


def images(rows: int = ROWS) -> np.ndarray:
    """Return images of three kinds, uint8 (rows, 8, 8)."""
    generator = np.random.default_rng(1)
    kinds = generator.integers(0, 200, (3, 8, 8))
    return (kinds[np.arange(rows) % 3] + generator.integers(0, 40, (rows, 8, 8))).astype(np.uint8)


def expected(pictures: np.ndarray) -> np.ndarray:
    return pictures.reshape(len(pictures), -1).astype(np.float64) @ WEIGHTS


def saved(folder: Path, encoder: onnx.ModelProto, inputs: np.ndarray, **encode: Any) -> DataSource:
    """Write a model and its inputs and return the source that names them."""
    (folder / "encoder.onnx").write_bytes(encoder.SerializeToString())
    np.save(folder / "images.npy", inputs)
    places = {"model": str(folder / "encoder.onnx"), "inputs": str(folder / "images.npy")}
    return DataSource.model_validate({"encode": {**places, **encode}})


def latents_in_file_order(source: DataSource, store: Path) -> np.ndarray:
    dataset = import_dataset(source, Store(store))
    return np.asarray(dataset.latents())[dataset.points().column("position").to_numpy()]


def refused(source: DataSource, *words: str) -> None:
    """Expect that a source is refused before anything is stored, with these words."""
    with pytest.raises(InputError) as caught:
        measure(source)
    for word in (*words, "rule:"):
        assert word in str(caught.value)


# --- the whole way -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray, Encoded]:
    """Return digits, their labels, and what the example's autoencoder makes of them."""
    pictures, labels = load_digits(return_X_y=True)
    pictures = pictures[:300] / 16
    return pictures, labels[:300], encode_with_autoencoder(pictures, 16)


@pytest.fixture
def encoder_folder(tmp_path: Path, digits: tuple[np.ndarray, np.ndarray, Encoded]) -> Path:
    """Write the autoencoder's encoder, images, labels and a config, as a user has them."""
    pictures, labels, encoded = digits
    folder = tmp_path / "mine"
    folder.mkdir()
    onnx.save(tanh_layers(encoded.layers), folder / "encoder.onnx")
    np.save(folder / "images.npy", pictures.reshape(-1, 8, 8))
    np.save(folder / "labels.npy", labels)
    (folder / "sweep.yaml").write_text(
        "name: an encoder\ndata:\n  encode: {model: encoder.onnx, inputs: images.npy, batch: 128}\n"
        "  labels: labels.npy\nreducers: [{reducer: pca}]\nseeds: [0]\nscores: {k: [5]}\n",
        encoding="utf-8",
    )
    return folder


def test_the_latents_are_the_autoencoders_own(
    encoder_folder: Path, tmp_path: Path, digits: tuple[np.ndarray, np.ndarray, Encoded]
) -> None:
    pictures, labels, encoded = digits
    source = read_config(encoder_folder / "sweep.yaml").data
    announced: list[Announcement] = []
    with listening(announced.append):
        latents = latents_in_file_order(source, tmp_path / "store")
    # tanh keeps values below 1, so float32 is exact to about 1e-6.
    np.testing.assert_allclose(latents, encoded.latents, atol=2e-6)
    assert [one.total for one in announced if one.total] == [300]
    assert [one.done for one in announced if one.total is None] == [128, 128, 44]
    assert measure(source) == (300, 16)

    # The same latent vectors from files are the same data: cells cannot tell where they came from.
    np.savez(encoder_folder / "data.npz", z=latents, images=pictures.reshape(-1, 8, 8), labels=labels)
    from_file = DataSource(path=str(encoder_folder / "data.npz"), labels=("labels",), inputs=("images",))
    store = Store(tmp_path / "store")
    ours, theirs = import_dataset(source, store), import_dataset(from_file, store)
    assert (ours.identity, ours.digest) == (theirs.identity, theirs.digest)
    assert ours.input_shape == theirs.input_shape == (8, 8)


def test_what_was_encoded_is_found_again_and_damage_is_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = saved(tmp_path, linear(), images())
    first = import_dataset(source, Store(tmp_path / "store"))
    announced: list[Announcement] = []
    with listening(announced.append):
        again = import_dataset(source, Store(tmp_path / "store"))
        assert announced == []
        (latents,) = (tmp_path / "store" / "encoded").glob("*/latents.npy")
        before = latents.read_bytes()
        latents.write_bytes(before[:-4])
        mended = import_dataset(source, Store(tmp_path / "store"))
        assert announced
    assert first == again == mended
    assert latents.read_bytes() == before


@pytest.mark.parametrize("change", ["model", "inputs", "output", "batch", "runtime"])
def test_whatever_shapes_the_latents_is_in_their_identity(
    tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def encoder(factor: float) -> onnx.ModelProto:
        wide = linear()
        wide.graph.node.append(helper.make_node("Mul", ["z", "factor"], ["other"]))
        wide.graph.initializer.append(numpy_helper.from_array(np.float32(factor), "factor"))
        wide.graph.output.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, ["rows", DIMENSIONS]))
        return wide

    import_dataset(saved(tmp_path, encoder(2), images()), Store(tmp_path / "store"))
    if change == "runtime":
        monkeypatch.setattr(encode_inputs, "look_at_model", lambda *asked: replace(look_at_model(*asked), runtime="0"))
    changed = saved(
        tmp_path,
        encoder(3 if change == "model" else 2),
        images().astype(np.float64) if change == "inputs" else images(),
        **{"output": "other"} if change == "output" else {},
        **{"batch": 7} if change == "batch" else {},
    )
    import_dataset(changed, Store(tmp_path / "store"))
    assert len(list((tmp_path / "store" / "encoded").iterdir())) == 2


@pytest.mark.engine
def test_a_sweep_of_an_encoder_reports_its_inputs_and_repeats_from_anywhere(
    engine: None,
    encoder_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def sweep(config: str, store: str) -> tuple[dict[str, Any], str]:
        monkeypatch.setattr(sys, "argv", ["steadymap", "sweep", config, "--store", store, "--json"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        assert ended.value.code == cli.EXIT_REPORT, printed.err
        return json.loads(printed.out), printed.err

    first, told = sweep(str(encoder_folder / "sweep.yaml"), str(tmp_path / "store"))
    assert "encoded rows" in told
    assert "300/300" in told
    assert "300 rows × 16 dimensions" in told
    run = Path(first["report"]).parent
    facts = pd.read_parquet(run / "latent_space.parquet").set_index("score")["value"]
    # An encoder that was trained on them keeps near what is near among the inputs.
    assert facts["input_trustworthiness"] > 0.8
    assert facts["input_continuity"] > 0.8
    assert facts["label_purity"] > 0.5
    assert "trustworthiness" in Path(first["report"]).read_text(encoding="utf-8").lower()
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["data"]["source"] == "encoder.onnx of images.npy"
    assert manifest["data"]["input_shape"] == [8, 8]
    shown = pd.read_parquet(run / "images.parquet")
    pixels = np.array([np.frombuffer(one, np.uint8) for one in shown["pixels"]])
    raw = np.load(encoder_folder / "images.npy").reshape(300, -1)[shown["row"]].astype(float)
    assert np.abs(pixels / 255 - (raw - raw.min()) / np.ptp(raw)).max() <= 0.5 / 255 + 1e-6

    monkeypatch.chdir(run)
    again, told = sweep("config.yaml", "../..")
    assert (again["run"], again["cells"]["computed"]) == (first["run"], 0)
    assert "encoded rows" not in told


def test_paths_of_an_encoder_start_at_the_config(encoder_folder: Path) -> None:
    encoder = read_config(encoder_folder / "sweep.yaml").data.encode
    assert encoder is not None
    assert encoder.model == str(encoder_folder / "encoder.onnx")
    assert encoder.inputs == str(encoder_folder / "images.npy")


def test_check_runs_one_row_and_bad_input_exits_with_2(encoder_folder: Path) -> None:
    def check() -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-m",
            "steadymap.flows.cli.app",
            "check",
            str(encoder_folder / "sweep.yaml"),
            "--json",
        ]
        return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)

    printed = check()
    assert printed.returncode == 0, printed.stderr
    checked = json.loads(printed.stdout)
    assert (checked["rows"], checked["dimensions"]) == (300, 16)
    (encoder_folder / "encoder.onnx").write_bytes(b"hello, I am no model")
    printed = check()
    assert printed.returncode == cli.EXIT_BAD_INPUT
    assert printed.stdout == ""
    assert "encoder.onnx: not an ONNX model" in printed.stderr
    assert "Traceback" not in printed.stderr


def test_labels_ids_and_groups_may_lie_with_the_inputs(tmp_path: Path) -> None:
    source = saved(tmp_path, linear(), images())
    kinds = np.arange(ROWS) % 3
    np.savez(tmp_path / "data.npz", x=images(), y=kinds, ids=np.arange(ROWS).astype(str), session=kinds)
    table = pd.DataFrame(images().reshape(ROWS, -1), columns=[f"p{i}" for i in range(PIXELS)]).assign(y=kinds)
    table.to_parquet(tmp_path / "pixels.parquet")
    want = import_dataset(source, Store(tmp_path / "store"))
    for inputs, group in (("data.npz#x", "session"), ("data.npz", "session"), ("pixels.parquet#p*", "y")):
        encode = {"model": str(tmp_path / "encoder.onnx"), "inputs": str(tmp_path / inputs)}
        found = import_dataset(DataSource.model_validate({"encode": encode, "group": group}), Store(tmp_path / "store"))
        assert found.digest == want.digest
        assert found.labels == ("y",)
        assert found.points()["group"].to_pylist() == [str(kind) for kind in kinds]
    # Without a pattern, every numeric column that has no other role.
    encode = {"model": str(tmp_path / "encoder.onnx"), "inputs": str(tmp_path / "pixels.parquet")}
    assert (
        import_dataset(DataSource.model_validate({"encode": encode}), Store(tmp_path / "store")).digest == want.digest
    )


# --- shapes and types --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 64, 150, 256])
def test_any_batch_gives_every_row(tmp_path: Path, batch: int) -> None:
    source = saved(tmp_path, linear(), images(), batch=batch)
    np.testing.assert_allclose(latents_in_file_order(source, tmp_path), expected(images()), rtol=1e-5, atol=1e-2)


@pytest.mark.parametrize("rows", [1, 64])
def test_a_fixed_batch_is_filled_up_and_cut(tmp_path: Path, rows: int) -> None:
    source = saved(tmp_path, linear(rows=rows), images(), batch=100)
    np.testing.assert_allclose(latents_in_file_order(source, tmp_path), expected(images()), rtol=1e-5, atol=1e-2)
    assert measure(source) == (ROWS, DIMENSIONS)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ((64,), (1, 8, 8)),
        ((8, 8), (1, 8, 8)),
        ((8, 8, 1), (1, 8, 8)),
        ((1, 8, 8), (8, 8)),
        ((8, 8), (64,)),
        ((8, 8), ("pixels",)),
        ((8, 8), ("height", "width")),
    ],
)
def test_flat_rows_are_folded_and_images_unfolded(
    tmp_path: Path, given: tuple[int, ...], taken: tuple[int | str, ...]
) -> None:
    pictures = images().reshape(ROWS, *given)
    source = saved(tmp_path, linear(shape=taken), pictures)
    np.testing.assert_allclose(latents_in_file_order(source, tmp_path), expected(images()), rtol=1e-5, atol=1e-2)


@pytest.mark.parametrize(
    ("given", "taken", "words"),
    [
        ((63,), (1, 8, 8), ["63", "1 × 8 × 8", "in that shape"]),
        ((4, 4, 4), (1, 8, 8), ["4 × 4 × 4", "1 × 8 × 8"]),
        ((4, 8, 2), (2, 4, 8), ["4 × 8 × 2", "2 × 4 × 8", "moveaxis"]),  # folded, it would be noise
        ((64,), ("channels", 8, 8), ["64", "any × 8 × 8"]),
    ],
)
def test_inputs_of_another_shape_are_refused(
    tmp_path: Path, given: tuple[int, ...], taken: tuple[int | str, ...], words: list[str]
) -> None:
    pictures = np.resize(images(), (ROWS, *given))
    refused(saved(tmp_path, linear(shape=taken), pictures), "images.npy", "data.encode.inputs", *words)


@pytest.mark.parametrize("kind", ["FLOAT", "FLOAT16", "DOUBLE", "UINT8", "INT64"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float64, np.float32])
def test_inputs_are_converted_to_the_models_type(tmp_path: Path, kind: str, dtype: type) -> None:
    encoder = linear(kind=getattr(TensorProto, kind), give=TensorProto.FLOAT)
    latents = latents_in_file_order(saved(tmp_path, encoder, images().astype(dtype)), tmp_path)
    np.testing.assert_allclose(latents, expected(images()), rtol=1e-5, atol=1e-2)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("UINT8", 0.5, ["0.5 is no uint8", "row 5", "nothing is scaled"]),
        ("UINT8", 300, ["300.0 is no uint8"]),
        ("FLOAT16", 1e6, ["is no float16"]),
    ],
)
def test_inputs_that_the_models_type_cannot_hold_are_refused(
    tmp_path: Path, kind: str, value: float, words: list[str]
) -> None:
    pictures = images().astype(np.float64)
    pictures[5, 2, 2] = value
    source = saved(tmp_path, linear(kind=getattr(TensorProto, kind), give=TensorProto.FLOAT), pictures)
    with pytest.raises(InputError) as caught:
        import_dataset(source, Store(tmp_path / "store"))
    assert [word for word in ("images.npy", *words) if word not in str(caught.value)] == []


@pytest.mark.parametrize("kind", ["FLOAT16", "DOUBLE", "INT32"])
def test_latents_of_every_real_type(tmp_path: Path, kind: str) -> None:
    small = images() / 255
    latents = latents_in_file_order(saved(tmp_path, linear(give=getattr(TensorProto, kind)), small), tmp_path)
    want = expected(small)
    tolerance = {"FLOAT16": 2e-2, "DOUBLE": 1e-5, "INT32": 1}[kind]  # float16 holds three digits of values up to 20
    np.testing.assert_allclose(latents, want, atol=tolerance)


def with_output(
    operator: str, shape: Sequence[int | str] | None, kind: int = TensorProto.FLOAT, **attributes: Any
) -> onnx.ModelProto:
    """Return the linear model with its latents reshaped or replaced by one more operator."""
    changed = linear()
    del changed.graph.output[:]
    names = ["latents"]
    if operator == "Reshape":
        changed.graph.initializer.append(numpy_helper.from_array(np.array(attributes.pop("to")), "to"))
        names.append("to")
    changed.graph.node.append(helper.make_node(operator, names, ["out"], **attributes))
    changed.graph.output.append(helper.make_tensor_value_info("out", kind, shape))
    return changed


@pytest.mark.parametrize(("to", "shape"), [([-1, 6, 1, 1], ["rows", 6, 1, 1]), ([-1, 1, 6], None)])
def test_further_axes_of_length_1_are_dropped(tmp_path: Path, to: list[int], shape: list[int | str] | None) -> None:
    source = saved(tmp_path, with_output("Reshape", shape, to=to), images())
    np.testing.assert_allclose(latents_in_file_order(source, tmp_path), expected(images()), rtol=1e-5, atol=1e-2)


def test_of_several_outputs_the_first_matrix_is_taken_or_the_one_named(tmp_path: Path) -> None:
    wide = linear()
    wide.graph.node.append(helper.make_node("Unsqueeze", ["latents", "axis"], ["cube"]))
    wide.graph.node.append(helper.make_node("Neg", ["latents"], ["negative"]))
    wide.graph.initializer.append(numpy_helper.from_array(np.array([2]), "axis"))
    latents = wide.graph.output.pop()
    cube = helper.make_tensor_value_info("cube", TensorProto.FLOAT, ["rows", DIMENSIONS, 1])
    negative = helper.make_tensor_value_info("negative", TensorProto.FLOAT, ["rows", DIMENSIONS])
    wide.graph.output.extend([cube, latents, negative])
    want = expected(images())
    for output, sign in (("", 1), ("cube", 1), ("negative", -1)):
        source = saved(tmp_path, wide, images(), **{"output": output} if output else {})
        np.testing.assert_allclose(latents_in_file_order(source, tmp_path), sign * want, rtol=1e-5, atol=1e-2)
    names = ["'cube' (rows × 6 × 1)", "'latents' (rows × 6)", "'negative' (rows × 6)"]
    refused(saved(tmp_path, wide, images(), output="mu"), "there is no output 'mu'", *names)
    del wide.graph.output[1:]
    wide.graph.output.append(helper.make_tensor_value_info("total", TensorProto.FLOAT, ["rows"]))
    wide.graph.node.append(helper.make_node("ReduceSum", ["latents", "last"], ["total"], keepdims=0))
    wide.graph.initializer.append(numpy_helper.from_array(np.array([1]), "last"))
    refused(
        saved(tmp_path, wide, images()), "none of the outputs", "'cube' (rows × 6 × 1)", "'total' (rows)", "output:"
    )


# --- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoder", "words"),
    [
        (lambda: with_output("Reshape", None, to=[-1, 2, 3]), ["shape (1, 2, 3)", "rows × latents", "'out'"]),
        (lambda: with_output("Reshape", None, to=[-1]), ["shape (6,)"]),
        (lambda: with_output("Reshape", None, to=[-1, 2]), ["shape (3, 2) of 1 rows"]),
        (lambda: with_output("Cast", ["rows", 6], to=TensorProto.BOOL, kind=TensorProto.BOOL), ["gives bool"]),
    ],
)
def test_outputs_that_are_no_latent_vectors_are_refused(
    tmp_path: Path, encoder: Callable[[], onnx.ModelProto], words: list[str]
) -> None:
    refused(saved(tmp_path, encoder(), images()), "encoder.onnx", "data.encode.output", *words)


def test_latents_that_are_not_finite_are_refused_with_their_place(tmp_path: Path) -> None:
    pictures = images().astype(np.float32)
    pictures[7] = -pictures[7] - 1
    source = saved(tmp_path, with_output("Log", ["rows", 6]), pictures)
    with pytest.raises(InputError, match=r"(?s)encoder\.onnx of images\.npy.*row .*column.*not finite"):
        import_dataset(source, Store(tmp_path / "store"))


def test_an_encoder_that_draws_random_numbers_is_refused(tmp_path: Path) -> None:
    sampled = linear()
    sampled.graph.node.append(helper.make_node("RandomNormalLike", ["latents"], ["noise"]))
    sampled.graph.node.append(helper.make_node("Add", ["latents", "noise"], ["sample"]))
    sampled.graph.output.insert(0, helper.make_tensor_value_info("sample", TensorProto.FLOAT, ["rows", DIMENSIONS]))
    refused(saved(tmp_path, sampled, images()), "'sample'", "differs from one run to the next", "'latents'")
    np.testing.assert_allclose(
        latents_in_file_order(saved(tmp_path, sampled, images(), output="latents"), tmp_path / "store"),
        expected(images()),
        rtol=1e-5,
        atol=1e-2,
    )


def custom_operator() -> bytes:
    node = helper.make_node("Anything", ["x"], ["latents"], domain="my.own")
    kinds = {"x": (TensorProto.FLOAT, ["rows", PIXELS])}, {"latents": (TensorProto.FLOAT, ["rows", DIMENSIONS])}
    return bytes(model([node], *kinds, opsets=(OPSET, helper.make_opsetid("my.own", 1))).SerializeToString())


def two_inputs() -> bytes:
    shape = ["rows", PIXELS]
    node = helper.make_node("Add", ["x", "mask"], ["latents"])
    inputs = {"x": (TensorProto.FLOAT, shape), "mask": (TensorProto.FLOAT, shape)}
    return bytes(model([node], inputs, {"latents": (TensorProto.FLOAT, shape)}).SerializeToString())


def of_text() -> bytes:
    node = helper.make_node("StringNormalizer", ["x"], ["latents"])
    kinds = {"x": (TensorProto.STRING, [1])}, {"latents": (TensorProto.STRING, [1])}
    return bytes(model([node], *kinds).SerializeToString())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda: b"", ["the file is empty"]),
        (lambda: b"hello, I am no model", ["not an ONNX model"]),
        (lambda: linear().SerializeToString()[:-20], ["not an ONNX model"]),
        (lambda: b"\x08\x0a", ["cannot run it"]),  # a whole message, but without a graph
        (lambda: b"\x00\x00\x00\x00ORTM" + bytes(64), ["not an ONNX model"]),  # ONNX Runtime's own format
        (custom_operator, ["cannot run it", "my.own", "standard operators"]),
        (two_inputs, ["takes 2 inputs", "'mask' (rows × 64)"]),
        (of_text, ["tensor(string)"]),
    ],
)
def test_files_that_are_no_encoder_are_refused(
    tmp_path: Path, content: Callable[[], bytes], words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    source = saved(tmp_path, linear(), images())
    (tmp_path / "encoder.onnx").write_bytes(content())
    refused(source, "encoder.onnx", *words)
    assert capfd.readouterr() == ("", "")


def test_a_batch_that_the_model_has_built_in_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = saved(tmp_path, with_output("Reshape", ["rows", 6], to=[2, 6]), images())
    refused(source, "fails on inputs of shape (1, 64)", "dynamic batch axis")
    assert capfd.readouterr() == ("", "")


def test_a_damaged_model_is_an_error_with_its_file(tmp_path: Path) -> None:
    source = saved(tmp_path, linear(), images())
    content = (tmp_path / "encoder.onnx").read_bytes()
    generator = np.random.default_rng(0)
    header = [place for place in range(len(content)) if not 100 <= place < len(content) - 200]  # not the weights
    for _ in range(200):
        damaged = bytearray(content)
        for place in generator.choice(header, 2):
            damaged[place] = generator.integers(256)
        (tmp_path / "encoder.onnx").write_bytes(damaged)
        try:
            measure(source)
        except InputError as error:
            assert error.file in (str(tmp_path / "encoder.onnx"), str(tmp_path / "images.npy"))


@pytest.mark.parametrize(
    ("missing", "words"), [("encoder.onnx", ["no such file"]), ("images.npy", ["no such file", "check the path"])]
)
def test_files_that_are_not_there(tmp_path: Path, missing: str, words: list[str]) -> None:
    source = saved(tmp_path, linear(), images())
    (tmp_path / missing).unlink()
    with pytest.raises(InputError) as caught:
        measure(source)
    assert [word for word in (missing, *words) if word not in str(caught.value)] == []


def test_roles_of_another_length_and_few_rows_are_told_before_anything_is_encoded(tmp_path: Path) -> None:
    source = saved(tmp_path, linear(), images())
    np.save(tmp_path / "labels.npy", np.zeros(3))
    announced: list[Announcement] = []
    with listening(announced.append), pytest.raises(InputError, match="3 values for 150 rows"):
        import_dataset(source.model_copy(update={"labels": (str(tmp_path / "labels.npy"),)}), Store(tmp_path / "store"))
    np.save(tmp_path / "images.npy", images(4))
    refused(source, "4 rows", "at least 10")
    assert announced == []


def test_without_onnxruntime_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    source = saved(tmp_path, linear(), images())
    assert source.encode is not None
    with pytest.raises(InputError, match="onnxruntime cannot be imported") as caught:
        open_model(Path(source.encode.model), ENCODER)
    assert "pip install -e '.[onnx]'" in str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("encode: {model: encoder.pt, inputs: x.npy}", ["data.encode", "line 3", ".onnx file", "'encoder.pt'"]),
        ("encode: {model: encoder.onnx, inputs: x}", ["`inputs` names a data file", "'x'"]),
        ("encode: {model: encoder.onnx, inputs: x.npy, batch: 0}", ["data.encode.batch = 0"]),
        ("encode: {model: encoder.onnx, inputs: x.npy, ouput: z}", ["did you mean `output`"]),
        ("encode: {model: encoder.onnx}", ["`inputs` is required"]),
        ("encode: {model: encoder.onnx, inputs: x.npy}\n  path: z.npy", ["exactly one of `path`"]),
        ("encode: {model: encoder.onnx, inputs: x.npy}\n  latents: z", ["encode: output:"]),
        ("encode: {model: encoder.onnx, inputs: x.npy}\n  inputs: x.npy", ["encode: inputs:"]),
    ],
)
def test_a_fault_in_the_config_is_named_with_its_line(tmp_path: Path, data: str, words: list[str]) -> None:
    (tmp_path / "sweep.yaml").write_text(f"name: x\ndata:\n  {data}\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_config(tmp_path / "sweep.yaml")
    assert [word for word in ("sweep.yaml", *words) if word not in str(caught.value)] == []


# --- models that point at other files ----------------------------------------------------------------------------


def external_initializer(place: str) -> onnx.ModelProto:
    pointing = linear()
    weights = pointing.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=place)
    return pointing


@pytest.mark.parametrize("place", ["weights.bin", "../secret", "/etc/passwd", "*/_ORT_MEM_ADDR_/*"])
def test_a_model_that_points_at_other_files_is_not_opened(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    opened: list[object] = []
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *words, **more: opened.append(words))
    (tmp_path / "weights.bin").write_bytes(WEIGHTS.tobytes())
    refused(saved(tmp_path, external_initializer(place), images()), "'W'", "all tensors in one file")
    assert opened == []


def tensor(external: bool) -> onnx.TensorProto:
    made = numpy_helper.from_array(np.zeros(2, np.float32), "hidden")
    if external:
        made.external_data.add(key="location", value="elsewhere")
    return made


def deep(external: bool, where: str) -> onnx.ModelProto:
    """Return a model with a tensor in one of the places that can hold one."""
    holder = linear()
    sparse = helper.make_sparse_tensor(tensor(external), numpy_helper.from_array(np.zeros(2, np.int64)), [4])
    inner = helper.make_graph([], "inner", [], [], [tensor(external)])
    attribute = helper.make_attribute("tensors", [tensor(external)])
    node = helper.make_node("Constant", [], ["c"])
    if where == "constant":
        node.attribute.append(helper.make_attribute("value", tensor(external)))
    elif where == "list of constants":
        node.attribute.append(attribute)
    elif where == "sparse constant":
        node.attribute.append(helper.make_attribute("sparse_value", sparse))
    elif where == "branch":
        node.attribute.append(helper.make_attribute("then_branch", inner))
    elif where == "branches":
        node.attribute.append(helper.make_attribute("branches", [inner]))
    elif where == "sparse initializer":
        holder.graph.sparse_initializer.append(sparse)
    elif where == "training":
        holder.training_info.add().algorithm.CopyFrom(inner)
    elif where == "function":
        inside = helper.make_node("Constant", [], ["c"], value=tensor(external))
        holder.functions.append(helper.make_function("my", "f", [], ["c"], [inside], [OPSET]))
    holder.graph.node.append(node)
    return holder


@pytest.mark.parametrize(
    "where",
    [
        "constant",
        "list of constants",
        "sparse constant",
        "branch",
        "branches",
        "sparse initializer",
        "training",
        "function",
    ],
)
def test_external_tensors_are_found_wherever_a_model_can_hold_them(where: str) -> None:
    assert external_tensors(deep(True, where).SerializeToString()) == ["hidden"]
    assert external_tensors(deep(False, where).SerializeToString()) == []


def test_every_way_to_a_tensor_is_known() -> None:
    """The table of field numbers is the one of the ONNX package, no way left out."""
    kinds = {"ModelProto": onnx.ModelProto.DESCRIPTOR}
    waiting = list(kinds.values())
    while waiting:
        for field in waiting.pop().fields:
            if field.message_type is not None and field.message_type.name not in kinds:
                kinds[field.message_type.name] = field.message_type
                waiting.append(field.message_type)
    leading = {"TensorProto"}
    while True:
        more = {
            name
            for name, kind in kinds.items()
            if any(field.message_type is not None and field.message_type.name in leading for field in kind.fields)
        }
        if more <= leading:
            break
        leading |= more
    ways = {
        name: {
            field.number: field.message_type.name
            for field in kinds[name].fields
            if field.message_type is not None and field.message_type.name in leading
        }
        for name in leading - {"TensorProto"}
    }
    assert ways == WAYS


def test_a_field_number_that_only_the_library_understands_hides_nothing() -> None:
    """Bits above the 32nd of a field's key are dropped by protocol buffers' own readers."""
    hidden = deep(True, "constant").SerializeToString()
    assert hidden.count(b"\x6a\x15") == 1  # field 13 (external_data), 21 bytes
    key = (13 << 3 | 2) | 1 << 34
    long_key = bytes([key & 0x7F | 0x80, key >> 7 & 0x7F | 0x80, key >> 14 & 0x7F | 0x80, key >> 21 & 0x7F | 0x80])
    long_key += bytes([key >> 28 & 0x7F])
    entry = hidden[hidden.index(b"\x6a\x15") :][:23]
    tensor_only = b"\x42\x06hidden" + long_key + entry[1:]
    wrapped = b"\x3a" + bytes([len(tensor_only) + 2]) + b"\x2a" + bytes([len(tensor_only)]) + tensor_only
    assert external_tensors(wrapped) == ["hidden"]


def test_a_deeply_nested_model_is_an_error_and_no_crash(tmp_path: Path) -> None:
    content = b""
    for _ in range(5_000):
        for key in (b"\x32", b"\x2a", b"\x0a"):  # graph of an attribute of a node of a graph …
            length = len(content)
            coded = bytearray()
            while length > 0x7F:
                coded.append(length & 0x7F | 0x80)
                length >>= 7
            content = key + bytes([*coded, length]) + content
    source = saved(tmp_path, linear(), images())
    (tmp_path / "encoder.onnx").write_bytes(content)
    with pytest.raises(InputError, match=r"encoder\.onnx"):
        measure(source)


# --- the same bytes ----------------------------------------------------------------------------------------------


def test_the_same_encoder_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    source = saved(tmp_path, linear(), images())
    assert source.encode is not None
    encoder = open_model(Path(source.encode.model), ENCODER)
    here = np.concatenate(list(run_model(encoder, images(), 64, "images.npy")))
    code = (
        "import sys, hashlib, numpy as np; from pathlib import Path\n"
        "from steadymap.tasks.input.models.onnx_model import ENCODER, open_model, run_model\n"
        "inputs = np.load(sys.argv[2])\n"
        "batches = run_model(open_model(Path(sys.argv[1]), ENCODER), inputs, 64, 'x')\n"
        "print(hashlib.sha256(np.concatenate(list(batches)).tobytes()).hexdigest())"
    )
    command = [sys.executable, "-c", code, source.encode.model, source.encode.inputs]
    there = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=True)
    assert there.stdout.strip() == hashlib.sha256(here.tobytes()).hexdigest()


def test_the_schema_of_the_flow_knows_the_encoder() -> None:
    """The Prefect UI makes its form from this."""
    properties = SweepConfig.model_json_schema()["$defs"]["Encoder"]["properties"]
    assert set(properties) == {"model", "inputs", "output", "batch"}
    assert all(value["description"] for value in properties.values())
