"""Decide what the parts of a data file are for, alike for every format, and say so in one sentence.

What is named is taken. What is not named is decided by names that people use and by what a part holds; where two
readings are possible nothing is chosen: the error spells out both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from steadymap.configs.errors import InputError
from steadymap.tasks.input.formats.column_names import INDEX_NAME, is_index
from steadymap.tasks.input.formats.data_file import DataFile, Part, some

LATENT_NAMES = ("latents", "z", "Z", "X", "embeddings")
"""Taken for the latent vectors before all others, the first that is there."""

OTHER_LATENT_NAMES = ("latent", "embedding", "mu", "z_mean", "features", "hidden")
"""Taken where only one of them is there, and none of the first."""

MEAN_NAMES = ("mu", "z_mean")
"""Of a variational encoder, with one of the next beside it."""

LOG_VARIANCE_NAMES = ("logvar", "log_var", "z_logvar", "z_log_var")

NEVER_LATENTS = (
    *LOG_VARIANCE_NAMES,
    "logsigma",
    "log_sigma",
    "z_var",
    "z_std",
    "sigma",
    "std",
)
"""The spread that an encoder gives beside its mean."""

LABEL_NAMES = ("y", "label", "labels")
OTHER_LABEL_NAMES = (
    *("target", "targets", "class", "classes", "category", "species", "topic", "cluster", "clusters"),
    *("cell_type", "celltype", "leiden", "louvain", "labels_", "y_true"),
)
LABEL_WORDS = ("label", "labels", "class", "category", "species", "topic", "cluster", "clusters")
"""The last word of a name: hdbscan_label, Class Label, topicClass."""
ID_NAMES = ("id", "ids", "obs_names")
COORDINATES = ("x", "y", "z")


ID_LIKE = re.compile(r"(?i:.+[_ .-](ids?|uuid|guid)|uuid|guid|u?id|accession|barcode)|.*[a-z]I[dD]", re.ASCII)

PICTURE_DIMENSIONS = (2, 3)
PICTURE_NAME = re.compile(
    r"(X[_ ]?)?(u-?map|t-?sne|phate|trimap|pacmap)([ _.-]?(dim)?[ _.-]?(\d|[xyz]))?", re.IGNORECASE
)
WIDEST_PICTURE = 3
"""A matrix of so few columns is a picture (X_umap, X_tsne), no latent space, where nobody names it."""


@dataclass(frozen=True)
class Asked:
    """What the user names of one file; None: to be found."""

    latents: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None
    id: str | None = None
    group: str | None = None
    inputs: tuple[str, ...] = ()
    picture: bool = False
    """Whether the vectors are the coordinates of a picture."""


@dataclass(frozen=True)
class Roles:
    """What the parts of one file are for.

    Attributes
    ----------
    latents
        The parts that hold the vectors: one matrix, or columns.
    labels, id
        Names, where there are any.
    index
        A column that pandas wrote and that tells rows apart, where no other id does.
    vectors
        The vectors for people: ``from the list column embedding``.
    left_out
        Parts without a role, with what they hold.
    warnings
        What is worth a second look.
    """

    latents: tuple[str, ...]
    labels: tuple[str, ...]
    id: str | None
    index: str | None
    vectors: str
    left_out: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def decide_roles(file: DataFile, asked: Asked) -> Roles:
    """Decide the roles of every part of a file.

    Raises
    ------
    InputError
        A name is not there, or there are two readings.
    """
    parts = file.parts()
    id_name, index = find_ids(file, parts, asked.id, asked.labels or ())
    labels = asked.labels if asked.labels is not None else _find_labels(parts, asked, id_name)
    known = {part.name for part in parts}
    for name in (*labels, *([asked.group] if asked.group else [])):
        if name and known and name not in known:
            file.require(name, "labels" if name in labels else "group")
    named = {*labels, *asked.inputs, *([asked.group] if asked.group else []), *([id_name] if id_name else [])}
    free = [part for part in parts if part.name not in named]
    if asked.latents == () or (asked.latents is None and not parts):
        latents: tuple[str, ...] = ()  # nobody asks for vectors, or there is one array, without a name
    elif asked.latents is not None:
        latents = tuple(file.matching(asked.latents, "latents"))
    else:
        latents = _find_latents(file, free, asked)
    return Roles(
        latents=latents,
        labels=tuple(labels),
        id=id_name,
        index=index,
        vectors=_tell_vectors(file, parts, latents),
        left_out=tuple(
            _tell_part(part) for part in free if part.name not in latents and not _is_spelling(part, labels)
        ),
        warnings=(*_warn_of_objects(parts), *(() if asked.latents is not None else _warn(parts, latents))),
    )


def names_with_a_role(file: DataFile, roles: Roles | None) -> set[str]:
    """Return the parts that have a role, or whose name is one's."""
    parts = file.parts()
    usual = {part.name for part in parts if _has_a_usual_role(part, parts)}
    return usual if roles is None else {*usual, *roles.labels, *([roles.id] if roles.id else [])}


def find_ids(
    file: DataFile, parts: Sequence[Part], wanted: str | None, others: Sequence[str] = ()
) -> tuple[str | None, str | None]:
    """Return the part that names the rows, and the index that pandas wrote, where there are any.

    Raises
    ------
    InputError
        The name is not there.
    """
    index = next((part.name for part in parts if is_index(part)), None)
    if wanted is not None:
        file.require(wanted, "id")
        return wanted, index
    known = {part.name: part for part in parts if part.name not in others}
    usual = next((name for name in ID_NAMES if name in known), None)
    text_index = next((name for name, part in known.items() if is_index(part) and _names_rows(part)), None)
    alike = [name for name, part in known.items() if _is_id_like(part)]
    return usual or text_index or (alike[0] if len(alike) == 1 else None), index


def is_usual_name(name: str) -> bool:
    """Say whether people call a column of labels or ids so."""
    usual = (*LABEL_NAMES, *OTHER_LABEL_NAMES, *ID_NAMES, "name", "group")
    return name.lower() in usual or _ends_in_a_label_word(name) or ID_LIKE.fullmatch(name) is not None


def _names_rows(part: Part) -> bool:
    """Say whether an index is more than a count: text, or what somebody gave a name."""
    return not part.level and (part.kind == "text" or (part.index and not INDEX_NAME.fullmatch(part.name)))


def _is_id_like(part: Part) -> bool:
    return part.kind in ("text", "whole") and ID_LIKE.fullmatch(part.name) is not None


def _find_labels(parts: Sequence[Part], asked: Asked, id_name: str | None) -> tuple[str, ...]:
    known = {part.name: part for part in parts if part.name not in (*(asked.latents or ()), id_name)}
    known = {name: part for name, part in known.items() if part.kind != "other" or part.name in LABEL_NAMES}
    known = {name: part for name, part in known.items() if "not read" not in part.told}
    if "y" in known and _is_coordinate(known["y"], parts):
        del known["y"]
    found = next((name for name in LABEL_NAMES if name in known), None)
    if "Y" in known and _is_beside_x(known["Y"], parts):
        found = found or "Y"
    lower = {name.lower(): name for name in reversed(known)}
    values = {name: part for name, part in lower.items() if known[part].kind not in ("matrix", "other")}
    usual = (*LABEL_NAMES[1:], *OTHER_LABEL_NAMES)
    found = found or next((values[name] for name in usual if name in values), None)
    alike = [name for name, part in known.items() if _is_label_like(part)]
    found = found or (alike[0] if len(alike) == 1 else None)
    return () if found is None else (found,)


def _is_label_like(part: Part) -> bool:
    return part.kind in ("text", "whole") and _ends_in_a_label_word(part.name)


def _ends_in_a_label_word(name: str) -> bool:
    words = re.split(r"[ _.-]+|(?<=[a-z])(?=[A-Z])", name)
    return len(words) > 1 and words[-1].lower() in LABEL_WORDS


def _is_of_a_tool(part: Part, beside: Sequence[Part]) -> bool:
    """Say whether a tool keeps a column beside those of its user: _step of wandb, _distance of LanceDB."""
    others = (other for other in beside if other.kind in ("matrix", "number") and not other.name.startswith("_"))
    return part.name.startswith("_") and part.dimension and not part.series and any(others)


def _is_beside_x(y: Part, parts: Sequence[Part]) -> bool:
    """Say whether an array Y stands beside an array X, as scikit-learn calls classes and vectors."""
    return not y.dimension and y.kind != "number" and any(part.name == "X" and not part.dimension for part in parts)


def _is_coordinate(y: Part, parts: Sequence[Part]) -> bool:
    """Say whether y stands beside an x of the same kind: a place, and no label."""
    x = next((part for part in parts if part.name == "x"), None)
    return x is not None and x.dimension and y.dimension and x.kind == y.kind and x.kind in ("number", "whole")


def _find_latents(file: DataFile, free: Sequence[Part], asked: Asked) -> tuple[str, ...]:
    usable = [part for part in free if not _has_a_usual_role(part, free)]
    matrices = [part for part in usable if part.kind == "matrix" and part.name.lower() not in NEVER_LATENTS]
    numbers = [part for part in usable if part.dimension and part.kind == "number"]
    if matrices and len(numbers) > 1:
        raise _two_readings(file, matrices, numbers)
    if matrices or not any(part.dimension for part in file.parts()):
        return (_choose_matrix(file, free, matrices, picture=asked.picture),)
    if asked.picture:
        return _find_coordinates(file, usable, numbers)
    for part in usable:
        if part.fault is not None and (part.kind == "text" or part.name in (*LATENT_NAMES, *OTHER_LATENT_NAMES)):
            raise part.fault
    dimensions = [part for part in usable if part.kind in ("number", "whole") or (part.kind == "flag" and part.series)]
    dimensions = dimensions or [part for part in usable if part.kind == "flag"]
    for part in usable if len(dimensions) < 2 else ():
        if part.kind == "other" and part.fault is not None:
            raise part.fault
    if len(dimensions) == 1 < len(file.parts()) and dimensions[0].name not in (*LATENT_NAMES, *OTHER_LATENT_NAMES):
        raise _single_column(file, dimensions[0].name)
    if dimensions:
        return tuple(part.name for part in dimensions)
    raise InputError(
        f"no numeric column among {some([repr(part.name) for part in file.parts()])}",
        file=file.path,
        remedy=_unwrap(file) or "name the columns with --latents, or under `data: latents:` (patterns such as z* work)",
    )


def _unwrap(file: DataFile) -> str | None:
    """Return the lines that bring out vectors within structs or raw bytes, where a file has such columns."""
    kinds = {part.told: part.name for part in file.parts() if part.kind == "other"}
    name = file.path.name
    if "struct" in kinds:
        ending = file.path.suffix.lower()
        read = {".jsonl": "json.read_json", ".ndjson": "json.read_json", ".arrow": "feather.read_table"}
        module, function = read.get(ending, "parquet.read_table").split(".")
        return (
            f"{kinds['struct']} holds columns of its own: import pyarrow.parquet, pyarrow.{module}\n"
            f"          x = pyarrow.{module}.{function}({name!r}); "
            "pyarrow.parquet.write_table(x.flatten(), 'latents.parquet')"
        )
    raw = next((kinds[told] for told in ("binary", "large_binary") if told in kinds), None)
    if raw is None:
        return None
    return (
        f"{raw} holds raw bytes; if they are float32: import pandas, numpy; x = pandas.read_parquet({name!r})\n"
        f"          numpy.save('latents.npy', numpy.stack([numpy.frombuffer(one, 'f4') for one in x[{raw!r}]]))"
    )


def _find_coordinates(file: DataFile, usable: Sequence[Part], numbers: Sequence[Part]) -> tuple[str, ...]:
    """Return the columns of a picture: x, y and z; two or three numbered alike; or two or three numbers."""
    named = {part.name.lower(): part.name for part in usable if part.kind in ("number", "whole")}
    found = [named[name] for name in COORDINATES if name in named]
    if len(found) >= 2:
        return tuple(found)
    for columns in (numbers, usable):
        chosen = [part.name for part in columns if part.kind in ("number", "whole")]
        stems = [re.sub(r"[ _.-]*\d+$", "", name) for name in chosen]
        alike = {stem for stem in stems if stems.count(stem) in PICTURE_DIMENSIONS and stem not in chosen}
        if len(chosen) not in PICTURE_DIMENSIONS or len(chosen) > 2:
            chosen = [name for name, stem in zip(chosen, stems, strict=True) if stem in alike] or chosen
        if len(alike) <= 1 and len(chosen) in PICTURE_DIMENSIONS:
            return tuple(chosen)
    raise InputError(
        f"which of the columns {some([repr(part.name) for part in usable], 8)} are the coordinates?",
        file=file.path,
        rule="an embedding has 2 or 3 columns of numbers, or columns called x and y",
        remedy="save its coordinates alone, or name the columns x and y",
    )


def _has_a_usual_role(part: Part, beside: Sequence[Part]) -> bool:
    """Say whether a part is a label, an id or a row number by its name, chosen for that role or not."""
    name = part.name
    if part.row_numbers or is_index(part) or name in ID_NAMES or _is_id_like(part) or _is_of_a_tool(part, beside):
        return True
    if name == "Y" and _is_beside_x(part, beside):
        return True
    if part.kind == "matrix":
        return name in LABEL_NAMES
    if name == "y" and _is_coordinate(part, beside):
        return False
    usual = name in (*LABEL_NAMES, *(f"{label}_names" for label in LABEL_NAMES))
    return usual or name.lower() in (*LABEL_NAMES[1:], *OTHER_LABEL_NAMES) or _is_label_like(part)


def _is_spelling(part: Part, labels: Sequence[str]) -> bool:
    """Say whether a part holds the names of a label's classes."""
    return part.name in {f"{label}_names" for label in labels}


def _choose_matrix(file: DataFile, free: Sequence[Part], matrices: Sequence[Part], *, picture: bool) -> str:
    """Return the matrix with the first usual name, the only one there is, or the only one with another usual name."""
    if picture or file.pictures_beside:
        matrices = [part for part in matrices if ((part.width or 0) <= WIDEST_PICTURE) == picture] or matrices[:0]
    names = [part.name for part in free if part.kind in ("matrix", "other")]
    usual = next((name for name in LATENT_NAMES if name in names), None)
    if usual is not None and not picture:
        return usual
    of_numbers = [part for part in matrices if not part.told.endswith("integers")]
    usual_others = [
        part for part in free if part.kind in ("matrix", "other") and part.name.lower() in OTHER_LATENT_NAMES
    ]
    ragged = [part for part in free if part.told.startswith("lists")]
    for found in (matrices, of_numbers, usual_others, [] if matrices else ragged):
        if len(found) == 1:
            return found[0].name
    shown = some([_tell_candidate(part) for part in (matrices or free)], 8)
    unread = [part.name for part in free if "not read" in part.told]
    raise InputError(
        f"which of the {file.holder}s {shown or '(none)'} holds the latent vectors?"
        + (f" (Python objects, not usable: {some(unread)})" if unread else ""),
        file=file.path,
        rule=f"one {file.holder} called {', '.join(LATENT_NAMES)} or {', '.join(OTHER_LATENT_NAMES)}, or a single one "
        f"with {'more than ' + str(WIDEST_PICTURE) if file.pictures_beside else 'several'} numbers a row",
        remedy="name it with --latents, or in a config under `data: latents:`"
        + (" (X is the main matrix)" if file.pictures_beside else ""),
    )


def _tell_candidate(part: Part) -> str:
    return f"{part.name!r} ({part.told})" if part.kind == "other" else repr(part.name)


def _two_readings(file: DataFile, matrices: Sequence[Part], numbers: Sequence[Part]) -> InputError:
    lists, columns = [part.name for part in matrices], [part.name for part in numbers]
    return InputError(
        f"two readings: the vectors in {some([repr(name) for name in lists], 3)} ({matrices[0].told}), or the "
        f"{len(columns)} columns of numbers {some([repr(name) for name in columns], 3)}",
        file=file.path,
        rule="where both could be the latent vectors, they are named",
        remedy=f"--latents {lists[0]}, or --latents {' --latents '.join(columns[:2])}"
        f"{' …' if len(columns) > 2 else ''} (in a config `data: latents: {lists[0]}`, or a list of the columns)",
    )


def _single_column(file: DataFile, name: str) -> InputError:
    return InputError(
        f"the only numbers without another role are in the column {name!r}, and one column is hardly a latent space",
        file=file.path,
        rule="vectors of one dimension are named",
        remedy=_unwrap(file)
        or f"--latents {name} if it is meant (in a config `data: latents: {name}`); else name the file with the "
        "vectors, and this one for its labels (--labels FILE#COLUMN)",
    )


def _tell_vectors(file: DataFile, parts: Sequence[Part], latents: Sequence[str]) -> str:
    known = {part.name: part for part in parts}
    if not latents:
        return "from its one array"
    first = known.get(latents[0])
    if len(latents) == 1 and first is not None and first.kind == "matrix":
        return f"from the {first.told} {first.name}"
    if len(latents) <= 4:
        return f"from the column{'s' * (len(latents) > 1)} {', '.join(latents)}"
    return f"from the columns {latents[0]}, {latents[1]} … {latents[-1]}"


def _tell_part(part: Part) -> str:
    name = part.name or "(a column without a name)"
    if part.row_numbers or (is_index(part) and part.kind == "whole"):
        return f"{name} (row numbers)"
    return name if part.kind == "text" else f"{name} ({part.told})"


def _warn(parts: Sequence[Part], latents: Sequence[str]) -> list[str]:
    """Point at columns that may be no dimensions: whole numbers among others, and names apart from a series."""
    chosen = [part for part in parts if part.name in latents and part.dimension]
    whole = [part.name for part in chosen if part.kind == "whole"]
    found = []
    if whole and any(part.kind == "number" for part in chosen):
        found.append(
            f"{some(whole, 3)}: whole numbers among the dimensions; where they are codes, counts or classes, leave "
            "them out with --latents (`data: latents:`)"
        )
    apart = [part.name for part in chosen if not part.series and part.kind == "number"]
    if apart and sum(part.series for part in chosen) > max(2, 2 * len(apart)):
        found.append(
            f"{some(apart, 3)}: taken as {'dimensions' if len(apart) > 1 else 'a dimension'} beside the numbered "
            "columns; to leave out, name the others with --latents (`data: latents:`)"
        )
    if chosen and len(chosen) <= WIDEST_PICTURE and all(PICTURE_NAME.fullmatch(part.name) for part in chosen):
        found.append(
            f"{some(latents, 3)}: by their names the coordinates of a picture, no latent space; a sweep is made of the "
            "vectors behind it, and `steadymap score` looks at the picture"
        )
    return found


def _warn_of_objects(parts: Sequence[Part]) -> list[str]:
    return [
        f"{part.name} holds Python objects, so it is not read and is no label; save {part.name}.astype(str)"
        for part in parts
        if "not read" in part.told and part.name in (*LABEL_NAMES, *OTHER_LABEL_NAMES)
    ]
