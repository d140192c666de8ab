"""Step: find the sweeps of a night, every config with every data set, and see what the store has of each."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from steadymap.configs.document import read_config
from steadymap.configs.errors import InputError
from steadymap.configs.nightly import NIGHTLY_FILE, NightlyConfig, Roles
from steadymap.configs.sweep import DATA_ENDINGS, DataSource, SweepConfig, split_reference
from steadymap.tasks.plan.find_encoders import LONGEST_NAME, find_encoders
from steadymap.tasks.plan.matching_files import (
    escape_what_is_there,
    existing_files,
    files_of,
    matching_files,
    name_files,
    natural_key,
)
from steadymap.tasks.plan.prepared import Prepared, prepare
from steadymap.tasks.store.files import file_digest
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.run_manifest import MANIFEST, find_complete_run

CONFIG_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True)
class NightSweep:
    """One sweep of a night.

    Attributes
    ----------
    name
        What the run is called, the same every night.
    config_file, data
        Where it comes from, for people.
    config
        The sweep; None where it cannot be read.
    problem
        Why not.
    """

    name: str
    config_file: str
    data: str
    config: SweepConfig | None
    problem: str | None = None


@dataclass(frozen=True)
class NightData:
    """A data set of the night: its path or URL, and what it is called."""

    path: str
    name: str


def find_sweeps(night: NightlyConfig) -> list[NightSweep]:
    """List the sweeps of a night, by config and then by data set; a config at fault is listed with its fault.

    Raises
    ------
    InputError
        There is no config, no data set, or two sweeps would have one name.
    """
    files = None if night.datasets is None else find_datasets(night)
    sweeps = [sweep for path in find_configs(night) for sweep in _sweeps_of(path, files, night.roles)]
    names = [sweep.name for sweep in sweeps]
    for name in names:
        if names.count(name) > 1:
            places = [f"{Path(one.config_file).name} over {one.data}" for one in sweeps if one.name == name]
            raise InputError(
                f"{len(places)} sweeps are called {name!r}: {', '.join(places[:5])}",
                file=night.configs,
                rule="every sweep of a night has a name of its own: that of its config, and of its data file",
                remedy="give the configs different names, or rename the data files",
            )
    return sweeps


def find_configs(night: NightlyConfig) -> list[Path]:
    """List the configs of a night; a folder's are its .yaml files, the night's own aside.

    Raises
    ------
    InputError
        There are none.
    """
    place = Path(night.configs)
    if place.is_file():
        return [place]
    found = [
        path
        for path in (files_of(place) if place.is_dir() else existing_files(escape_what_is_there(night.configs)))
        if path.suffix.lower() in CONFIG_ENDINGS and path.name != NIGHTLY_FILE and path.is_file()
    ]
    if not found:
        raise InputError(
            "there is no sweep config",
            file=night.configs,
            place="configs",
            rule=f"a .yaml file, a folder with some ({NIGHTLY_FILE} does not count), or a pattern",
            remedy="check the path; `steadymap check CONFIG` says whether a config is right",
        )
    return found


def find_datasets(night: NightlyConfig) -> list[NightData]:
    """List the data files of a night.

    Raises
    ------
    InputError
        A pattern matches none.
    """
    found: list[NightData] = []
    for pattern in night.datasets or ():
        root, matched = matching_files(pattern)
        if not matched:
            raise InputError(
                "there is no data set",
                file=pattern,
                place="datasets",
                rule=f"files that end in {', '.join(DATA_ENDINGS)}, a folder with some, or a pattern",
                remedy="check the path; is the drive there?",
            )
        if night.pick == "latest":
            latest = max(matched, key=lambda path: (natural_key(path.rpartition("/")[2]), path))
            found.append(NightData(latest, _name_of_pattern(pattern, root)))
        else:
            found += [NightData(path, name) for path, name in name_files(matched, root)]
    return list({file.path: file for file in found}.values())


def _name_of_pattern(pattern: str, root: str) -> str:
    """Name a pattern by what its last part begins with, or by its folder: ``encoder7-*.npz`` is ``encoder7``."""
    last = PurePosixPath(pattern).name
    begin = last if glob.has_magic(last) else ""
    for sign in "*?[":
        begin = begin.split(sign)[0]
    return begin.strip("-_. ") or PurePosixPath(root).name


def _sweeps_of(path: Path, files: list[NightData] | None, roles: Roles | None) -> list[NightSweep]:
    try:
        config = read_config(path)
    except InputError as error:
        return [NightSweep(path.stem, str(path), "", None, str(error))]
    if files is None and config.data.several:
        return _of_encoders(config, path)
    if files is None:
        return [NightSweep(config.name, str(path), _told(config.data), config)]
    return [_over(config, path, file, roles) for file in files]


def _of_encoders(config: SweepConfig, path: Path) -> list[NightSweep]:
    """List a sweep for every encoder that a config names."""
    try:
        encoders = find_encoders(config)
    except InputError as error:
        return [NightSweep(config.name, str(path), "", None, str(error))]
    return [NightSweep(one.config.name, str(path), _told(one.config.data), one.config) for one in encoders.all]


def _over(config: SweepConfig, path: Path, file: NightData, roles: Roles | None) -> NightSweep:
    name = f"{config.name}, {file.name}"
    if len(name) > LONGEST_NAME:
        problem = InputError(
            f"the name {name!r} has {len(name)} characters",
            file=path,
            rule=f"at most {LONGEST_NAME}, with the name of the data set",
            remedy="shorten `name:`",
        )
        return NightSweep(name, str(path), file.path, None, str(problem))
    data = _replaced(config.data, file.path)
    if roles is not None:
        try:
            data = DataSource.model_validate({**data.model_dump(), **roles.given})
        except ValidationError as error:
            problem = InputError(error.errors()[0]["msg"], file=path, place="roles")
            return NightSweep(name, str(path), file.path, None, str(problem))
    return NightSweep(name, str(path), file.path, config.model_copy(update={"name": name, "data": data}))


def _replaced(data: DataSource, path: str) -> DataSource:
    """Put a data file in the place of a config's own; of an encoder, in that of its inputs."""
    if data.encode is None:
        return data.model_copy(update={"path": path, "example": None, "encoders": None})
    name = split_reference(data.encode.inputs)[1]
    inputs = f"{path}#{name}" if name else path
    return data.model_copy(update={"encode": data.encode.model_copy(update={"inputs": inputs})})


def _told(data: DataSource) -> str:
    if data.encode is not None:
        return data.encode.inputs
    return data.path or f"example: {data.example}"


@dataclass(frozen=True)
class StoreState:
    """What the store has of a sweep: its run, and the digest of its manifest where it is complete."""

    run: str
    state: str | None
    prepared: Prepared


def look_at(sweep: SweepConfig, store: Store) -> StoreState:
    """Read a sweep's data, and say whether its run is complete. Content counts; times and paths do not.

    Raises
    ------
    InputError
        The data cannot be used.
    """
    prepared = prepare(sweep, store)
    plan = prepared.plan
    complete = not plan.missing and find_complete_run(store.run(plan.run), plan.identity) is not None
    return StoreState(plan.run, state_of(store, plan.run) if complete else None, prepared)


def state_of(store: Store, run: str) -> str:
    """Return the digest of a run's manifest, which knows those of its tables."""
    return file_digest(store.run(run) / MANIFEST)
