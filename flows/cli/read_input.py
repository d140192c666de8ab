"""What a command line names to be swept: a YAML config, or a data file and the roles of its parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from steadymap.configs.errors import InputError
from steadymap.flows.cli.options import RoleWords

if TYPE_CHECKING:
    from steadymap.configs.sweep import SweepConfig

CONFIG_ENDINGS = (".yaml", ".yml")


def read_input(place: str, words: RoleWords, *, fast: bool) -> SweepConfig:
    """Read a config, or make one for a data file; ``--fast`` wins over what the config says."""
    settings = _read_config_or_data(place, words)
    return settings.model_copy(update={"fast": True}) if fast else settings


def _read_config_or_data(place: str, words: RoleWords) -> SweepConfig:
    """Read a config, or make one for a data file: the default grid for its size."""
    from steadymap.configs.document import anchor_paths, read_config
    from steadymap.configs.sweep import DataSource, SweepConfig

    path = Path(place)
    if path.suffix.lower() not in CONFIG_ENDINGS:
        data = DataSource(path=place, **words.given())
        return anchor_paths(SweepConfig(name=path.stem[:80] or "data", data=data), Path.cwd())
    if words.given():
        word = next(iter(words.given()))
        raise InputError(
            f"--{word} goes with a data file",
            file=path,
            remedy=f"name it in the config, under `data: {word}:`",
        )
    return read_config(path)
