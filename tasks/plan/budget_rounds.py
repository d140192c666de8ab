"""The order in which a sweep under a budget draws: what says most about the clusters first.

The first seed of every setting shows which clusters there are, and the halves of the rows test them; further seeds,
other parts of the rows, reference data and controls make that firmer. Verdicts may settle after any seed.
"""

from __future__ import annotations

from dataclasses import dataclass

from steadymap.tasks.plan.plan import Cell, Plan


@dataclass(frozen=True)
class BudgetRound:
    """Cells that are drawn together.

    Attributes
    ----------
    name
        Such as ``seed 2`` or ``halves``.
    cells
        All of them, those that the store has included.
    further_seed
        Whether it is a seed beyond the first one, which settled verdicts make needless.
    """

    name: str
    cells: tuple[Cell, ...]
    further_seed: bool = False


def budget_rounds(plan: Plan) -> list[BudgetRound]:
    """Return the rounds of a plan, in order; together they are its usable cells."""
    of_data = [cell for cell in plan.usable if cell.kind == "data" and not cell.configuration.control]
    halves = [cell for cell in plan.usable if cell.derived is not None and cell.derived.recipe.kind == "half"]
    first, *further = plan.seeds
    rounds = [
        BudgetRound(f"seed {first}", tuple(cell for cell in of_data if cell.seed in (first, None))),
        BudgetRound("halves", tuple(halves)),
        *(BudgetRound(f"seed {seed}", tuple(cell for cell in of_data if cell.seed == seed), True) for seed in further),
    ]
    placed = {cell.identity for one in rounds for cell in one.cells}
    rest = [cell for cell in plan.usable if cell.identity not in placed]
    rounds.append(BudgetRound("other parts of the rows", tuple(cell for cell in rest if cell.kind == "resample")))
    rounds.append(BudgetRound("reference data and controls", tuple(cell for cell in rest if cell.kind != "resample")))
    return [one for one in rounds if one.cells]
