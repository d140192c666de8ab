"""The encoders that a config names: which files they are, in which order, what each is called, and its sweep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from pydantic import ValidationError

from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DATA_ENDINGS, MODEL_ENDING, DataSource, Encoder, SweepConfig
from steadymap.tasks.plan.matching_files import matching_files, name_files, natural_key

LONGEST_NAME = 80
"""As in a sweep's config."""

FEWEST = 2

STEP = re.compile(r"(?i)(?:.*[^a-z])?(step|epoch|iteration|iter|checkpoint|ckpt|round)[-_= ]?0*(\d+)")
"""What names of checkpoints of one training look like: a word for its progress, and a number at the end."""


@dataclass(frozen=True)
class EncoderSweep:
    """An encoder: what it is called, and the sweep of its latent vectors."""

    name: str
    config: SweepConfig


@dataclass(frozen=True)
class Encoders:
    """Encoders of the same inputs, in their order.

    Attributes
    ----------
    all
        The first first; checkpoints by their step.
    checkpoints
        Whether they are steps of one training.
    """

    all: tuple[EncoderSweep, ...]
    checkpoints: bool

    @property
    def reference(self) -> EncoderSweep:
        """The one that is swept in full: the first, of checkpoints the last."""
        return self.all[-1 if self.checkpoints else 0]


def find_encoders(config: SweepConfig) -> Encoders:
    """List the encoders of a config, each with a sweep of its own; all but the reference are swept fast, if so wished.

    Raises
    ------
    InputError
        A pattern matches nothing, there are fewer than two, or a name is too long.
    """
    sources = list(_sources(config.data))
    if len(sources) < FEWEST:
        found = ", ".join(name for name, _ in sources)
        raise InputError(
            f"only one encoder: {found}",
            place="data.encoders",
            rule="two or more of the same inputs",
            remedy="name further files, or sweep this one alone with `data: path:`",
        )
    steps = [STEP.fullmatch(name) for name, _ in sources]
    checkpoints = all(steps)
    if checkpoints:
        sources = [
            (f"{match[1].lower()} {match[2]}", source)
            for match, (_, source) in zip(steps, sources, strict=True)
            if match is not None
        ]
        sources.sort(key=lambda one: natural_key(one[0]))
    reference = len(sources) - 1 if checkpoints else 0
    sweeps = [
        EncoderSweep(name, _sweep_of(config, name, source, fast=number != reference))
        for number, (name, source) in enumerate(_without_clashes(sources))
    ]
    return Encoders(tuple(sweeps), checkpoints)


def _without_clashes(sources: list[tuple[str, DataSource]]) -> Iterator[tuple[str, DataSource]]:
    """Keep names apart: files of one name in different folders, or with different endings."""
    seen: dict[str, int] = {}
    for name, source in sources:
        seen[name] = seen.get(name, 0) + 1
        yield (name if seen[name] == 1 else f"{name} ({seen[name]})"), source


def _sources(data: DataSource) -> Iterator[tuple[str, DataSource]]:
    """Yield the name and the source of every encoder; a file that two patterns match is there once."""
    one = {"encoders": None, "further_encoders": "fast"}
    if data.example is not None:
        for seed in data.example_seeds:
            yield f"seed {seed}", data.model_copy(update={**one, "example_seeds": (seed,)})
        return
    seen: set[str] = set()
    for pattern in data.encoders or ():
        root, files = matching_files(pattern, (*DATA_ENDINGS, MODEL_ENDING))
        if not files:
            raise InputError(
                "there is no such file",
                file=pattern,
                place="data.encoders",
                rule=f"files that end in {', '.join((*DATA_ENDINGS, MODEL_ENDING))}, folders or patterns",
                remedy="check the path; a pattern looks like `checkpoints/*.npz`",
            )
        named = sorted(name_files(files, root), key=lambda one: natural_key(one[1]))
        for path, name in named:
            if path not in seen:
                seen.add(path)
                yield PurePosixPath(name).name if "/" not in name else name, _source_of(data, path)


def _source_of(data: DataSource, path: str) -> DataSource:
    given = {**data.model_dump(), "encoders": None}
    if path.lower().endswith(MODEL_ENDING):
        inputs = data.inputs or ()
        if len(inputs) != 1:
            raise InputError(
                f"{len(inputs)} inputs",
                file=path,
                place="data.inputs",
                rule="a model encodes the inputs of one file",
                remedy="add `inputs: images.npy` (or data.npz#x) beside `encoders`",
            )
        try:
            encoder = Encoder(model=path, inputs=inputs[0])
        except ValidationError as error:
            raise InputError(error.errors()[0]["msg"], file=path, place="data.inputs") from None
        given = {**given, "encode": encoder.model_dump(), "inputs": None}
    else:
        given = {**given, "path": path}
    try:
        return DataSource.model_validate(given)
    except ValidationError as error:
        raise InputError(error.errors()[0]["msg"].removeprefix("Value error, "), file=path, place="data") from None


def _sweep_of(config: SweepConfig, name: str, source: DataSource, *, fast: bool) -> SweepConfig:
    whole = f"{config.name}, {name}"
    if len(whole) > LONGEST_NAME:
        raise InputError(
            f"the name {whole!r} has {len(whole)} characters",
            place="name",
            rule=f"at most {LONGEST_NAME}, with the name of the encoder",
            remedy="shorten `name:`",
        )
    quick = config.fast or (fast and config.data.further_encoders == "fast")
    return config.model_copy(update={"name": whole, "data": source, "fast": quick})
