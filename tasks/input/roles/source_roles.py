"""Where each role of a source is found: in the data file, or in another, joined by ids where both have some."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource, split_reference
from steadymap.tasks.input.checks.matrix_checks import check_finite
from steadymap.tasks.input.formats.data_file import DataFile, Values, some
from steadymap.tasks.input.formats.open_file import open_data_file, reading
from steadymap.tasks.input.roles.decide_roles import (
    LOG_VARIANCE_NAMES,
    MEAN_NAMES,
    Asked,
    Roles,
    decide_roles,
    is_usual_name,
    names_with_a_role,
)
from steadymap.tasks.input.roles.row_join import Join, RowKeys, join_rows, read_keys
from steadymap.tasks.input.roles.value_texts import as_text, one_a_row, spell_out

SHOWN_LEFT_OUT = 6


class SourceRoles:
    """The roles of a source, decided once; values are read when they are asked for.

    Attributes
    ----------
    decided
        The roles of the data file's own parts.
    """

    def __init__(self, main: DataFile, source: DataSource, *, vectors: bool = True) -> None:
        self.input_names: tuple[str, ...] | None = None
        self._main = main
        self._source = source
        self._files: dict[str, DataFile] = {}
        self._joins: dict[str, Join] = {}
        self._told: list[str] = []
        self._ids: list[str] | None = None
        self._label_names: list[str] = []
        self._id_file = main
        own = None if source.labels is None else self._own(source.labels)
        own_id = self._own([source.id]) if source.id else ()
        group = self._own_group = self._own([source.group]) if source.group else ()
        inputs = self._own(source.inputs or ())
        log_variance = self._own([source.log_variance]) if source.log_variance else ()
        self.decided: Roles = decide_roles(
            main,
            Asked(
                latents=source.latents if vectors else (),
                labels=own,
                id=own_id[0] if own_id else None,
                group=group[0] if group else None,
                inputs=(*main.matching(inputs, "inputs"), *main.matching(log_variance, "log_variance")),
            ),
        )

    def vectors(self) -> tuple[np.ndarray, tuple[str, ...] | None]:
        """Read the latent vectors, and the names of their columns where they have names."""
        return self._main.matrix(self.decided.latents)

    def taken(self) -> set[str]:
        """Return the names of the data file that have a role, or the name of one."""
        return {*names_with_a_role(self._main, self.decided), *self._own_group}

    def ids(self, rows: int) -> list[str]:
        """Return a name for every row: its number where it has none."""
        role = self._source.id or self.decided.id
        if role is None:
            return [str(row) for row in range(rows)]
        file, name = self._find(role)
        ids = [text or "" for text in self._read(file, name, "id", rows, joined=False)]
        self._ids, self._id_file = ids, file
        if file is not self._main:
            self._told.append(f"ids: {name or file.path.stem} of {file.path.name}")
        return ids

    def labels(self, rows: int) -> dict[str, list[str | None]]:
        """Return the labels by name."""
        found: dict[str, list[str | None]] = {}
        for role in self._source.labels if self._source.labels is not None else self.decided.labels:
            file, name = self._find(role)
            labels = self._read(file, name, "labels", rows)
            spelled = f"{name}_names"
            names = file.values(spelled, "labels") if spelled in file.names else None
            title = name or file.path.stem
            if title in found:
                raise InputError(
                    f"two label columns are called {title!r}", place="data.labels", remedy="rename a column or a file"
                )
            found[title] = spell_out(labels, names)
        self._label_names = list(found)
        return found

    def group(self, rows: int) -> list[str | None] | None:
        """Return the group of every row, or None."""
        role = self._source.group
        return None if role is None else self._read(*self._find(role), "group", rows)

    def inputs(self, rows: int) -> np.ndarray | None:
        """Return the raw inputs, or None."""
        if self._source.inputs is None:
            return None
        found = [self._find(role) for role in self._source.inputs]
        file = found[0][0]
        if any(other is not file for other, _ in found):
            raise InputError("inputs lie in several files", place="data.inputs", rule="one file holds all inputs")
        with reading(file.path):
            keys = set() if file is self._main else names_with_a_role(file, None)
            inputs = file.inputs([name for _, name in found], keys)
        self.input_names = file.input_names
        check_inputs(inputs, file.path, "data.inputs")
        order = self._joined(file)
        if order is not None:
            return inputs[order]
        if len(inputs) != rows:
            raise InputError(
                f"{len(inputs)} raw inputs for {rows} rows",
                file=file.path,
                place="data.inputs",
                rule="one input per row",
                remedy="save both from the same batch of inputs",
            )
        return inputs

    def log_variance(self, shape: tuple[int, ...]) -> np.ndarray | None:
        """Return log σ² of every latent value, None where there is none.

        Raises
        ------
        InputError
            It is not of the latents' shape, or not finite.
        """
        role = self._source.log_variance or self._beside_means()
        if role is None:
            return None
        file, name = self._find(role)
        with reading(file.path):
            found = file.inputs([name], role="log_variance")
        check_inputs(found, file.path, "data.log_variance")
        order = self._joined(file)
        found = found if order is None else found[order]
        if found.shape != shape:
            raise InputError(
                f"log σ² of shape {found.shape} beside latents of shape {shape}",
                file=file.path,
                place="data.log_variance",
                rule="a value for every row and dimension",
                remedy="save both from the same batches; `data: latents:` names the means",
            )
        self._told.append(f"log σ²: {name or file.path.name}")
        return found

    def _beside_means(self) -> str | None:
        """Return the matrix with log σ² beside a matrix of means that is taken for the latents."""
        if len(self.decided.latents) != 1 or self.decided.latents[0].lower() not in MEAN_NAMES:
            return None
        matrices = {part.name.lower(): part.name for part in self._main.parts() if part.kind == "matrix"}
        return next((matrices[name] for name in LOG_VARIANCE_NAMES if name in matrices), None)

    def keys(self) -> RowKeys:
        """Return what other files are joined by; ids are read first."""
        if self._ids is None:
            return read_keys(self._main)
        own = read_keys(self._main) if self._id_file is self._main else RowKeys(str(self._main.path))
        name = self._source.id or self.decided.id or ""
        return RowKeys(
            str(self._id_file.path), self._ids, split_reference(name)[1], own.index, own.index_name, own.default
        )

    def tell(self, vectors: str) -> str:
        """Say in one sentence what was taken and what was left out."""
        decided, source = self.decided, self._source
        said = [vectors]
        if decided.left_out:
            said.append(f"left out: {some(decided.left_out, SHOWN_LEFT_OUT)}")
        if self._label_names:
            said.append(f"labels: {', '.join(self._label_names)}")
        if decided.id is not None:
            said.append(f"ids: {decided.id or 'the column without a name'}")
        if source.group is not None:
            said.append(f"group: {self._spell(source.group)}")
        if source.inputs is not None:
            said.append(f"inputs: {', '.join(map(self._spell, source.inputs))}")
        said += dict.fromkeys([*self._told, *self._main.notes])
        return "; ".join(said)

    def _spell(self, role: str) -> str:
        file, name = split_reference(role)
        return name or Path(str(file)).name

    def _own(self, roles: Sequence[str]) -> tuple[str, ...]:
        """Return the roles that are parts of the data file, by their names in it."""
        found = [self._find(role) for role in roles]
        return tuple(name for file, name in found if file is self._main)

    def _find(self, role: str) -> tuple[DataFile, str]:
        name, part = split_reference(role)
        if name is None:
            self._refuse_other_files(role)
            return self._main, role
        path = Path(name)
        if _same_file(path, self._main.path):
            return self._main, part
        key = str(path.resolve())
        if key not in self._files:
            self._files[key] = open_data_file(path)
        return self._files[key], part

    def _refuse_other_files(self, role: str) -> None:
        """Refuse a file of a kind that is not read, which would be taken for the name of a column."""
        if role in self._main.names or not Path(role).suffix:
            return
        for place in (Path(role), self._main.path.parent / role):
            if place.is_file():
                open_data_file(place)

    def _read(self, file: DataFile, name: str, kind: str, rows: int, *, joined: bool = True) -> list[str | None]:
        with reading(file.path):
            values = file.values(name, kind)
            if not name and file.names and file is not self._main and len(values) == rows - 1:
                file, values = self._with_the_first_line(file, values, kind)
        title = name or file.path.name
        values, note = one_a_row(values, title)
        self._told += [note] if note else []
        order = self._joined(file, of=name) if joined else None
        if order is None:
            return as_text(values, rows, file.path, title, file.holder)
        texts = as_text(values, len(values), file.path, title, file.holder)
        return [texts[row] for row in order]

    def _with_the_first_line(self, file: DataFile, values: Values, kind: str) -> tuple[DataFile, Values]:
        """Read the first line of a lone column as a value, too, as TensorBoard's projector writes labels."""
        again = None if is_usual_name(file.names[0]) else file.without_header()
        if again is None:
            return file, values
        self._told.append(f"the first line of {file.path.name} ({file.names[0]!r}) is a value: there is one a row then")
        return again, again.values("", kind)

    def _joined(self, file: DataFile, of: str | None = None) -> list[int] | None:
        """Return the rows of a file in the order of the data file's, where both have ids; else None."""
        if file is self._main or file is self._id_file:
            return None
        key = str(file.path)
        if key not in self._joins:
            mine = self.keys()
            self._joins[key] = join_rows(mine, read_keys(file, mine))
            self._told.append(f"{file.path.name} {self._joins[key].told}")
            self._told += file.notes
        return self._joins[key].order


def _same_file(one: Path, other: Path) -> bool:
    """Say whether two paths lead to one file, however they are spelt."""
    try:
        return one.samefile(other)
    except OSError:
        return one == other


def check_inputs(inputs: np.ndarray, path: Path, place: str) -> None:
    """Refuse raw inputs that are not one row of finite numbers each."""
    if inputs.ndim == 0 or inputs.size == 0:
        raise InputError(f"raw inputs of shape {inputs.shape}", file=path, place=place, rule="one input per row")
    if inputs.dtype.kind not in "fiub":
        raise InputError(f"dtype {inputs.dtype}", file=path, place=place, rule="raw inputs are real numbers")
    rows = flat(inputs)
    if not np.isfinite(rows).all():
        check_finite(rows, [f"input[{number}]" for number in range(rows.shape[1])], path)


def flat(inputs: np.ndarray) -> np.ndarray:
    """Return inputs as rows, shape (n, p)."""
    return inputs.reshape(len(inputs), -1)
