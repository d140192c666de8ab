"""The one error that a person meets when their input is at fault.

It is raised where input enters (a config, a data file, a command line) and says file, place,
value, rule and remedy. It does not cover faults of a cell: those are data (see ``schemas.STATUSES``).
"""

from __future__ import annotations


class InputError(Exception):
    """Say what is wrong with an input, where, and what to do about it.

    Parameters
    ----------
    problem
        One line: what is wrong, with the offending value.
    file
        The file as the user named it, or None where no file is involved.
    place
        Line, key, rows or columns inside the file.
    rule
        What would have been right.
    remedy
        What the user can do now.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: object = None,
        place: str | None = None,
        rule: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.problem = problem
        self.file = None if file is None else str(file)
        self.place = place
        self.rule = rule
        self.remedy = remedy
        super().__init__(str(self))

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the trip through another process or a Prefect state with every part intact."""
        parts = (self.problem, self.file, self.place, self.rule, self.remedy)
        return (_rebuild, parts)

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.file, self.place) if part)
        lines = [f"{where}: {self.problem}" if where else self.problem]
        if self.rule:
            lines.append(f"  rule:   {self.rule}")
        if self.remedy:
            lines.append(f"  remedy: {self.remedy}")
        return "\n".join(lines)


def _rebuild(problem: str, file: str | None, place: str | None, rule: str | None, remedy: str | None) -> InputError:
    return InputError(problem, file=file, place=place, rule=rule, remedy=remedy)


def join_errors(errors: list[InputError]) -> InputError:
    """Merge several faults of one input into one error, so that a person mends them in one go."""
    if len(errors) == 1:
        return errors[0]
    return InputError(f"{len(errors)} problems\n" + "\n".join(str(error) for error in errors))
