"""The callbacks of docs/encoders.md, taken from the page as they stand there, inside real trainings."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steadymap.configs.sweep import DataSource
from steadymap.tasks.input.checkpoint import list_checkpoints
from steadymap.tasks.input.dataset import import_dataset
from steadymap.tasks.store.layout import Store

# What the libraries themselves warn of is theirs.
pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(600)]

PAGE = Path(__file__).parents[2] / "docs" / "encoders.md"
ROWS, PIXELS, DIMENSIONS, EPOCHS = 96, 12, 3, 3
IDS = [f"image {row}" for row in range(ROWS)]
CLASSES = [f"class {row % 3}" for row in range(ROWS)]


def callback_of(library: str) -> Any:
    """Run the lines of the page that import a library, and return the callback that they define."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (lines,) = [block for block in blocks if f"import {library}\n" in block]
    names: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(lines, f"{PAGE.name} ({library})", "exec"), names)  # noqa: S102 - our own page
    return names["LogLatents"]


def images() -> np.ndarray:
    """Return inputs of three kinds, float32."""
    generator = np.random.default_rng(0)
    kinds = generator.normal(size=(3, PIXELS))
    return (kinds[np.arange(ROWS) % 3] + 0.1 * generator.normal(size=(ROWS, PIXELS))).astype(np.float32)


def check_what_was_written(folder: Path, steps: list[int], last: np.ndarray) -> None:
    """Expect a file a step that a sweep reads, with ids and labels; the last holds what the trained encoder gives."""
    found = list_checkpoints(folder)
    assert list(found) == steps
    first, *_, end = (np.load(path) for path in found.values())
    assert not np.array_equal(first["latents"], end["latents"])  # it has learnt something between
    np.testing.assert_allclose(end["latents"], last, rtol=1e-4, atol=1e-5)
    dataset = import_dataset(DataSource(path=str(found[steps[-1]])), Store(folder / "store"))
    assert (dataset.rows, dataset.dimensions, dataset.labels) == (ROWS, DIMENSIONS, ("label",))
    assert dataset.points().column("id").to_pylist() == IDS
    assert dataset.points().column("label").to_pylist() == CLASSES


def test_lightning(tmp_path: Path) -> None:
    import lightning
    import torch

    class Autoencoder(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = torch.nn.Sequential(torch.nn.Linear(PIXELS, DIMENSIONS), torch.nn.Dropout(0.5))
            self.decoder = torch.nn.Linear(DIMENSIONS, PIXELS)

        def training_step(self, batch: torch.Tensor, _: int) -> torch.Tensor:
            assert self.encoder.training  # the callback has put it back
            return torch.nn.functional.mse_loss(self.decoder(self.encoder(batch)), batch)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), 0.01)

    torch.manual_seed(0)
    inputs, module = torch.from_numpy(images()), Autoencoder()
    callback = callback_of("lightning")(inputs, IDS, CLASSES, tmp_path / "checkpoints")
    trainer = lightning.Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        callbacks=[callback],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(module, torch.utils.data.DataLoader(inputs, batch_size=32))
    module.eval()  # latent vectors without dropout
    with torch.no_grad():
        last = module.encoder(inputs).numpy()
    check_what_was_written(tmp_path / "checkpoints", [3, 6, 9], last)


def test_keras(tmp_path: Path) -> None:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    keras.utils.set_random_seed(0)
    inputs = images()
    encoder = keras.Sequential([keras.Input((PIXELS,)), keras.layers.Dense(DIMENSIONS), keras.layers.Dropout(0.5)])
    model = keras.Sequential([encoder, keras.layers.Dense(PIXELS)])
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
    callback = callback_of("keras")(encoder, inputs, IDS, CLASSES, tmp_path / "checkpoints")
    model.fit(inputs, inputs, epochs=EPOCHS, verbose=0, callbacks=[callback])
    check_what_was_written(tmp_path / "checkpoints", [1, 2, 3], np.asarray(encoder.predict(inputs, verbose=0)))
