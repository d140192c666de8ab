"""What a digest of code follows and what it does not, and what rests on each module that shapes bytes."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from steadymap.tasks.cells.score_files import SCORE_CODE
from steadymap.tasks.geometry.parts import CODE
from steadymap.tasks.geometry.resamples_and_nulls import NULL_CODE, RESAMPLE_CODE
from steadymap.tasks.input.example import EXAMPLE_CODE
from steadymap.tasks.numerics.reducers.interface import MODULES
from steadymap.tasks.plan.lay_out import CELL_CODE, RUN_CODE
from steadymap.tasks.steps.decode_clusters import DECODE_CODE
from steadymap.tasks.steps.run_label_tests import LABEL_CODE
from steadymap.tasks.steps.run_split_tests import SPLIT_CODE
from steadymap.tasks.store.code_digest import PROJECT, Code, code_digest
from steadymap.tasks.verdicts.border_depths import BORDER_CODE

BASE = {
    "tasks/top.py": (
        "from tasks.below import f\n\ndef g(x):\n    return f(x) + K\n\nK = 1\n\ndef unused():\n    return 0\n"
    ),
    "tasks/below.py": "import math\n\ndef f(x):\n    return math.sqrt(x)\n\ndef other():\n    return 1\n",
}


def digest_of(folder: Path, files: dict[str, str], place: str = "tasks.top:g") -> str:
    shutil.rmtree(folder / "tasks", ignore_errors=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return Code(folder).digest(place)


def changed(name: str, old: str, new: str) -> dict[str, str]:
    assert old in BASE[name]
    return {**BASE, name: BASE[name].replace(old, new)}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("tasks/below.py", "sqrt(x)", "sqrt(x) + 1"),
        ("tasks/below.py", "import math", "import cmath as math"),
        ("tasks/top.py", "K = 1", "K = 2"),
        ("tasks/top.py", "f(x) + K", "K + f(x)"),
        ("tasks/top.py", "K = 1", "K = 1\nprint('an effect')"),
    ],
)
def test_what_a_definition_rests_on_counts(tmp_path: Path, name: str, old: str, new: str) -> None:
    assert digest_of(tmp_path, BASE) != digest_of(tmp_path, changed(name, old, new))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("tasks/top.py", "return f(x) + K", "'''Why.'''\n    return f(x) + K  # one"),
        ("tasks/top.py", "return 0", "return 1"),
        ("tasks/below.py", "return 1", "return 2"),
        ("tasks/below.py", "def f(x):", "def f(x):  # the root"),
    ],
)
def test_words_and_neighbours_do_not_count(tmp_path: Path, name: str, old: str, new: str) -> None:
    assert digest_of(tmp_path, BASE) == digest_of(tmp_path, changed(name, old, new))


def test_a_module_may_be_renamed_and_a_definition_may_move(tmp_path: Path) -> None:
    before = digest_of(tmp_path, BASE)
    renamed = {
        "tasks/above/top.py": BASE["tasks/top.py"].replace("tasks.below", "steadymap.tasks.ground.roots"),
        "tasks/ground/roots.py": BASE["tasks/below.py"],
    }
    assert digest_of(tmp_path, renamed, "steadymap.tasks.above.top:g") == before
    top = BASE["tasks/top.py"].replace("from tasks.below import f", "from tasks.below import root as f")
    renamed_function = {
        **BASE,
        "tasks/top.py": top,
        "tasks/below.py": BASE["tasks/below.py"].replace("f(x)", "root(x)"),
    }
    assert digest_of(tmp_path, renamed_function) == before
    moved = {
        "tasks/top.py": BASE["tasks/top.py"]
        .replace("K = 1\n\n", "")
        .replace("import f", "import f\nfrom tasks.k import K"),
        "tasks/below.py": BASE["tasks/below.py"],
        "tasks/k.py": "K = 1\n",
    }
    assert digest_of(tmp_path, moved) == before
    assert digest_of(tmp_path, {**moved, "tasks/k.py": "K = 2\n"}) != before


def test_what_calls_itself_in_turns_has_a_digest(tmp_path: Path) -> None:
    turns = "def a(n):\n    return n and b(n - 1)\n\ndef b(n):\n    return n and a(n - 1)\n"
    base = digest_of(tmp_path, {"tasks/t.py": turns}, "tasks.t:a")
    assert base == digest_of(tmp_path, {"tasks/t.py": turns + "\n"}, "tasks.t:a")
    assert base != digest_of(tmp_path, {"tasks/t.py": turns.replace("a(n - 1)", "a(n - 2)")}, "tasks.t:a")


def test_a_place_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="defines no 'h'"):
        digest_of(tmp_path, BASE, "tasks.top:h")
    with pytest.raises(LookupError, match=r"no module 'tasks\.nothing'"):
        digest_of(tmp_path, BASE, "tasks.nothing")


IDENTITIES = {
    **{f"part {kind}": (place,) for kind, place in CODE.items()},
    "cell tsne": (MODULES["tsne", "steadymap"], *CELL_CODE),
    "cell umap": (MODULES["umap", "steadymap"], *CELL_CODE),
    "scores": SCORE_CODE,
    "resample": RESAMPLE_CODE,
    "null": NULL_CODE,
    "split": SPLIT_CODE,
    "borders": BORDER_CODE,
    "labels": LABEL_CODE,
    "example": EXAMPLE_CODE,
    "decoded": DECODE_CODE,
    "run": RUN_CODE,
}
"""What each kind of thing in the store rests on, beside data and settings."""

SHAPING_LINES = [
    ("tasks/cells/compute_cells.py", "astype(np.float32)", "astype(np.float16)", {"cell tsne", "cell umap"}),
    ("tasks/cells/compute_cells.py", "seed=seed", "seed=None", {"cell tsne", "cell umap"}),
    (
        "configs/schemas.py",
        'pa.field("x", pa.float32()',
        'pa.field("x", pa.float64()',
        {"cell tsne", "cell umap"},
    ),
    ("tasks/geometry/compute_part.py", "int(n_neighbors)", "int(n_neighbors) + 1", {"part fuzzy_graph"}),
    ("tasks/numerics/scores/loss/losses.py", "LOSS_ROWS = 1_000", "LOSS_ROWS = 2_000", {"scores"}),
    ("tasks/cells/score_files.py", '"k": [score.k for', '"k": [score.value for', {"scores"}),
    (
        "tasks/geometry/resamples_and_nulls.py",
        "subsample(units, recipe.share",
        "subsample(units, 1 - recipe.share",
        {"resample"},
    ),
    (
        "tasks/geometry/resamples_and_nulls.py",
        "cloud(latents, recipe.number)",
        "cloud(latents, recipe.number + 1)",
        {"null"},
    ),
    ("tasks/numerics/geometry/affinities.py", "csr_matrix(joint)", "csr_matrix(2 * joint)", {"part affinities"}),
    ("tasks/verdicts/split_job.py", "ALPHA = 0.05", "ALPHA = 0.2", {"split"}),
    ("holm.py", "min(1.0,", "min(0.9,", {"split", "labels"}),
    ("tasks/decoding/decode_places.py", "PATH_STEPS = 7", "PATH_STEPS = 9", {"decoded"}),
    ("tasks/numerics/decoding/reconstruction.py", "inputs) ** 2", "inputs) ** 4", {"decoded"}),
    ("tasks/decoding/decoded_tables.py", "FEATURES = 8", "FEATURES = 9", set()),
]
"""One line of each module that shapes bytes, and exactly what rests on it beside the runs."""


def identities(project: Path) -> dict[str, str]:
    code = Code(project)
    return {kind: code.digest(*places) for kind, places in IDENTITIES.items()}


@pytest.fixture(scope="module")
def copy_of_project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    project = tmp_path_factory.mktemp("project")
    for room in ("configs", "tasks"):
        shutil.copytree(PROJECT / room, project / room)
    shutil.copy(PROJECT / "holm.py", project)
    return project, identities(project)


@pytest.mark.parametrize(("name", "old", "new", "expected"), SHAPING_LINES)
def test_a_changed_line_changes_exactly_what_rests_on_it(
    copy_of_project: tuple[Path, dict[str, str]], name: str, old: str, new: str, expected: set[str]
) -> None:
    project, before = copy_of_project
    text = (project / name).read_text()
    assert old in text
    (project / name).write_text(text.replace(old, new, 1))
    try:
        after = identities(project)
    finally:
        (project / name).write_text(text)
    assert {kind for kind in before if before[kind] != after[kind]} == {*expected, "run"}


@pytest.mark.parametrize(
    "module", ["numerics/valleys/dip", "numerics/randomness", "geometry/compute_part", "verdicts/split_job"]
)
def test_a_renamed_module_of_the_project_recomputes_nothing(
    copy_of_project: tuple[Path, dict[str, str]], tmp_path: Path, module: str
) -> None:
    project, before = copy_of_project
    shutil.copytree(project, tmp_path / "renamed")
    old, new = (f"tasks.{module.replace('/', '.')}{end}" for end in ("", "_renamed"))
    (tmp_path / "renamed" / "tasks" / f"{module}.py").rename(tmp_path / "renamed" / "tasks" / f"{module}_renamed.py")
    for file in (tmp_path / "renamed").rglob("*.py"):
        file.write_text(file.read_text().replace(f"{old} ", f"{new} "))
    code = Code(tmp_path / "renamed")
    moved = {
        kind: [place.replace(old, new) if place.partition(":")[0] == f"steadymap.{old}" else place for place in places]
        for kind, places in IDENTITIES.items()
    }
    assert {kind: code.digest(*places) for kind, places in moved.items()} == before


def test_the_digest_in_use_is_that_of_the_projects_files() -> None:
    assert code_digest(*CELL_CODE) == Code(PROJECT).digest(*CELL_CODE)


def test_a_miscount_of_the_parser_is_no_fault_of_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What CPython raises where another thread parses at the same moment.
    parse, parsed, right = ast.parse, [], digest_of(tmp_path, BASE)

    def miscount(source: str) -> ast.Module:
        parsed.append(source)
        if len(parsed) % 3:
            raise SystemError("AST constructor recursion depth mismatch (before=174, after=93)")
        return parse(source)

    monkeypatch.setattr(ast, "parse", miscount)
    assert digest_of(tmp_path, BASE) == right
    assert len(parsed) >= 3
