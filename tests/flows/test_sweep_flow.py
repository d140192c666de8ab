"""The real flow on small data: end to end, resumed, widened, and with cells that misbehave."""

from __future__ import annotations

import json
import shutil
import uuid
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from steadymap.configs import schemas
from steadymap.configs.cards import CARD_OF
from steadymap.configs.errors import InputError
from steadymap.configs.sweep import SweepConfig
from steadymap.tasks.cells.compute_cells import CellOutcomes
from steadymap.tasks.store.files import file_digest
from tests import faults
from tests.conftest import three_blobs

pytestmark = pytest.mark.engine

TABLES = (*schemas.RUN_TABLES, "points")


def blob_config(path: Path, seeds: tuple[int, ...] = (0, 1), **changes: object) -> SweepConfig:
    return SweepConfig.model_validate(
        {
            "name": "three blobs",
            "data": {"path": str(path)},
            "reducers": [
                {"reducer": "tsne", "perplexity": [8, 60]},
                {"reducer": "umap", "n_neighbors": 10, "min_dist": 0.1},
                {"reducer": "pca"},
            ],
            "seeds": seeds,
            "scores": {"k": [5, 15]},
            "resamples": {"pairs": 0},
            "nulls": {"gaussian": 0, "copula": 0},
            **changes,
        }
    )


def digests(store: Path, run: str) -> dict[str, str]:
    return {name: file_digest(store / "runs" / run / f"{name}.parquet") for name in TABLES}


def cell_bytes(store: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (store / "cells").rglob("*.parquet")}


def test_a_sweep_end_to_end_then_resumed_then_widened(engine: None, blobs_file: Path, tmp_path: Path) -> None:
    from steadymap.flows.sweep import stability_sweep

    store = tmp_path / "store"
    first = stability_sweep(blob_config(blobs_file), str(store))
    # 2 seeds of t-SNE at perplexity 8 and of UMAP, and PCA; perplexity 60 needs more than 150 rows.
    assert (first.total, first.computed, first.cached, first.failed, first.skipped) == (7, 5, 0, 0, 2)
    folder = store / "runs" / first.run
    cells = pd.read_parquet(folder / "cells.parquet")
    assert cells["status"].value_counts().to_dict() == {"ok": 5, "skipped": 2}
    assert cells.loc[cells["status"] == "skipped", "reason"].str.contains("more than 180 rows").all()
    _assert_the_three_blobs_are_found(folder)
    assert Path(first.report).read_text(encoding="utf-8").startswith("<!doctype html>")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert {name.removesuffix(".parquet") for name in manifest["tables"]} == set(TABLES)
    assert manifest["lost_tests"] == []

    before = digests(store, first.run)
    again = stability_sweep(blob_config(blobs_file), str(store))
    assert (again.run, again.computed, again.cached) == (first.run, 0, 5)
    assert digests(store, first.run) == before

    known = cell_bytes(store)
    wider = stability_sweep(blob_config(blobs_file, seeds=(0, 1, 2)), str(store))
    assert (wider.computed, wider.cached) == (2, 5)
    assert wider.run != first.run
    assert {name: content for name, content in cell_bytes(store).items() if name in known} == known

    # Damage is found and mended: a cut cell is computed again, to the same bytes.
    victim = next((store / "cells").rglob("*.parquet"))
    victim.write_bytes(victim.read_bytes()[:-40])
    mended = stability_sweep(blob_config(blobs_file, seeds=(0, 1, 2)), str(store))
    assert mended.computed == 1
    assert {name: content for name, content in cell_bytes(store).items() if name in known} == known


def _assert_the_three_blobs_are_found(folder: Path) -> None:
    cells = pd.read_parquet(folder / "cells.parquet").set_index("cell")
    points = pd.read_parquet(folder / "points.parquet").set_index("row")
    embeddings = pd.read_parquet(folder / "embeddings.parquet")
    scores = pd.read_parquet(folder / "scores.parquet")
    drawn = cells[(cells["status"] == "ok") & (cells["reducer"] != "pca")]
    for score, values in scores.groupby("score"):
        assert values["value"].between(*CARD_OF[str(score)].range).all(), score
    # Three far blobs are easy: whatever looks at neighbours or classes says so.
    for score in ("trustworthiness", "neighbourhood_hit", "silhouette"):
        assert scores.query("score == @score and cell in @drawn.index")["value"].min() > 0.5, score
    assert (points[["island_instability_seeds", "neighbour_instability_seeds"]].max() < 1).all()
    compared = [name for name in schemas.INSTABILITY.names if not name.endswith("resamples")]
    assert points[compared].notna().all(axis=None)
    assert points[[name for name in schemas.INSTABILITY.names if name not in compared]].isna().all(axis=None)
    near = pd.read_parquet(folder / "neighbours.parquet")
    assert near.groupby("row")["rank"].agg(list).tolist() == [list(range(1, 11))] * 150
    assert (near["row"] != near["neighbour"]).all()
    by_row = points["label"]
    assert (by_row.loc[near["row"]].to_numpy() == by_row.loc[near["neighbour"]].to_numpy()).all()  # blobs lie far apart
    clusters = pd.read_parquet(folder / "clusters.parquet")
    assert (clusters["size"].tolist(), clusters["band"].unique().tolist()) == ([50, 50, 50], ["highly stable"])
    assert pd.crosstab(points["cluster"], points["label"]).gt(0).sum(axis=1).eq(1).all()
    assert (drawn["islands"] >= 3).all()
    for _, picture in embeddings[embeddings["cell"].isin(drawn.index)].groupby("cell", observed=True):
        labels = points.loc[picture["row"], "label"].to_numpy()
        # No island holds rows of two blobs.
        assert pd.crosstab(picture["island_filled"], labels).gt(0).sum(axis=1).eq(1).all()
    assert pd.read_parquet(folder / "stability.parquet").query("score == 'ari'")["value"].between(-0.5, 1).all()


def _assert_the_first_halves_are_shown(folder: Path, cells: pd.DataFrame) -> None:
    halves = pd.read_parquet(folder / "half_pictures.parquet").astype({"cell": str})
    shown = cells[cells["cell"].isin(set(halves["cell"]))]
    assert shown.groupby("configuration")["resample"].agg(list).tolist() == [["half 0a", "half 0b"]] * 2
    whole = pd.read_parquet(folder / "embeddings.parquet").astype({"cell": str})
    for name, pair in shown.groupby("configuration"):
        parts = [halves[halves["cell"] == cell] for cell in pair["cell"]]
        assert sorted(row for part in parts for row in part["row"]) == list(range(150))
        first = cells.loc[(cells["configuration"] == name) & (cells["kind"] == "data"), "cell"].iloc[0]
        places = whole[whole["cell"] == first].set_index("row")[["x", "y"]]
        for part in parts:
            own, of_all = part[["x", "y"]].to_numpy(), places.loc[part["row"]].to_numpy()
            assert (own**2).sum() == pytest.approx(75, rel=1e-4)  # unit root-mean-square radius, as every picture
            assert (own * of_all).sum() > 0.5 * np.sqrt((own**2).sum() * (of_all**2).sum())


def test_parts_of_the_rows_and_reference_data_are_drawn_beside_the_data(
    engine: None, blobs_file: Path, tmp_path: Path
) -> None:
    from steadymap.flows.sweep import stability_sweep

    store = tmp_path / "store"
    axes = {"resamples": {"pairs": 2, "bootstraps": 1, "configurations": 2}, "nulls": {"seeds": [0, 1]}}
    outcome = stability_sweep(blob_config(blobs_file, **axes), str(store))
    # 2 settings on 2 × 2 halves and a bootstrap, and with 2 seeds on 2 kinds of reference data.
    assert (outcome.computed, outcome.failed, outcome.skipped) == (5 + 2 * 5 + 2 * 2 * 2, 0, 2)
    folder = store / "runs" / outcome.run
    cells = pd.read_parquet(folder / "cells.parquet")
    assert cells["kind"].value_counts().to_dict() == {"data": 7, "resample": 10, "null": 8}
    assert cells.loc[cells["resample"].str.startswith("half", na=False), "rows"].eq(75).all()
    _assert_the_first_halves_are_shown(folder, cells)
    # Pictures of parts of the rows are drawn for their islands, and not scored.
    assert len(list((store / "scores").rglob("*.parquet"))) == 5 + 8
    clusters = pd.read_parquet(folder / "clusters.parquet")
    assert (clusters["recurrence_resamples"] > 0.9).all()
    stability = pd.read_parquet(folder / "stability.parquet")
    assert (stability.query("between == 'resamples' and score == 'ari'")["value"] > 0.9).all()
    pairs = pd.read_parquet(folder / "pairs.parquet").query("between == 'resamples'")
    assert (pairs["cell_a"] != pairs["cell_b"]).all()
    moved = pairs[pairs["score"] == "procrustes"]
    # Two pictures of other rows differ in shape; halves of different pairs share half of their rows.
    assert (moved["value"] > 1e-6).all()
    assert moved["shared"].between(0.3, 0.9).all()
    points = pd.read_parquet(folder / "points.parquet")
    assert points["island_instability_resamples"].dropna().between(0, 1).all()
    assert set(stability.query("score == 'ness'")["between"]) == {"seeds", "configurations", "resamples"}
    for name in ("embedr_p", "reliability", "dubious_share", "distance_variance_resamples"):
        assert points[name].notna().mean() > 0.9, name
    assert points["embedr_p"].between(0, 1).all()
    scores = pd.read_parquet(folder / "scores.parquet").merge(cells[["cell", "reducer"]], on="cell")
    assert set(scores.loc[scores["score"] == "kl_divergence", "reducer"]) == {"tsne"}
    assert set(scores.loc[scores["score"] == "cross_entropy", "reducer"]) == {"umap"}
    nulls = pd.read_parquet(folder / "nulls.parquet")
    assert set(nulls["null"]) == {"gaussian", "copula"}
    assert {"trustworthiness", "islands", "ari"} <= set(nulls["score"])
    islands = nulls[nulls["score"] == "islands"].set_index("cell")["value"]
    assert islands.to_dict() == cells[cells["kind"] == "null"].set_index("cell")["islands"].to_dict()

    before = digests(store, outcome.run)
    more = stability_sweep(blob_config(blobs_file, seeds=(0, 1, 2), **axes), str(store))
    # One more seed draws the data once more with each setting; the other axes have seeds of their own.
    assert more.computed == 2
    shutil.rmtree(store / "cells")
    again = stability_sweep(blob_config(blobs_file, **axes), str(store))
    assert again.computed == outcome.computed
    assert digests(store, outcome.run) == before


def test_one_worker_many_workers_and_another_row_order_give_the_same_bytes(
    engine: None, blobs_file: Path, tmp_path: Path
) -> None:
    from steadymap.flows.sweep import stability_sweep

    axes = {"resamples": {"pairs": 1, "configurations": 1}, "nulls": {"copula": 0, "configurations": 1}}
    one = stability_sweep(blob_config(blobs_file, workers={"count": 1}, **axes), str(tmp_path / "one"))
    with np.load(blobs_file) as arrays:
        order = np.random.default_rng(0).permutation(len(arrays["X"]))
        np.savez(tmp_path / "shuffled.npz", X=arrays["X"][order], y=arrays["y"][order])
    many = {"workers": {"count": 3}, **axes}
    shuffled = stability_sweep(blob_config(tmp_path / "shuffled.npz", **many), str(tmp_path / "many"))
    assert (shuffled.computed, shuffled.cached) == (8, 0)
    assert cell_bytes(tmp_path / "one") == cell_bytes(tmp_path / "many")
    back = stability_sweep(blob_config(blobs_file, **many), str(tmp_path / "many"))
    assert (back.computed, back.cached) == (0, 8)
    assert one.run == back.run
    assert digests(tmp_path / "one", one.run) == digests(tmp_path / "many", back.run)


def test_a_segfault_a_hang_and_a_memory_hog_cost_their_own_cells_only(
    engine: None, blobs_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from steadymap.flows.sweep import stability_sweep

    undisturbed = tmp_path / "undisturbed"
    stability_sweep(blob_config(blobs_file, seeds=(0, 1)), str(undisturbed))
    monkeypatch.setattr("steadymap.tasks.steps.compute_graph.compute_cells", faults.sabotaged_compute_cells)
    seeds = (0, 1, faults.SEGFAULT_SEED, faults.HANG_SEED, faults.MEMORY_SEED, faults.EXIT_SEED, faults.RAISE_SEED)
    config = blob_config(blobs_file, seeds, workers={"timeout_seconds": 10, "memory_gb": 1.5, "count": 2})
    store = tmp_path / "store"
    outcome = stability_sweep(config, str(store))
    assert (outcome.computed, outcome.failed) == (5, 10)
    cells = pd.read_parquet(store / "runs" / outcome.run / "cells.parquet")
    lost = cells[~cells["status"].isin(["ok", "skipped"])]
    by_seed = lost.groupby("seed")[["status", "reason"]].first().to_dict("index")
    assert by_seed[faults.SEGFAULT_SEED] == {"status": "crashed", "reason": "the worker was killed by SIGSEGV"}
    assert by_seed[faults.HANG_SEED] == {"status": "timeout", "reason": "still running after 10 s"}
    assert by_seed[faults.MEMORY_SEED]["status"] == "out_of_memory"
    assert by_seed[faults.EXIT_SEED] == {"status": "crashed", "reason": "the worker ended with exit code 7"}
    assert by_seed[faults.RAISE_SEED] == {"status": "failed", "reason": "ArithmeticError: the layout diverged"}
    assert cell_bytes(store) == cell_bytes(undisturbed)
    report = Path(outcome.report).read_text(encoding="utf-8")
    assert "SIGSEGV" in report

    monkeypatch.undo()
    mended = stability_sweep(config, str(store))
    assert (mended.computed, mended.cached, mended.failed) == (10, 5, 0)


def test_a_lost_test_is_told_and_made_up_for_the_next_time(
    engine: None, blobs_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from steadymap.flows.sweep import stability_sweep

    config = blob_config(blobs_file, resamples={"pairs": 1, "configurations": 1})
    monkeypatch.setattr("steadymap.tasks.steps.run_split_tests.run_split_job", faults.lost_on_one_half)
    monkeypatch.setattr("steadymap.tasks.verdicts.border_depths.run_border_job", faults.lost_on_one_half)
    monkeypatch.setattr("steadymap.tasks.steps.run_label_tests.run_label_job", faults.lost_on_one_half)
    store = tmp_path / "store"
    outcome = stability_sweep(config, str(store))
    manifest = json.loads((store / "runs" / outcome.run / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["lost_tests"] == [
        "valleys, half 0a: crashed: the worker ended with exit code 7",
        "surroundings, half 0a: crashed: the worker ended with exit code 7",
        "labels, half 0a: crashed: the worker ended with exit code 7",
    ]
    assert "the worker ended with exit code 7" in Path(outcome.report).read_text(encoding="utf-8")
    monkeypatch.undo()
    again = stability_sweep(config, str(store))
    assert (again.run, again.computed) == (outcome.run, 0)
    mended = json.loads((store / "runs" / outcome.run / "manifest.json").read_text(encoding="utf-8"))
    assert mended["lost_tests"] == []
    # Either half, for clusters, what is around them, and labels. Clusters that the first time found count apart.
    assert len(list((store / "splits").iterdir())) >= 6


def test_a_score_a_pair_and_a_measure_that_are_lost_cost_themselves(
    engine: None, blobs_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from steadymap.flows.sweep import stability_sweep

    seeds = (0, 1, faults.EXIT_SEED)
    whole = stability_sweep(blob_config(blobs_file, seeds), str(tmp_path / "whole"))
    kept = tmp_path / "whole" / "runs" / whole.run
    monkeypatch.setattr("steadymap.tasks.steps.score_cells.score_batch", faults.lost_with_one_seed)
    monkeypatch.setattr("steadymap.tasks.steps.measure_stability.compare_batch", faults.lost_with_one_pair)
    monkeypatch.setattr("steadymap.tasks.steps.score_rows.measure_rows", faults.lost_with_one_measure)
    monkeypatch.setattr("steadymap.tasks.steps.compute_graph.compute_cells", faults.drawn_without_trees)
    monkeypatch.setattr("steadymap.tasks.cells.branch_files.branches_of_batch", faults.lost_with_one_tree)
    store = tmp_path / "store"
    outcome = stability_sweep(blob_config(blobs_file, seeds), str(store))
    assert (outcome.computed, outcome.failed) == (whole.computed, 0)
    folder = store / "runs" / outcome.run
    told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["lost_tests"]
    ended = "crashed: the worker ended with exit code 7"
    seed = faults.EXIT_SEED
    cells = pd.read_parquet(folder / "cells.parquet")
    names = cells[(cells["seed"] == seed) & (cells["status"] == "ok")]["configuration"]
    assert sorted(one for one in told if one.startswith("scores")) == sorted(
        f"scores, {name}, seed {seed}: {ended}" for name in names
    )
    assert {one for one in told if one.startswith("density tree")} == {
        f"density tree, {name}, seed {seed}: {ended}" for name in names
    }
    assert "row scores, EMBEDR: crashed: the worker was killed by SIGSEGV" in told
    assert sum(one.startswith("stability, ") and one.endswith(ended) for one in told) >= 1
    # All others are what they are without a loss.
    for name, lost in (("scores", cells[cells["seed"] == seed]["cell"]), ("pairs", ())):
        here, there = (pd.read_parquet(one / f"{name}.parquet") for one in (folder, kept))
        key = [one for one in here.columns if one not in ("value", "stderr", "shared")]
        both = here.merge(there, on=key, how="outer", indicator=True)
        assert set(both["_merge"]) == {"both", "right_only"}
        same = both[both["_merge"] == "both"]
        assert same["value_x"].equals(same["value_y"])
        if name == "scores":
            assert set(both[both["_merge"] == "right_only"]["cell"]) == set(lost) & set(there["cell"])
    assert ended in Path(outcome.report).read_text(encoding="utf-8")
    monkeypatch.undo()
    mended = stability_sweep(blob_config(blobs_file, seeds), str(store))
    assert (mended.run, mended.computed) == (outcome.run, 0)
    assert digests(store, mended.run) == digests(tmp_path / "whole", whole.run)


def test_pictures_of_halves_alone_are_not_usable(
    engine: None, blobs_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from steadymap.flows.sweep import stability_sweep

    monkeypatch.setattr("steadymap.tasks.steps.compute_graph.compute_cells", faults.only_parts)
    config = blob_config(blobs_file, resamples={"pairs": 1, "configurations": 1})
    outcome = stability_sweep(config, str(tmp_path / "store"))
    assert (outcome.computed, outcome.failed) == (2, 5)
    assert not outcome.usable
    assert outcome.clusters == {"REAL": 0, "HIDDEN": 0, "ARTEFACT": 0, "UNCERTAIN": 0}


def test_one_group_cannot_be_split_which_is_said_or_refused(tmp_path: Path) -> None:
    from steadymap.tasks.input.dataset import import_dataset
    from steadymap.tasks.plan.lay_out import lay_out
    from steadymap.tasks.store.layout import Store

    vectors, _ = three_blobs()
    np.savez(tmp_path / "one.npz", z=vectors, group=np.full(150, "all"))
    config = blob_config(tmp_path / "one.npz", resamples={}, data={"path": str(tmp_path / "one.npz"), "group": "group"})
    store = Store(tmp_path / "store")
    dataset = import_dataset(config.data, store)
    plan = lay_out(config, dataset, store)
    assert {cell.kind for cell in plan.cells} == {"data"}
    assert any("one group holds every row" in warning for warning in plan.warnings)
    asked = blob_config(tmp_path / "one.npz", resamples={"pairs": 2}, data=config.data.model_dump())
    with pytest.raises(InputError, match="one group holds every row"):
        lay_out(asked, dataset, store)


def test_bad_data_fails_the_flow_with_its_own_error(engine: None, tmp_path: Path) -> None:
    from steadymap.flows.sweep import stability_sweep

    np.save(tmp_path / "z.npy", np.full((50, 3), np.nan))
    with pytest.raises(InputError, match="not finite"):
        stability_sweep(blob_config(tmp_path / "z.npy"), str(tmp_path / "store"))


def test_the_store_needs_nothing_but_its_tables(engine: None, blobs_file: Path, tmp_path: Path) -> None:
    """A run whose store has lost all cells can still be reported."""
    from steadymap.flows.sweep import stability_sweep
    from steadymap.reports.build import build_report

    outcome = stability_sweep(blob_config(blobs_file), str(tmp_path / "store"))
    shutil.rmtree(tmp_path / "store" / "cells")
    Path(outcome.report).unlink()
    assert build_report(tmp_path / "store" / "runs" / outcome.run).is_file()


def test_other_scores_of_cached_cells_need_no_geometry_in_the_store(
    engine: None, blobs_file: Path, tmp_path: Path
) -> None:
    from steadymap.flows.sweep import stability_sweep

    store = tmp_path / "store"
    first = stability_sweep(blob_config(blobs_file), str(store))
    before = file_digest(store / "runs" / first.run / "latent_space.parquet")
    shutil.rmtree(store / "geometry")
    shutil.rmtree(store / "scores")
    (store / "runs" / first.run / "manifest.json").unlink()
    again = stability_sweep(blob_config(blobs_file), str(store))
    assert (again.computed, again.cached) == (0, 5)
    assert file_digest(store / "runs" / first.run / "latent_space.parquet") == before
    assert not list((store / "cells").rglob(".writing-*"))


def test_settings_in_the_queue_are_not_begun_once_a_sweep_is_interrupted() -> None:
    from prefect.futures import PrefectConcurrentFuture

    from steadymap.flows.drawing.draw_cells import dropped_if_interrupted

    begun, waiting = (PrefectConcurrentFuture[CellOutcomes](uuid.uuid4(), Future()) for _ in range(2))
    begun.wrapped_future.set_running_or_notify_cancel()
    with pytest.raises(KeyboardInterrupt), dropped_if_interrupted([begun, waiting]):
        raise KeyboardInterrupt
    assert waiting.wrapped_future.cancelled()
    assert begun.wrapped_future.running()
