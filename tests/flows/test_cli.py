"""The command line as a person or a script meets it: what it prints where, and how it exits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steadymap.configs.sweep import DataSource, Workers
from steadymap.flows.cli import app as cli
from steadymap.tasks.input.dataset import Dataset, import_dataset
from steadymap.tasks.store.layout import Store
from tests import faults
from tests.conftest import three_blobs
from tests.processes import beside, living, wait_until


def run(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "steadymap"), *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str, str]:
    """Run a command in this process, on the embedded server that the tests share."""
    monkeypatch.setattr(sys, "argv", ["steadymap", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, printed.out, printed.err


@pytest.fixture
def small_config(tmp_path: Path, blobs_file: Path) -> Path:
    path = tmp_path / "sweep.yaml"
    path.write_text(
        f"name: small\ndata: {{path: {blobs_file.name}}}\nseeds: [0, 1]\nscores: {{k: [5]}}\n"
        "reducers:\n  - {reducer: tsne, perplexity: [8, 60]}\n  - {reducer: pca}\n"
        "resamples: {pairs: 0}\nnulls: {gaussian: 0, copula: 0}\n",
        encoding="utf-8",
    )
    return path


def server_of(command: int) -> int:
    """Return the process of a command's embedded server, which has a session of its own."""
    (found,) = [one for one in psutil.Process(command).children() if "uvicorn" in one.cmdline()]
    assert os.getpgid(found.pid) != command
    return found.pid


@pytest.mark.parametrize(
    ("number", "code", "said"), [(signal.SIGINT, cli.EXIT_INTERRUPTED, "interrupted"), (signal.SIGTERM, 143, "SIGTERM")]
)
def test_a_sweep_that_is_asked_to_end_ends_at_once_and_keeps_its_pictures(
    tmp_path: Path, number: signal.Signals, code: int, said: str
) -> None:
    config, store = Path(__file__).parents[2] / "configs" / "digits.yaml", tmp_path / "store"
    # Whatever runs the tests may have Ctrl-C ignored, as a shell has for what runs in the background.
    hears = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from steadymap.flows.cli.app import main; main()"
    )
    words = ("-c", hears, "sweep", str(config), "--store", str(store))
    with beside(*words, environment={**os.environ}, folder=tmp_path, log="log") as process:
        wait_until(lambda: len(list(store.glob("cells/*/*.parquet"))) >= 3, "a sweep", process)
        server = server_of(process.pid)
        os.killpg(process.pid, number)  # as a terminal or a service manager does: to all processes of the command
        assert process.wait(timeout=60) == code
        wait_until(lambda: not living(process.pid), "their end", None)
        wait_until(lambda: not psutil.pid_exists(server), "the end of its server", None)
    told = (tmp_path / "log").read_text(encoding="utf-8")
    assert f"{said}; finished cells are kept" in told
    assert "Traceback" not in told
    assert 3 <= len(list(store.glob("cells/*/*.parquet"))) < 101
    assert not list((store / "runs").glob("*/manifest.json"))


@pytest.mark.engine
def test_a_sweep_a_repetition_the_list_and_the_report(
    engine: None,
    small_config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = str(tmp_path / "store")
    read: list[str] = []
    for place in ("plan.prepared", "steps.read_dataset"):

        def counted(source: DataSource, store: Store, workers: Workers, place: str = place) -> Dataset:
            read.append(place)
            return import_dataset(source, store, workers)

        monkeypatch.setattr(f"steadymap.tasks.{place}.import_dataset", counted)
    code, out, err = call(capsys, monkeypatch, "sweep", str(small_config), "--store", store, "--json")
    assert read == ["plan.prepared"]  # once, before the server starts
    first = json.loads(out)
    assert code == cli.EXIT_REPORT
    assert first["cells"] == {"total": 5, "computed": 3, "cached": 0, "failed": 0, "skipped": 2, "left": 0}
    assert Path(first["report"]).is_file()
    assert "150 rows × 6 dimensions" in err  # progress goes elsewhere than the object

    code, out, _ = call(capsys, monkeypatch, "sweep", str(small_config), "--store", store, "--verbose")
    assert code == cli.EXIT_REPORT
    assert "0 cells computed, 3 cached, 0 failed, 2 skipped" in out
    assert "skipped: t-SNE" in out
    assert Path(first["report"]).name in out

    code, out, _ = call(capsys, monkeypatch, "runs", "--store", store, "--json")
    assert [row["run"] for row in json.loads(out)] == [first["run"]]

    cell = next(Path(store).glob("cells/*/*.parquet")).stem
    code, out, _ = call(capsys, monkeypatch, "show", cell[:12], "--store", store, "--json")
    shown = json.loads(out)
    assert (code, shown["cell"], shown["threads"]) == (cli.EXIT_REPORT, cell, 1)
    assert shown["versions"]["numpy"] == np.__version__
    code, _, err = call(capsys, monkeypatch, "show", "nothing", "--store", store)
    assert (code, "no cell begins with 'nothing'" in err) == (cli.EXIT_BAD_INPUT, True)

    Path(first["report"]).unlink()
    code, out, _ = call(capsys, monkeypatch, "report", first["run"], "--store", store)
    assert out.strip() == first["report"]
    assert Path(first["report"]).is_file()

    # The config in the run folder repeats the run from there: the same run, nothing computed.
    monkeypatch.chdir(Path(first["report"]).parent)
    code, out, _ = call(capsys, monkeypatch, "sweep", "config.yaml", "--store", "../..", "--json")
    again = json.loads(out)
    assert (again["run"], again["cells"]["computed"], again["cells"]["cached"]) == (first["run"], 0, 3)


@pytest.mark.engine
def test_a_sweep_of_which_nothing_is_left_says_so(
    engine: None,
    small_config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("steadymap.tasks.steps.compute_graph.compute_cells", faults.failing_compute_cells)
    code, out, _ = call(capsys, monkeypatch, "sweep", str(small_config), "--store", str(tmp_path / "store"), "--json")
    assert code == cli.EXIT_NOTHING_USABLE
    assert json.loads(out)["cells"]["failed"] == 3
    assert Path(json.loads(out)["report"]).is_file()


def test_check_prints_the_grid_and_a_forecast_and_computes_nothing(small_config: Path, tmp_path: Path) -> None:
    printed = run("check", str(small_config), "--json", cwd=tmp_path)
    assert printed.returncode == 0, printed.stderr
    checked = json.loads(printed.stdout)
    assert (checked["rows"], checked["dimensions"], checked["cells"]) == (150, 6, 3)
    assert "needs more than 180 rows" in checked["skipped"]["tsne perplexity=60"]
    assert checked["forecast"]["seconds"] > 0
    assert not (tmp_path / "results").exists()
    words = run("check", str(small_config), cwd=tmp_path).stdout
    assert "3 cells on" in words


def test_a_data_file_gets_the_default_grid_and_its_labels(tmp_path: Path) -> None:
    vectors, labels = three_blobs(rows=60)
    np.save(tmp_path / "z.npy", vectors)
    np.save(tmp_path / "kind.npy", labels)
    printed = run("check", "z.npy", "--labels", "kind.npy", "--json", cwd=tmp_path)
    checked = json.loads(printed.stdout)
    # Two settings on both halves of five pairs, and on one Gaussian and one copula cloud.
    axes = {name: axis["cells"] for name, axis in checked["axes"].items()}
    assert axes == {"pictures": 3 * (2 + 2) + 1, "resamples": 2 * 5 * 2, "nulls": 2 * 2}
    assert checked["cells"] == sum(axes.values())
    fast = json.loads(run("check", "z.npy", "--fast", "--json", cwd=tmp_path).stdout)
    assert {name: axis["cells"] for name, axis in fast["axes"].items()} == {**axes, "resamples": 2 * 2, "nulls": 0}
    assert "parts of the rows (resamples): 20 cells" in run("check", "z.npy", cwd=tmp_path).stdout
    assert run("check", "z.npy", "--labels", "species", cwd=tmp_path).returncode == cli.EXIT_BAD_INPUT


def test_a_sample_is_checked_as_it_would_be_swept(tmp_path: Path) -> None:
    np.savez(tmp_path / "z.npz", X=three_blobs(rows=900)[0], y=np.where(np.arange(900) < 12, "rare", "often"))
    checked = json.loads(run("check", "z.npz", "--sample", "300", "--json", cwd=tmp_path).stdout)
    assert checked["rows"] == 300
    told = "a sample, 300 of 900 rows, chosen by their numbers, with 100 rows of each value of y, or all it has"
    assert told in " ".join(run("check", "z.npz", "--sample", "300", cwd=tmp_path).stdout.split())
    refused = run("check", "z.npz", "--sample", "30", cwd=tmp_path)
    assert refused.returncode == cli.EXIT_BAD_INPUT
    assert "sample" in refused.stderr
    assert "100" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_check_says_in_three_lines_what_it_took(tmp_path: Path) -> None:
    columns = {"id": [f"doc-{row}" for row in range(60)], "text": ["a b c"] * 60, "n_tokens": [3, 8, 5] * 20}
    pq.write_table(pa.table({**columns, "embedding": three_blobs(rows=60)[0].tolist()}), tmp_path / "emb.parquet")
    lines = run("check", "emb.parquet", cwd=tmp_path).stdout.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("emb.parquet: "))
    end = next(place for place, line in enumerate(lines) if line.startswith("pictures of all rows"))
    assert end - start <= 3
    told = " ".join(line.strip() for line in lines[start:end])
    assert "dimensions from the list column embedding; left out: text, n_tokens (one integer); ids: id" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("sweep", "none.yaml"), ["none.yaml", "no such file"]),
        (("sweep", "none.npz"), ["none.npz", "no such file"]),
        (("sweep", "typo.yaml"), ["typo.yaml", "line 2", "did you mean `data`"]),
        (("sweep", "broken.npy"), ["broken.npy", "row 3", "not finite", "remedy"]),
        (("check", "broken.npy"), ["broken.npy", "not finite"]),
        (("sweep", "typo.yaml", "--labels", "y"), ["--labels goes with a data file"]),
        (("check", "memory.yaml"), ["workers.memory_gb = 0.1", "a worker takes 0.3 GB", "allow 0.6 or more"]),
        (("report", "none"), ["none", "steadymap runs"]),
    ],
)
def test_bad_input_exits_with_2_and_a_few_lines(tmp_path: Path, words: tuple[str, ...], told: list[str]) -> None:
    (tmp_path / "typo.yaml").write_text("name: x\ndatta: {path: z.npy}\n", encoding="utf-8")
    vectors, _ = three_blobs(rows=30)
    np.save(tmp_path / "whole.npy", vectors)
    memory = "name: x\ndata: {path: whole.npy}\nworkers: {memory_gb: 0.1}\n"
    (tmp_path / "memory.yaml").write_text(memory, encoding="utf-8")
    vectors[3, 1] = np.nan
    np.save(tmp_path / "broken.npy", vectors)
    printed = run(*words, cwd=tmp_path)
    assert printed.returncode == cli.EXIT_BAD_INPUT
    assert printed.stdout == ""
    assert "Traceback" not in printed.stderr
    assert "problems" not in printed.stderr  # one slip of the keyboard is one
    for word in told:
        assert word in printed.stderr


def test_help_is_quick_to_have_and_names_the_commands() -> None:
    printed = run("--help")
    assert printed.returncode == 0
    for command in ("sweep", "check", "report", "runs"):
        assert command in printed.stdout
    light = (
        "import sys, steadymap.flows.cli.app; assert not {'prefect', 'sklearn', 'pandas', 'umap'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", light], timeout=60, check=False).returncode == 0


def test_an_unknown_option_is_an_error_of_the_input() -> None:
    printed = run("sweep", "x.yaml", "--sored", "y")
    assert printed.returncode == cli.EXIT_BAD_INPUT
    assert "--sored" in printed.stderr + printed.stdout


def test_the_version_is_that_of_the_package() -> None:
    assert run("--version").stdout.strip() == metadata.version("steadymap")
