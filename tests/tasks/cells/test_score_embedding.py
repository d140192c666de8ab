"""Embeddings that another tool made: scored as they are, in any format, or refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

from steadymap.configs.cards import CARD_OF
from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource
from steadymap.flows.cli import app as cli
from steadymap.tasks.cells.score_embedding import ScoredEmbedding, score_embedding
from tests.conftest import three_blobs
from tests.flows.test_cli import run

VECTORS, LABELS = three_blobs(rows=90, dimensions=5)
PICTURE = VECTORS[:, :2] + np.random.default_rng(1).standard_normal((90, 2))


def scored(folder: Path, vectors: np.ndarray, picture: np.ndarray, k: int = 7, **options: object) -> ScoredEmbedding:
    np.savez(folder / "latents.npz", X=vectors, y=LABELS[: len(vectors)])
    np.save(folder / "picture.npy", picture)
    return score_embedding(DataSource(path=str(folder / "latents.npz")), folder / "picture.npy", (k,), **options)


def values(found: ScoredEmbedding) -> dict[tuple[str, int | None], float]:
    return {(score.score, score.k): score.value for score in found.scores}


def test_scores_equal_scikit_learn_and_every_score_has_a_card(tmp_path: Path) -> None:
    found = values(scored(tmp_path, VECTORS, PICTURE))
    assert found["trustworthiness", 7] == pytest.approx(
        sklearn_trustworthiness(VECTORS, PICTURE, n_neighbors=7), abs=1e-9
    )
    assert found["continuity", 7] == pytest.approx(sklearn_trustworthiness(PICTURE, VECTORS, n_neighbors=7), abs=1e-9)
    # A loss belongs to a reducer's affinities, which an embedding of another tool does not come with.
    of_any_picture = {card.score for card in CARD_OF.values() if card.of == "cell" and card.scope != "loss"}
    assert {name for name, _ in found} == of_any_picture


def test_cosine_looks_at_angles(tmp_path: Path) -> None:
    stretched = VECTORS * np.random.default_rng(2).uniform(0.1, 10, (90, 1))
    plain = scored(tmp_path, VECTORS, PICTURE, metric="cosine")
    stretched_cosine = scored(tmp_path, stretched, PICTURE, metric="cosine")
    assert values(stretched_cosine)["trustworthiness", 7] == pytest.approx(
        values(plain)["trustworthiness", 7], abs=1e-6
    )
    assert values(scored(tmp_path, stretched, PICTURE))["trustworthiness", 7] != pytest.approx(
        values(plain)["trustworthiness", 7], abs=1e-3
    )


def test_the_order_of_the_rows_changes_nothing_even_with_duplicates(tmp_path: Path) -> None:
    vectors = np.repeat(VECTORS[:30], 3, axis=0)
    order = np.random.default_rng(3).permutation(90)
    base = values(scored(tmp_path, vectors, PICTURE))
    np.savez(tmp_path / "latents.npz", X=vectors[order], y=LABELS[order])
    np.save(tmp_path / "picture.npy", PICTURE[order])
    moved = values(score_embedding(DataSource(path=str(tmp_path / "latents.npz")), tmp_path / "picture.npy", (7,)))
    assert moved == {key: pytest.approx(value, abs=1e-9) for key, value in base.items()}


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (PICTURE[:80], ["80 rows for 90 latent vectors"]),
        (PICTURE[:, :1], ["shape (90, 1)", "2 or 3 columns"]),
        (np.where(np.arange(90)[:, None] == 4, np.inf, PICTURE), ["not finite", "row 4"]),
        (PICTURE.astype(str), ["2 or 3 columns of numbers"]),
    ],
)
def test_what_is_no_embedding_of_these_rows_is_refused(tmp_path: Path, picture: np.ndarray, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        scored(tmp_path, VECTORS, picture)
    for word in ["picture.npy", *words]:
        assert word in str(caught.value)


def test_an_index_or_an_id_is_no_third_coordinate(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", VECTORS)
    columns = pd.DataFrame(PICTURE, columns=["UMAP_1", "UMAP_2"])
    source = DataSource(path=str(tmp_path / "z.npy"))
    columns.to_csv(tmp_path / "plain.csv", index=False)
    columns.assign(id=range(90)).to_csv(tmp_path / "indexed.csv")
    plain, indexed = (values(score_embedding(source, tmp_path / name, (7,))) for name in ("plain.csv", "indexed.csv"))
    assert plain == indexed


def test_files_and_vectors_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", VECTORS)
    (tmp_path / "garbage.npy").write_bytes(b"no array")
    with pytest.raises(InputError, match=r"garbage\.npy"):
        score_embedding(DataSource(path=str(tmp_path / "z.npy")), tmp_path / "garbage.npy", (7,))
    with pytest.raises(InputError, match="length 0"):
        scored(tmp_path, np.where(np.arange(90)[:, None] == 3, 0, VECTORS), PICTURE, metric="cosine")


def test_a_k_beyond_half_of_the_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="below half of the 90 rows"):
        scored(tmp_path, VECTORS, PICTURE, k=45)


def test_a_collapsed_embedding_gets_a_reason_and_no_score(tmp_path: Path) -> None:
    found = scored(tmp_path, VECTORS, np.zeros((90, 2)))
    assert found.scores == []
    assert "fall together" in str(found.degenerate)


def test_the_command_reads_columns_named_x_and_y(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", VECTORS)
    np.save(tmp_path / "kind.npy", LABELS)
    pd.DataFrame(PICTURE, columns=["x", "y"]).assign(size=1.0).to_csv(tmp_path / "picture.csv", index=False)
    printed = run("score", "z.npy", "picture.csv", "-k", "7", "--labels", "kind.npy", "--json", cwd=tmp_path)
    assert printed.returncode == cli.EXIT_REPORT, printed.stderr
    found = {(row["score"], row["k"]): row for row in json.loads(printed.stdout)["scores"]}
    assert found["trustworthiness", 7]["value"] == pytest.approx(
        sklearn_trustworthiness(VECTORS, PICTURE, n_neighbors=7), abs=1e-6
    )
    assert found["neighbourhood_hit", 7]["stderr"] == 0
    assert "Trustworthiness" in run("score", "z.npy", "picture.csv", cwd=tmp_path).stdout

    np.save(tmp_path / "spot.npy", np.zeros((90, 2)))
    printed = run("score", "z.npy", "spot.npy", "--json", cwd=tmp_path)
    assert printed.returncode == cli.EXIT_NOTHING_USABLE
    assert json.loads(printed.stdout)["scores"] == []


def test_the_cards_are_printed_with_what_each_score_cannot_see() -> None:
    printed = run("scores")
    assert printed.returncode == 0
    for card in CARD_OF.values():
        assert card.title in printed.stdout
    assert printed.stdout.count("cannot see:") == len(CARD_OF)


def test_columns_with_another_role_are_no_dimension_of_what_is_scored(tmp_path: Path) -> None:
    table = pd.DataFrame(VECTORS, columns=[f"z{place}" for place in range(5)])
    table = table.assign(donor=np.arange(90.0) // 9, pixel=PICTURE[:, 0], site=LABELS)
    table.to_csv(tmp_path / "table.csv", index=False)
    np.save(tmp_path / "picture.npy", PICTURE)
    roles = ("--group", "donor", "--inputs", "pixel", "--labels", "site")
    printed = run("score", "table.csv", "picture.npy", *roles, cwd=tmp_path)
    assert printed.returncode == cli.EXIT_REPORT, printed.stderr
    assert "5 dimensions from the columns z0, z1 … z4; labels: site; group: donor; inputs: pixel" in printed.stdout
