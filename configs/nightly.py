"""The nightly flow's schema: which sweeps, over which data sets, for how long."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from steadymap.configs.document import anchor_source, expand_path, read_settings
from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource, Many, Settings
from steadymap.configs.urls import is_url

NIGHTLY_FILE = "nightly.yaml"
"""The config of a night where only a folder is named."""


class Roles(Settings):
    """What is what in every data set of a night; see `data:` of a sweep."""

    latents: Many[str] | None = None
    """The array or columns with the vectors."""
    labels: Many[str] | None = None
    """Arrays, columns or files with labels."""
    id: str | None = None
    """Array, column or file with a name for each row."""
    group: str | None = None
    """Array, column or file with the group of each row."""
    inputs: Many[str] | None = None
    """Array, columns or file with the raw inputs."""
    header: bool | None = None
    """Whether the first line of separated values holds names."""

    @property
    def given(self) -> dict[str, Any]:
        """Those that are named."""
        return self.model_dump(exclude_none=True)


class NightlyConfig(Settings):
    """A night: every sweep of a folder, over every data set that is there."""

    name: Annotated[str, Field(min_length=1, max_length=40)] = "nightly"
    """What these nights are called; nights of one name in one store follow each other."""
    configs: Annotated[str, Field(min_length=1)]
    """A sweep config, a folder of them, or a pattern such as `sweeps/*.yaml`. Relative paths start at the folder of the
    config file; a form takes absolute ones."""
    datasets: Many[Annotated[str, Field(min_length=1)]] | None = None
    """Data files, folders of them, or patterns such as `latents/*.npz` or `latents/**/z.npy`; also URLs, such as
    `s3://bucket/latents/*.npz`. Every config is swept over every one of them, in place of its own data file. Default:
    the data that the configs name."""
    roles: Roles | None = None
    """What is what in the `datasets`, over what the sweep configs say of their own data. Default: as these say."""
    pick: Literal["each", "latest"] = "each"
    """`latest`: of the files of a pattern only the one whose name comes last, for files that carry a date. The nights
    then follow the pattern, not the file."""
    hours: Annotated[float, Field(gt=0, le=8760)] | None = None
    """Time budget: no sweep, and no picture of one, starts after it; the most informative come first. What was left is
    named and goes first the next night. Default: none."""
    site_url: Annotated[str, Field(pattern=r"^https?://[^\s@?#]+$")] | None = None
    """Where a web server shows the store's folder, such as `http://host:8080`; pages in Prefect and messages then link
    to reports. Default: they name the report's place in the store."""

    @model_validator(mode="after")
    def _roles_of_datasets(self) -> NightlyConfig:
        if self.roles is not None and self.roles.given and self.datasets is None:
            raise ValueError("`roles` go with `datasets`; of the data that a sweep config names, its `data:` says them")
        return self


def read_nightly(path: Path) -> NightlyConfig:
    """Read the config of a night from its file, or of a folder: its ``nightly.yaml``, or the sweeps that lie in it.

    Raises
    ------
    InputError
        The file is missing, not YAML, or breaks the schema. Every fault is named with its line.
    """
    if path.is_dir():
        if not (path / NIGHTLY_FILE).is_file():
            return NightlyConfig(configs=str(path.absolute()))
        path = path / NIGHTLY_FILE
    try:
        settings = read_settings(path, NightlyConfig)
    except InputError as error:
        raise _in_own_words(error) from None
    return anchor_nightly(settings, path.parent)


def anchor_nightly(config: NightlyConfig, folder: Path) -> NightlyConfig:
    """Make every relative path absolute, starting from a folder."""

    def anchor(pattern: str) -> str:
        return pattern if is_url(pattern) else str((folder / expand_path(pattern, folder)).absolute())

    places: dict[str, Any] = {
        "configs": str((folder / expand_path(config.configs, folder)).absolute()),
        "datasets": None if config.datasets is None else tuple(map(anchor, config.datasets)),
    }
    if config.roles is not None:
        source = anchor_source(DataSource(path="data", **config.roles.given), folder)
        roles = {name: getattr(source, name) for name in Roles.model_fields}
        places["roles"] = Roles(**{name: word for name, word in roles.items() if word is not None})
    return config.model_copy(update=places)


def _in_own_words(error: InputError) -> InputError:
    """Point to the keys of a night.

    ``steadymap.configs.document`` knows those of a sweep; it is part of every run's identity, so it stays as it is.
    """
    keys = f"the keys are {', '.join(NightlyConfig.model_fields)}; configs/nightly.yaml explains them"

    def mend(text: str) -> str:
        text = re.sub(
            r"did you mean `\w+`\?|`\w+` belongs .*|remove it; configs/example\.yaml has all keys", keys, text
        )
        return text.replace("`name: my-run` and `data:`", "`configs: sweeps`").replace("example.yaml", NIGHTLY_FILE)

    return InputError(
        mend(error.problem),
        file=error.file,
        place=error.place,
        rule=None if error.rule is None else mend(error.rule),
        remedy=None if error.remedy is None else mend(error.remedy),
    )
