"""Configs: every fault is named with file, line, value, rule and remedy; grids are laid out as asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from steadymap.configs.document import read_config, read_settings, write_config
from steadymap.configs.errors import InputError
from steadymap.configs.grid import Grid, expand
from steadymap.configs.selftest import SelftestConfig
from steadymap.configs.sweep import SweepConfig
from steadymap.tasks.selftest.known_sets import known_sets

PROJECT = Path(__file__).parents[2]

GOOD = """\
name: test
data:
  path: z.npy
reducers:
  - reducer: tsne
    perplexity: [5, 30]
  - reducer: umap
    n_neighbors: 15
    min_dist: [0.0, 0.1]
seeds: [0, 1]
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sweep.yaml"
    path.write_text(text, encoding="utf-8")
    return path


OF_OTHER_FLOWS = {"selftest.yaml", "nightly.yaml"}
SHIPPED = sorted(path for path in (PROJECT / "configs").glob("*.yaml") if path.name not in OF_OTHER_FLOWS)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_config_is_valid(path: Path) -> None:
    config = read_config(path)
    assert expand(config, 1797).configurations


def test_the_selftest_is_valid_and_its_faults_are_named_by_line(tmp_path: Path) -> None:
    config = read_settings(PROJECT / "configs" / "selftest.yaml", SelftestConfig)
    free = [known for part in config.parts for known in known_sets(config, part) if not known.real]
    assert sum(known.rows == 2000 for known in free) >= 200
    faulty = "sweep: {reducers: [{reducer: pca}]}\nparts:\n  - {name: few, sets: 0}\n"
    with pytest.raises(InputError, match="line 3"):
        read_settings(written(tmp_path, faulty), SelftestConfig)


def test_a_config_survives_being_written(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, GOOD))
    again = read_config(written(tmp_path, write_config(config)))
    assert again == config


def test_a_relative_path_starts_at_the_config(tmp_path: Path) -> None:
    assert read_config(written(tmp_path, GOOD)).data.path == str(tmp_path / "z.npy")


def test_files_of_roles_start_at_the_config_and_names_stay(tmp_path: Path) -> None:
    roles = "  path: z.npy\n  labels: [y, y.npy]\n  group: meta.csv#session\n  inputs: x.npz\n"
    data = read_config(written(tmp_path, GOOD.replace("  path: z.npy\n", roles))).data
    assert data.labels == ("y", str(tmp_path / "y.npy"))
    assert data.group == f"{tmp_path / 'meta.csv'}#session"
    assert data.inputs == (str(tmp_path / "x.npz"),)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("perplexity: [5, 30]", "perplexity: [5, -3]", 6, ["perplexity[1] = -3", "greater than or equal to 1"]),
        ("perplexity: [5, 30]", "perplexitty: [5, 30]", 6, ["no such key", "did you mean `perplexity`"]),
        ("min_dist: [0.0, 0.1]", "min_dist: [0.1, 0.1]", 9, ["given more than once", "0.1"]),
        ("seeds: [0, 1]", "seeds: [0, x]", 10, ["seeds[1] = 'x'", "integer"]),
        ("seeds: [0, 1]", "seeds: []", 10, ["at least 1"]),
        ("reducer: umap", "reducer: trimap", 7, ["tsne, umap, pca"]),
        ("name: test", "nam: test", 1, ["`name` is required"]),
        ("  path: z.npy", "  path: z.npy\n  example: digits", 2, ["exactly one of `path`"]),
        ("n_neighbors: 15", "n_neighbors: 15\n    n_neighbors: 5", 9, ["second time", "first on line 8"]),
        ("seeds: [0, 1]", "seeds: [0, 1]\nworkers: {address: 'tcp://a:1'}", 11, ["set runner: dask"]),
        ("name: test", "name: [", 3, ["not valid YAML"]),
        ("name: test", "name: &a test\nx: *a", 2, ["alias", "write the value out"]),
        ("name: test", "name: !!python/object/apply:os.system [ls]", 1, ["not valid YAML"]),
        ("reducer: tsne", "reducer: tsne\n    engine: sklearn\n    exaggeration: 4", 5, ["no late exaggeration"]),
        ("reducer: tsne", "reducer: tsne\n    engine: steadymap\n    method: fft", 5, ["fft is openTSNE's"]),
        ("reducer: tsne", "reducer: tsne\n    engine: openTSNE\n    method: grid", 5, ["openTSNE has no grid"]),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, old: str, new: str, line: int, words: list[str]) -> None:
    assert old in GOOD
    with pytest.raises(InputError) as caught:
        read_config(written(tmp_path, GOOD.replace(old, new)))
    message = str(caught.value)
    assert "sweep.yaml" in message
    assert f"line {line}" in message
    for word in words:
        assert word in message


def test_several_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2 problems"):
        read_config(written(tmp_path, GOOD.replace("5, 30", "0").replace("seeds: [0, 1]", "seeds: [-1]")))


@pytest.mark.parametrize("content", [b"", b"- a\n- b\n", b"name: \xff\xfe", b"{" * 3000, b"a: 2026-13-45"])
def test_files_that_are_no_config(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"sweep\.yaml"):
        read_config(path)


def test_a_missing_config(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_config(tmp_path / "none.yaml")


def test_the_grid_is_the_product_of_its_axes() -> None:
    config = read_config(PROJECT / "configs" / "digits.yaml")
    grid = expand(config, 1797)
    names = [configuration.name for configuration in grid.configurations]
    assert len(names) == len(set(names)) == 13
    assert "umap n_neighbors=15 min_dist=0.1" in names
    cells = sum(len(grid.seeds) if configuration.seeded else 1 for configuration in grid.configurations)
    assert cells == 37


def test_the_default_grid_is_clamped_to_few_rows_with_a_warning() -> None:
    config = SweepConfig.model_validate({"name": "few", "data": {"path": "z.npy"}})
    grid = expand(config, 30)
    assert not any(configuration.unusable for configuration in grid.configurations)
    assert {c.parameter("perplexity") for c in grid.configurations if c.reducer == "tsne"} == {5.0, 9.0}
    assert any("perplexity" in warning for warning in grid.warnings)
    assert expand(config, 1797).warnings == ()
    assert {c.parameter("perplexity") for c in expand(config, 15_000).configurations if c.reducer == "tsne"} == {
        5.0,
        30.0,
        150.0,
    }


def test_a_setting_the_data_cannot_carry_is_kept_with_its_reason() -> None:
    data = {"path": "z.npy"}
    config = SweepConfig.model_validate(
        {
            "name": "few",
            "data": data,
            "reducers": [{"reducer": "tsne", "perplexity": [5, 30]}, {"reducer": "umap", "n_neighbors": 80}],
        }
    )
    reasons = {c.name: c.unusable for c in expand(config, 60).configurations}
    assert reasons["tsne perplexity=5"] is None
    assert "90 rows" in str(reasons["tsne perplexity=30"])
    assert "n_neighbors 80" in str(reasons["umap n_neighbors=80 min_dist=0.1"])


def test_what_departs_from_the_usual_is_in_the_name() -> None:
    config = SweepConfig.model_validate(
        {
            "name": "names",
            "data": {"path": "z.npy"},
            "reducers": [
                {"reducer": "tsne", "perplexity": 30, "exaggeration": [1, 4], "metric": ["euclidean", "cosine"]},
                {"reducer": "pca", "dimension": [2, 3]},
            ],
            "islands": {"min_cluster_size": [10, 40]},
        }
    )
    names = {c.name for c in expand(config, 1000).configurations}
    assert "tsne perplexity=30 exaggeration=4 metric=cosine min_cluster_size=40" in names
    assert "pca dimension=3 min_cluster_size=10" in names
    assert len(names) == 2 * 2 * 2 + 2 * 2


def methods(rows: int, **keys: object) -> set[tuple[str, str]]:
    grid = [{"reducer": "tsne", **keys}, {"reducer": "umap"}]
    config = SweepConfig.model_validate({"name": "m", "data": {"path": "z.npy"}, "reducers": grid})
    return {(c.engine, c.method) for c in expand(config, rows).configurations if c.reducer == "tsne"}


def test_the_grid_takes_over_where_it_is_cheaper() -> None:
    assert methods(2_499) == methods(2_499, dimension=3) == {("steadymap", "exact")}
    assert methods(2_500) == methods(2_500, dimension=3) == {("steadymap", "grid")}
    assert methods(9_999, engine="openTSNE") == {("openTSNE", "exact")}
    assert methods(10_000, engine="openTSNE") == {("openTSNE", "fft")}
    assert methods(10_000, engine="openTSNE", dimension=3) == {("openTSNE", "barnes-hut")}


def test_a_method_that_one_engine_alone_has_implies_it() -> None:
    assert methods(500, method="barnes-hut") == {("openTSNE", "barnes-hut")}
    assert methods(500, method="fft") == {("openTSNE", "fft")}
    assert methods(500, method="grid") == {("steadymap", "grid")}


def test_engines_that_depart_from_the_usual_are_in_the_name() -> None:
    config = SweepConfig.model_validate(
        {
            "name": "engines",
            "data": {"path": "z.npy"},
            "reducers": [
                {"reducer": "umap"},
                {"reducer": "umap", "engine": "umap-learn"},
                {"reducer": "tsne", "engine": "openTSNE"},
            ],
        }
    )
    assert [c.name for c in expand(config, 1000).configurations] == [
        "umap n_neighbors=15 min_dist=0.1",
        "umap n_neighbors=15 min_dist=0.1 engine=umap-learn",
        "tsne perplexity=30 engine=openTSNE",
    ]


def test_settings_are_drawn_again_only_on_what_there_is() -> None:
    def grid(**changes: object) -> Grid:
        config = SweepConfig.model_validate({"name": "x", "data": {"path": "z.npy"}, **changes})
        return expand(config, 1000)

    assert (len(grid().resampled), len(grid().on_nulls)) == (6, 2)
    assert grid(resamples={"pairs": 0}).resampled == ()
    assert len(grid(resamples={"pairs": 0, "bootstraps": 3}).resampled) == 6
    assert grid(nulls={"gaussian": 0, "copula": 0}).on_nulls == ()
    fast = grid(fast=True, resamples={"bootstraps": 3})
    assert (fast.pairs, len(fast.resampled), fast.on_nulls) == (1, 2, ())


def test_settings_are_spread_over_reducers_and_over_each_grid() -> None:
    config = SweepConfig.model_validate({"name": "x", "data": {"path": "z.npy"}})
    assert expand(config, 1000).resampled == (
        "tsne perplexity=5",
        "tsne perplexity=30",
        "tsne perplexity=50",
        "umap n_neighbors=5 min_dist=0",
        "umap n_neighbors=15 min_dist=0.1",
        "umap n_neighbors=50 min_dist=0.5",
    )


@pytest.mark.parametrize(
    "data",
    [
        "path: s3://key:canary@team/z.npy",
        "path: https://host/z.npy?token=canary",
        "path: z.npy\n  labels: s3://canary@team/y.npy",
    ],
)
def test_a_url_with_a_secret_is_refused_and_not_repeated(tmp_path: Path, data: str) -> None:
    with pytest.raises(InputError, match="none may carry a secret") as refused:
        read_config(written(tmp_path, f"name: test\ndata:\n  {data}\n"))
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "a: " + "{b: " * 60 + "1" + "}" * 60, "\n".join(" " * d + "a:" for d in range(60))]
)
def test_brackets_without_end_are_refused_before_they_take_time(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="more than 50 levels"):
        read_config(written(tmp_path, text))
