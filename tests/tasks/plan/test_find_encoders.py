"""Which files are the encoders of a config, in which order, and how each is swept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from steadymap.configs.document import read_config
from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource, SweepConfig
from steadymap.tasks.input.checkpoint import log_checkpoint
from steadymap.tasks.input.dataset import import_dataset, read_row_column
from steadymap.tasks.numerics.input import autoencoder
from steadymap.tasks.plan.find_encoders import find_encoders
from steadymap.tasks.store.layout import Store


def files(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def sweep_over(*places: str, **data: object) -> SweepConfig:
    return SweepConfig(name="mine", data=DataSource.model_validate({"encoders": places, **data}))


def test_a_pattern_is_read_in_the_order_in_which_people_count(tmp_path: Path) -> None:
    files(tmp_path, "run10.npz", "run9.npz", "run2.npy", "notes.txt")
    found = find_encoders(sweep_over(str(tmp_path / "run*")))
    assert [one.name for one in found.all] == ["run2", "run9", "run10"]
    assert not found.checkpoints
    assert [one.config.fast for one in found.all] == [False, True, True]
    assert [one.config.name for one in found.all] == ["mine, run2", "mine, run9", "mine, run10"]
    assert all(one.config.data.encoders is None and one.config.data.path is not None for one in found.all)


def test_checkpoints_are_followed_by_step_and_the_last_is_swept_in_full(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(20, 4))
    for step in (1200, 400, 800):
        log_checkpoint(vectors, range(20), step=step, folder=tmp_path)
    found = find_encoders(sweep_over(str(tmp_path)))
    assert [one.name for one in found.all] == ["step 400", "step 800", "step 1200"]
    assert found.checkpoints
    assert found.reference.name == "step 1200"
    assert [one.config.fast for one in found.all] == [True, True, False]


def test_checkpoints_are_in_the_order_of_their_steps_however_they_are_named(tmp_path: Path) -> None:
    files(tmp_path, "epoch10.npz", "epoch2.npz", "epoch1.npz")
    places = [str(tmp_path / f"epoch{step}.npz") for step in (10, 1, 2)]
    assert [one.name for one in find_encoders(sweep_over(*places)).all] == ["epoch 1", "epoch 2", "epoch 10"]


@pytest.mark.parametrize("name", ["epoch_03", "model-ckpt2", "Checkpoint 7", "iter000200", "vae.step=5"])
def test_names_that_say_how_far_a_training_is(name: str, tmp_path: Path) -> None:
    files(tmp_path, f"{name}.npz", f"{name}1.npz")
    assert find_encoders(sweep_over(str(tmp_path))).checkpoints


@pytest.mark.parametrize("names", [("misstep", "b"), ("seed1", "seed2"), ("step1", "final"), ("footstep", "instep3")])
def test_names_that_do_not(names: tuple[str, ...], tmp_path: Path) -> None:
    files(tmp_path, *(f"{name}.npz" for name in names))
    assert not find_encoders(sweep_over(str(tmp_path))).checkpoints


def test_all_are_swept_in_full_or_all_fast_if_so_wished(tmp_path: Path) -> None:
    files(tmp_path, "a.npz", "b.npz")
    full = find_encoders(sweep_over(str(tmp_path), further_encoders="full"))
    assert [one.config.fast for one in full.all] == [False, False]
    fast = find_encoders(sweep_over(str(tmp_path)).model_copy(update={"fast": True}))
    assert [one.config.fast for one in fast.all] == [True, True]


def test_files_of_one_name_keep_apart_and_a_file_counts_once(tmp_path: Path) -> None:
    files(tmp_path, "one/z.npy", "two/z.npy")
    places = [str(tmp_path / "one/z.npy"), str(tmp_path / "two/z.npy"), str(tmp_path / "one")]
    assert [one.name for one in find_encoders(sweep_over(*places)).all] == ["z", "z (2)"]
    below = find_encoders(sweep_over(str(tmp_path / "*" / "z.npy")))
    assert [one.name for one in below.all] == ["one/z", "two/z"]


def test_models_encode_the_inputs_that_are_named_once_for_all(tmp_path: Path) -> None:
    files(tmp_path, "a.onnx", "b.onnx")
    found = find_encoders(sweep_over(str(tmp_path), inputs="x.npy", labels="y.npy"))
    assert [one.config.data.encode.inputs for one in found.all if one.config.data.encode] == ["x.npy", "x.npy"]
    assert all(one.config.data.inputs is None and one.config.data.labels == ("y.npy",) for one in found.all)
    with pytest.raises(InputError, match="0 inputs") as caught:
        find_encoders(sweep_over(str(tmp_path)))
    assert "add `inputs: images.npy`" in str(caught.value)


@pytest.mark.parametrize(
    ("places", "told"),
    [
        (("nothing*.npz",), "there is no such file"),
        (("a.npz",), "only one encoder: a"),
    ],
)
def test_what_is_no_axis_is_refused_with_what_to_do(places: tuple[str, ...], told: str, tmp_path: Path) -> None:
    files(tmp_path, "a.npz")
    with pytest.raises(InputError, match=told) as caught:
        find_encoders(sweep_over(*(str(tmp_path / place) for place in places)))
    assert caught.value.remedy


def test_a_name_that_no_run_can_have_is_refused(tmp_path: Path) -> None:
    files(tmp_path, f"{'n' * 90}.npz", "b.npz")
    with pytest.raises(InputError, match="characters"):
        find_encoders(sweep_over(str(tmp_path)))


def test_the_example_is_trained_once_a_seed() -> None:
    found = find_encoders(SweepConfig(name="x", data=DataSource(example="digits", example_seeds=(0, 3))))
    assert [one.name for one in found.all] == ["seed 0", "seed 3"]
    assert [one.config.data.example_seeds for one in found.all] == [(0,), (3,)]


def test_another_seed_trains_another_encoder_of_the_same_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autoencoder, "EPOCHS", 2)  # enough to differ
    store = Store(tmp_path)
    first, again, other = (
        import_dataset(DataSource(example="digits", example_seeds=(seed,)), store) for seed in (0, 0, 1)
    )
    assert first.digest == again.digest != other.digest
    ids = [read_row_column(one.folder, "id") for one in (first, other)]
    assert sorted(map(str, ids[0])) == sorted(map(str, ids[1]))


def test_paths_in_a_config_start_at_its_folder_and_a_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("data:\n  encoders: [a.npz, 'runs/*.npz']\n", encoding="utf-8")
    config = read_config(tmp_path / "s.yaml")
    assert config.data.encoders == (str(tmp_path / "a.npz"), str(tmp_path / "runs/*.npz"))
    with pytest.raises(ValidationError):
        DataSource(encoders=("https://user:secret@host/a.npz", "b.npz"))
    with pytest.raises(ValidationError, match="exactly one"):
        DataSource(encoders=("a.npz", "b.npz"), path="c.npz")


def test_a_sweep_of_one_refuses_several_and_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="several encoders") as caught:
        import_dataset(DataSource(encoders=("a.npz", "b.npz")), Store(tmp_path))
    assert "steadymap encoders" in str(caught.value)
