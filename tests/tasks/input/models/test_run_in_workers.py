"""Models run in workers: what one of them takes is limited, and what was finished before a stop is not done again."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import psutil
import pytest
from onnx import TensorProto, helper, numpy_helper

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource, Workers
from steadymap.tasks.input.dataset import import_dataset
from steadymap.tasks.input.models.onnx_model import ENCODER
from steadymap.tasks.input.models.run_in_workers import CHUNKS, ModelFile, chunks_of, look_at_model, opened
from steadymap.tasks.progress import Announcement, listening
from steadymap.tasks.store.collect_garbage import ABANDONED_SECONDS, find_garbage
from steadymap.tasks.store.files import write_arrays
from steadymap.tasks.store.layout import Store
from steadymap.tasks.workers import choose_limits
from tests.tasks.input.models.test_encode_inputs import PIXELS, images, linear, model, saved

ENDLESS = 2_000_000_000
"""Turns of a loop that nobody waits for."""


def looping(turns: int) -> onnx.ModelProto:
    """Return a model that gives x + 0 + 0 + … before its latents, as often as it is told."""
    step = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("Add", ["state", "nothing"], ["next"]),
        ],
        "step",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, ["rows", PIXELS]),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, ["rows", PIXELS]),
        ],
        [numpy_helper.from_array(np.float32(0), "nothing")],
    )
    return model(
        [
            helper.make_node("Flatten", ["x"], ["flat"]),
            helper.make_node("Loop", ["turns", "yes", "flat"], ["latents"], body=step),
        ],
        {"x": (TensorProto.FLOAT, ["rows", PIXELS])},
        {"latents": (TensorProto.FLOAT, ["rows", PIXELS])},
        [numpy_helper.from_array(np.int64(turns), "turns"), numpy_helper.from_array(np.bool_(True), "yes")],
    )


def swelling(megabytes: int) -> onnx.ModelProto:
    """Return a model that makes an array of so many megabytes of every batch."""
    return model(
        [
            helper.make_node("Flatten", ["x"], ["flat"]),
            helper.make_node(
                "ConstantOfShape", ["size"], ["huge"], value=numpy_helper.from_array(np.ones(1, np.float32))
            ),
            helper.make_node("ReduceSum", ["huge"], ["sum"], keepdims=0),
            helper.make_node("Add", ["flat", "sum"], ["latents"]),
        ],
        {"x": (TensorProto.FLOAT, ["rows", PIXELS])},
        {"latents": (TensorProto.FLOAT, ["rows", PIXELS])},
        [numpy_helper.from_array(np.array([megabytes * 250_000], np.int64), "size")],
    )


def test_a_model_that_hangs_ends_at_its_time_limit(tmp_path: Path) -> None:
    source = saved(tmp_path, looping(ENDLESS), images())
    with pytest.raises(InputError) as caught:
        import_dataset(source, Store(tmp_path / "store"), Workers(count=1, timeout_seconds=1))
    told = str(caught.value)
    assert "encoder.onnx, data.encode: the encoder was stopped: timeout: still running after 1 s" in told
    assert "timeout_seconds" in told.splitlines()[-1]
    assert not [one for one in psutil.Process().children(recursive=True) if one.cpu_percent(0.1) > 50]


def test_a_model_that_takes_all_memory_ends_at_its_limit(tmp_path: Path) -> None:
    source = saved(tmp_path, swelling(3000), images())
    with pytest.raises(InputError, match=r"out_of_memory: took more than its 0\.8 GB") as caught:
        import_dataset(source, Store(tmp_path / "store"), Workers(count=1, memory_gb=0.8))
    assert "memory_gb" in str(caught.value)


def test_what_was_encoded_before_a_stop_is_not_encoded_again(tmp_path: Path) -> None:
    source = saved(tmp_path, linear(), images(), batch=16)
    whole = import_dataset(source, Store(tmp_path / "whole"))
    stopped = Store(tmp_path / "stopped")
    (encoded,) = (tmp_path / "whole" / "encoded").iterdir()
    latents = np.load(encoded / "latents.npy")
    chunks = chunks_of(len(latents), 16, stopped.encoding(encoded.name))
    for chunk in chunks[:4]:  # as a run leaves them that was stopped after four
        write_arrays(chunk.folder, {"given": latents[chunk.first : chunk.last]}, {})
    announced: list[Announcement] = []
    with listening(announced.append):
        found = import_dataset(source, stopped)
    assert sum(one.done for one in announced) == len(latents) - 4 * 16
    assert found.digest == whole.digest
    assert (stopped.root / "encoded" / encoded.name / "latents.npy").read_bytes() == (
        encoded / "latents.npy"
    ).read_bytes()
    assert not list((stopped.root / "encoding").iterdir())


@pytest.mark.parametrize(("rows", "batch"), [(1, 1), (150, 64), (100_000, 7), (4096, 64), (4097, 64)])
def test_chunks_are_whole_batches_and_hold_every_row_once(rows: int, batch: int) -> None:
    chunks = chunks_of(rows, batch, Path("x"))
    assert [row for one in chunks for row in range(one.first, one.last)] == list(range(rows))
    assert all(one.first % batch == 0 for one in chunks)
    assert len(chunks) <= CHUNKS


def test_the_latents_do_not_depend_on_workers(tmp_path: Path) -> None:
    source = saved(tmp_path, linear(), images(), batch=8)
    found = [import_dataset(source, Store(tmp_path / str(count)), Workers(count=count)).digest for count in (1, 2)]
    assert found[0] == found[1]


def test_the_digest_of_the_model_is_known(tmp_path: Path) -> None:
    source = saved(tmp_path, linear(), images())
    told = import_dataset(source, Store(tmp_path / "store")).models["encoder"]
    assert told["sha256"] == hashlib.sha256((tmp_path / "encoder.onnx").read_bytes()).hexdigest()
    assert (told["file"], told["output"]) == ("encoder.onnx", "latents")


def test_a_model_that_changes_while_it_is_used_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, linear(), images())
    asked = ModelFile(tmp_path / "encoder.onnx", ENCODER)
    facts = look_at_model(asked, images()[:1], "images.npy", choose_limits(Workers(count=1)))
    assert opened(facts).output == "latents"
    (tmp_path / "encoder.onnx").write_bytes(looping(1).SerializeToString())
    with pytest.raises(InputError, match="has changed while it was used"):
        opened(replace(facts, asked=ModelFile(tmp_path / "encoder.onnx", ENCODER, "latents")))


def test_parts_that_nobody_came_back_for_are_garbage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    left = store.encoding("0" * 32)
    left.mkdir(parents=True)
    (left / "note.json").write_text(json.dumps({}), encoding="utf-8")
    assert not find_garbage(store).garbage
    later = time.time() + ABANDONED_SECONDS + 1
    monkeypatch.setattr("steadymap.tasks.store.collect_garbage.time.time", lambda: later)
    assert [one.path for one in find_garbage(store).garbage] == [left]


def test_a_source_without_a_model_knows_none(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", np.random.default_rng(0).normal(size=(60, 4)))
    assert import_dataset(DataSource(path=str(tmp_path / "z.npy")), Store(tmp_path / "store")).models == {}
