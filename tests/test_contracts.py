"""Every contract between the rooms can turn red: for a deliberate wrong import each, and for a room that none names."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter.application.use_cases import read_user_options
from importlinter.configuration import configure
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.independence import IndependenceContract
from importlinter.contracts.layers import LayersContract
from importlinter.domain.contract import Contract

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"

KINDS: dict[str, Any] = {
    "layers": LayersContract,
    "forbidden": ForbiddenContract,
    "independence": IndependenceContract,
    "acyclic_siblings": AcyclicSiblingsContract,
}

WRONG = {
    "Arrows go down": ("steadymap.configs.grid", "steadymap.reports.wording"),
    "Inside tasks": ("steadymap.tasks.store.files", "steadymap.tasks.plan.plan"),
    "Inside input": (
        "steadymap.tasks.input.formats.table_file",
        "steadymap.tasks.input.roles.decide_roles",
    ),
    "Inside the science": ("steadymap.tasks.numerics.geometry.neighbours", "steadymap.tasks.numerics.valleys.dip"),
    "Inside reports": ("steadymap.reports.run.run_folder", "steadymap.reports.summary.summary"),
    "Inside flows": ("steadymap.flows.sweep", "steadymap.flows.nightly"),
    "Only steps and flows know Prefect": ("steadymap.tasks.cells.compute_cells", "prefect"),
    "Steps do not import each other": (
        "steadymap.tasks.steps.find_clusters",
        "steadymap.tasks.steps.score_cells",
    ),
    "The science knows no Prefect": ("steadymap.tasks.numerics.valleys.dip", "pyarrow"),
    "The words know no science": ("steadymap.configs.grid", "numpy"),
    "Reports need no engine": ("steadymap.reports.summary.summary", "sklearn"),
    "Matplotlib and seaborn": ("steadymap.reports.page.page", "matplotlib"),
    "One file knows onnxruntime": ("steadymap.tasks.input.dataset", "onnxruntime"),
    "Libraries of extras": ("steadymap.tasks.store.sync", "fsspec"),
    "No circles between siblings": ("steadymap.tasks.geometry.parts", "steadymap.tasks.plan.plan"),
}
"""Contract, by the first words of its name: who imports what it must not."""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("steadymap", include_external_packages=True, cache_dir=None)


@pytest.fixture(scope="module")
def contracts() -> dict[str, Contract]:
    return dict(_contracts())


def _contracts() -> Iterator[tuple[str, Contract]]:
    configure()
    options = read_user_options(config_filename=str(PYPROJECT))
    for one in options.contracts_options:
        yield one["name"], KINDS[one["type"]](one["name"], options.session_options, one)


def holds(contract: Contract, graph: grimp.ImportGraph) -> bool:
    return bool(contract.check(graph=copy.deepcopy(graph), verbose=False).kept)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_import_turns_its_contract_red(
    name: str, graph: grimp.ImportGraph, contracts: dict[str, Contract]
) -> None:
    (contract,) = [one for title, one in contracts.items() if title.startswith(name)]
    assert holds(contract, graph)
    importer, imported = WRONG[name]
    broken = copy.deepcopy(graph)
    assert importer in broken.modules
    broken.add_import(importer=importer, imported=imported)
    assert not holds(contract, broken)


def test_every_contract_is_tried(contracts: dict[str, Contract]) -> None:
    assert all(any(title.startswith(name) for name in WRONG) for title in contracts)
    assert len(contracts) == len(WRONG)


@pytest.mark.parametrize(
    ("name", "room"),
    [
        ("Arrows go down", "steadymap.stray"),
        ("Inside tasks", "steadymap.tasks.stray"),
        ("Inside input", "steadymap.tasks.input.stray"),
        ("Inside the science", "steadymap.tasks.numerics.stray"),
        ("Inside reports", "steadymap.reports.stray"),
        ("Inside flows", "steadymap.flows.stray"),
    ],
)
def test_a_room_that_no_layer_names_turns_its_contract_red(
    name: str, room: str, graph: grimp.ImportGraph, contracts: dict[str, Contract]
) -> None:
    (contract,) = [one for title, one in contracts.items() if title.startswith(name)]
    wider = copy.deepcopy(graph)
    wider.add_module(room)
    assert not holds(contract, wider)
