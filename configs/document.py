"""Read a sweep config from YAML and say file, line, value, rule and remedy where it is at fault.

Only plain YAML is read: no tags, no anchors or aliases (a few lines of them expand to gigabytes),
no key twice. A relative data path is taken from the folder of the config.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from steadymap.configs.errors import InputError, join_errors
from steadymap.configs.sweep import EXAMPLE_DECODER, GRIDS, DataSource, Decoder, Encoder, SweepConfig, split_reference
from steadymap.configs.urls import is_url

LARGEST_CONFIG_BYTES = 1_000_000
"""A config is written by a person; anything larger is the wrong file."""

DEEPEST = 50
"""Levels; the reader of YAML takes time with their square."""

Lines = dict[tuple[str | int, ...], int]


def read_config(path: Path) -> SweepConfig:
    """Read and validate a sweep config.

    Raises
    ------
    InputError
        The file is missing, not YAML, or breaks the schema. Every fault is named with its line.
    """
    try:
        return anchor_paths(read_settings(path, SweepConfig, {"name": path.stem[:80]}), path.parent)
    except InputError as error:
        if error.file is not None:
            raise
        raise InputError(error.problem, file=path, place="data", rule=error.rule, remedy=error.remedy) from None


Model = TypeVar("Model", bound=BaseModel)


def read_settings(path: Path, model: type[Model], defaults: dict[str, Any] | None = None) -> Model:
    """Read a YAML file and validate it with a model; see ``read_config``.

    Parameters
    ----------
    path, model
        The file, and what it has to be.
    defaults
        Values of keys that are not there, unless one is there that looks like a misspelling.
    """
    text = _read_text(path)
    document, lines = _parse(text, path)
    if not isinstance(document, dict):
        raise InputError(
            f"a config is a mapping of keys to values, this is {type(document).__name__}",
            file=path,
            rule="the first lines look like `name: my-run` and `data:`",
            remedy="start from configs/example.yaml",
        )
    for key, value in (defaults or {}).items():
        if not difflib.get_close_matches(key, [str(one) for one in document], n=1):
            document[key] = value
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise _explain(error, path, lines) from None


def write_config(config: SweepConfig) -> str:
    """Render a config as YAML, every default spelled out, so that a run can be repeated from it."""
    text: str = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    return text


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_CONFIG_BYTES:
            raise InputError(
                f"{path.stat().st_size:,} bytes are too many for a config",
                file=path,
                rule=f"a config has at most {LARGEST_CONFIG_BYTES:,} bytes",
                remedy="name the data file under `data: path:` and give the config here",
            )
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError("there is no such file", file=path, remedy="check the path") from None
    except IsADirectoryError:
        raise InputError("this is a folder", file=path, remedy="name a .yaml config or a data file") from None
    except UnicodeDecodeError as error:
        raise InputError(f"byte {error.start} is not UTF-8", file=path, remedy="save the config as UTF-8") from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from None


def _parse(text: str, path: Path) -> tuple[Any, Lines]:
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise InputError(
                    f"more than {DEEPEST} levels of brackets or indentation",
                    file=path,
                    place=_place(event.start_mark),
                    remedy="check the brackets there; no key of a config lies so deep",
                )
            if isinstance(event, yaml.AliasEvent):
                raise InputError(
                    f"alias *{event.anchor}",
                    file=path,
                    place=_place(event.start_mark),
                    rule="configs have no anchors and aliases",
                    remedy="write the value out",
                )
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines: Lines = {}
        if node is not None:
            _note_lines(node, (), lines, path)
        return yaml.safe_load(text), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise InputError(
            f"not valid YAML: {error.problem}",
            file=path,
            place=_place(mark),
            remedy="check indentation, quotes and brackets there",
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # A date such as 2026-13-45 or 5,000 nested brackets fail outside of YAML's own errors.
        raise InputError(f"not valid YAML: {error}", file=path) from None


def _place(mark: Any) -> str | None:
    return None if mark is None else f"line {mark.line + 1}, column {mark.column + 1}"


def _note_lines(node: yaml.Node, at: tuple[str | int, ...], lines: Lines, path: Path) -> None:
    """Remember on which line every key and list item stands."""
    lines.setdefault(at, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*at, str(key.value))
            if inner in lines:
                raise InputError(
                    f"key {key.value!r} is given a second time",
                    file=path,
                    place=f"line {key.start_mark.line + 1}",
                    rule=f"a key is given once (first on line {lines[inner]})",
                    remedy="remove one of the two",
                )
            lines[inner] = key.start_mark.line + 1
            _note_lines(value, inner, lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            _note_lines(value, (*at, position), lines, path)


def _explain(error: ValidationError, path: Path, lines: Lines) -> InputError:
    faults = [dict(fault) for fault in error.errors()]
    return join_errors([_explain_one(fault, path, lines) for fault in _merge_typos(faults)])


def _merge_typos(faults: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Make one fault of a misspelt key and of the required key that it was to be."""
    kept = list(faults)
    for missing in (fault for fault in faults if fault["type"] == "missing"):
        for extra in (fault for fault in faults if fault["type"] == "extra_forbidden"):
            beside = extra["loc"][:-1] == missing["loc"][:-1]
            if beside and difflib.get_close_matches(str(extra["loc"][-1]), [str(missing["loc"][-1])], n=1):
                extra["meant"] = str(missing["loc"][-1])
                kept = [fault for fault in kept if fault is not missing]
    return kept


def _explain_one(fault: dict[str, Any], path: Path, lines: Lines) -> InputError:
    # Pydantic puts the union's choice ("tsne") into the location; the file has no such key.
    at = tuple(
        part
        for position, part in enumerate(fault["loc"])
        if not (position == 2 and fault["loc"][0] == "reducers" and isinstance(part, str))
    )
    known = at
    while known and known not in lines:
        known = known[:-1]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in known).lstrip(".")
    value = fault["input"]
    shown = "" if isinstance(value, dict | list | BaseModel) else f" = {value!r}"
    rule, remedy = _rule_and_remedy(fault)
    return InputError(
        f"{key or 'config'}{shown}",
        file=path,
        place=f"line {lines.get(known, 1)}",
        rule=rule,
        remedy=remedy,
    )


def _rule_and_remedy(fault: dict[str, Any]) -> tuple[str, str]:
    message = str(fault["msg"]).removeprefix("Value error, ")
    name = str(fault["loc"][-1]) if fault["loc"] else ""
    if fault["type"] == "extra_forbidden":
        return _explain_key(name, fault.get("meant"))
    if fault["type"] == "missing":
        return f"`{name}` is required", f"add `{name}:`; configs/example.yaml shows how"
    if fault["type"] == "union_tag_invalid":
        return f"reducer is one of {', '.join(GRIDS)}", "name one of them"
    if fault["type"] == "union_tag_not_found":
        return "every entry of reducers names its reducer", "begin it with `- reducer: tsne`"
    return message[:1].lower() + message[1:], "see the key in configs/example.yaml"


def _explain_key(name: str, meant: str | None) -> tuple[str, str]:
    """Say of a key that is not known here which one was meant, or where it belongs."""
    if meant is not None:
        return f"there is no such key here, and `{meant}` is required", f"did you mean `{meant}`?"
    homes = [home for home, keys in keys_by_home().items() if name in keys]
    if homes:
        return "there is no such key here", f"`{name}` belongs {' or '.join(homes[:3])}"
    close = difflib.get_close_matches(name, sorted(known_keys()), n=1)
    remedy = f"did you mean `{close[0]}`?" if close else "remove it; configs/example.yaml has all keys"
    return "there is no such key here", remedy


def known_keys() -> set[str]:
    """Return every key that a config may have."""
    inner: list[type[BaseModel]] = [Encoder, *GRIDS.values()]
    keys = {field for model in inner for field in model.model_fields}
    for field, info in SweepConfig.model_fields.items():
        keys.add(field)
        annotation = info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            keys |= set(annotation.model_fields)
    return keys


def keys_by_home() -> dict[str, set[str]]:
    """Return where each key of a config belongs, in words."""
    homes = {"at the beginning of a line": set(SweepConfig.model_fields)}
    for field, info in SweepConfig.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            homes[f"under `{field}:`"] = set(info.annotation.model_fields)
    for name, grid in GRIDS.items():
        homes[f"under `- reducer: {name}`"] = set(grid.model_fields)
    return {**homes, "under `encode:`": set(Encoder.model_fields)}


def anchor_paths(config: SweepConfig, folder: Path) -> SweepConfig:
    """Make every relative path of a config absolute, starting from a folder, so that it holds anywhere."""
    return config.model_copy(update={"data": anchor_source(config.data, folder)})


def anchor_source(data: DataSource, folder: Path) -> DataSource:
    """Make every relative path of a data source absolute, starting from a folder."""
    anchored = {
        "path": None if data.path is None else _anchor(data.path, folder),
        "encode": None if data.encode is None else _anchor_encoder(data.encode, folder),
        "decode": None if data.decode is None else _anchor_decoder(data.decode, folder),
        "encoders": None if data.encoders is None else tuple(_anchor(place, folder) for place in data.encoders),
        "labels": _anchor_roles(data.labels, folder),
        "id": None if data.id is None else _anchor_role(data.id, folder),
        "group": None if data.group is None else _anchor_role(data.group, folder),
        "log_variance": None if data.log_variance is None else _anchor_role(data.log_variance, folder),
        "inputs": _anchor_roles(data.inputs, folder),
    }
    return data.model_copy(update=anchored)


def _anchor(path: str, folder: Path) -> str:
    return path if is_url(path) else str((folder / expand_path(path, folder)).absolute())


def expand_path(path: str, folder: Path) -> str:
    """Put in ``~`` and ``$NAME``, where no file is called so.

    Raises
    ------
    InputError
        There is no such variable, or no home.
    """
    if not (path.startswith("~") or "$" in path) or (folder / path).exists():
        return path
    expanded = os.path.expandvars(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises where there is none
    if expanded.startswith("~") or "$" in expanded:
        raise InputError(
            f"the path {path!r}",
            rule="~ is the home folder and $NAME a variable of the environment, and this one is not set",
            remedy="set it, or write the path out",
        )
    return expanded


def _anchor_encoder(encoder: Encoder, folder: Path) -> Encoder:
    places = {"model": _anchor(encoder.model, folder), "inputs": _anchor_role(encoder.inputs, folder)}
    return encoder.model_copy(update=places)


def _anchor_decoder(decoder: Decoder, folder: Path) -> Decoder:
    if decoder.model == EXAMPLE_DECODER:
        return decoder
    encoder = None if decoder.encoder is None else _anchor(decoder.encoder, folder)
    return decoder.model_copy(update={"model": _anchor(decoder.model, folder), "encoder": encoder})


def _anchor_role(role: str, folder: Path) -> str:
    file, name = split_reference(role)
    if file is None:
        return role
    return _anchor(file, folder) + (f"#{name}" if name else "")


def _anchor_roles(roles: tuple[str, ...] | None, folder: Path) -> tuple[str, ...] | None:
    return None if roles is None else tuple(_anchor_role(role, folder) for role in roles)
