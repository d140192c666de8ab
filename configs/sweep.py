"""The sweep's schema: what a person may write in a config, and what each key means.

The same model validates the YAML file, is the flow's parameter, and so becomes the form in the
Prefect UI. It validates words and ranges only; what depends on the data (too few rows for a
perplexity) is decided in ``steadymap.configs.grid`` when the number of rows is known.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from steadymap.configs.urls import NO_SECRETS, carries_secret

Metric = Literal["euclidean", "cosine"]
DATA_ENDINGS = (
    *(".npy", ".npz", ".parquet", ".csv", ".h5ad", ".pq", ".tsv", ".csv.gz", ".tsv.gz", ".feather", ".arrow"),
    *(".jsonl", ".ndjson", ".jsonl.gz", ".zarr", ".safetensors", ".vec", ".vec.gz"),
)
"""Endings of the files that data is read from."""
MODEL_ENDING = ".onnx"
"""Ending of the files that an encoder is read from."""

Seed = Annotated[int, Field(ge=0, lt=2**32)]
T = TypeVar("T")


def _as_sequence(value: Any) -> Any:
    """Let ``perplexity: 30`` mean ``perplexity: [30]``."""
    return value if isinstance(value, list | tuple) else (value,)


def _without_repeats(values: tuple[T, ...]) -> tuple[T, ...]:
    repeated = sorted({str(value) for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"values must differ; given more than once: {', '.join(repeated)}")
    return values


Many = Annotated[
    tuple[T, ...],
    BeforeValidator(_as_sequence),
    AfterValidator(_without_repeats),
    Field(min_length=1),
]
"""One value or a list of them; a list is an axis of the grid."""


def split_reference(role: str) -> tuple[str | None, str]:
    """Split ``images.npz#x`` into a file and a name in it; what names no file is looked for in the data file.

    The name is empty where the file holds one thing only: ``labels.npy``.
    """
    places = [place for place, sign in enumerate(role) if sign == "#"]
    for place in reversed(places):  # a folder or a file may have a # in its name
        if ending_of(role[:place]) is not None and ending_of(role[place + 1 :]) is None:
            return role[:place], role[place + 1 :]
    return (role, "") if ending_of(role) is not None else (None, role)


def ending_of(name: str) -> str | None:
    """Return the ending by which a data file is read, the longest there is: ``.csv.gz``."""
    found = [ending for ending in DATA_ENDINGS if name.lower().endswith(ending)]
    return max(found, key=len) if found else None


class Settings(BaseModel):
    """Frozen, refuses unknown keys, and takes the text under each field as its description."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Encoder(Settings):
    """A trained encoder and what it encodes. The inputs reach it as they are: nothing is scaled or normalised."""

    model: str
    """An .onnx file. Relative paths start at the folder of the config file; a form takes absolute ones."""
    inputs: str
    """The raw inputs: images.npy, data.npz#x, or columns of a table such as pixels.csv#p*."""
    output: str | None = None
    """The model's output with the latent vectors. Default: the first that is 2-d."""
    batch: Annotated[int, Field(ge=1)] = 256
    """Rows encoded at a time; a model with a fixed batch size keeps to its own."""

    @model_validator(mode="after")
    def _are_files(self) -> Encoder:
        if not self.model.lower().endswith(MODEL_ENDING):
            raise ValueError(f"`model` is an {MODEL_ENDING} file, not {self.model!r} (docs/encoder.md: how to export)")
        if split_reference(self.inputs)[0] is None:
            raise ValueError(f"`inputs` names a data file ({', '.join(DATA_ENDINGS)}), not {self.inputs!r}")
        return self


EXAMPLE_DECODER = "example"
"""Names the decoder of the example's autoencoder."""


class Decoder(Settings):
    """The decoder that belongs to the encoder: what clusters mean, in the space of the inputs (docs/encoders.md)."""

    model: str
    """An .onnx file that takes latent vectors; `example` is that of the example. Relative paths start at the folder of
    the config file; a form takes absolute ones."""
    output: str | None = None
    """The model's output with the reconstructions. Default: its only one."""
    encoder: str | None = None
    """An .onnx file that encodes reconstructions again, which shows what lies off the manifold. Default: the model
    under `encode`."""
    batch: Annotated[int, Field(ge=1)] = 256
    """Rows decoded at a time; a model with a fixed batch size keeps to its own."""

    @model_validator(mode="after")
    def _are_files(self) -> Decoder:
        for key, place in (("model", self.model), ("encoder", self.encoder)):
            if place is not None and place != EXAMPLE_DECODER and not place.lower().endswith(MODEL_ENDING):
                raise ValueError(f"`{key}` is an {MODEL_ENDING} file, not {place!r} (docs/encoder.md: how to export)")
        return self


FEWEST_SAMPLED = 100
"""A sample of fewer rows has lost what it is asked for."""


class DataSource(Settings):
    """Where the latent vectors come from: a file, an encoder, or an example that ships with Steadymap.

    Labels, ids, groups and inputs are arrays or columns of that file, or lie in files of their own: `labels.npy`
    (the whole array), `meta.csv#species` (one column). Of an encoder, that file is the one with its inputs.
    """

    path: str | None = None
    """A data file (.npy, .npz, .parquet, .csv, .h5ad and others: docs/inputs.md), or a folder of Parquet shards, or the
    URL of a file (s3://…). Relative paths start at the folder of the config file; a form takes absolute ones."""
    encode: Encoder | None = None
    """A trained encoder (ONNX) and the inputs it encodes."""
    decode: Decoder | None = None
    """The trained decoder (ONNX) of these latent vectors."""
    example: Literal["digits"] | None = None
    """`digits`: a small autoencoder trained on scikit-learn's digits (1,797 rows, 16 latent dimensions)."""
    example_seeds: Many[Seed] = (0,)
    """Seeds of the example's training; each further one is an encoder of its own."""
    encoders: Many[str] | None = None
    """Latent vectors of the same inputs by several encoders: retrained ones, or checkpoints of one training. Data
    files, folders or patterns such as `checkpoints/*.npz`, or .onnx models, whose inputs `inputs` names. Every encoder
    is swept, and clusters are followed through all of them by ids (docs/encoders.md)."""
    further_encoders: Literal["fast", "full"] = "fast"
    """How encoders after the first (of checkpoints, before the last) are swept."""
    latents: Many[str] | None = None
    """The array of an .npz, the columns of a table (names or patterns such as `z*`), a column of lists, or a matrix in
    the obsm of an .h5ad (X is its main matrix). Default: the first of latents, z, Z, X, embeddings, or the only 2-d
    array; in a table, the only column of lists, or every numeric column that has no other role; in an .h5ad, the only
    matrix in obsm with more than three columns. Where two readings are possible, it has to be named."""
    labels: Many[str] | None = None
    """Arrays or columns with labels; the first one colours the pictures. Default: y or label, where there is one."""
    id: str | None = None
    """Array or column with a name for each row. Default: id or ids, where there is one; of an .h5ad, obs_names."""
    group: str | None = None
    """Array or column with the group (subject, session, file) of each row; splits keep groups whole."""
    inputs: Many[str] | None = None
    """Array or columns with the raw inputs that were encoded (images.npy: one image per row)."""
    log_variance: str | None = None
    """Array with log σ² of a variational encoder's posterior, shaped as the latents, which are then its means. Default:
    logvar or log_var of an .npz, where there is one beside `mu`."""
    header: bool | None = None
    """Whether the first line of separated values (.csv, .tsv) holds names. Default: found by what is in it."""
    sample: Annotated[int, Field(ge=FEWEST_SAMPLED)] | None = None
    """Draw and judge so many of the rows, and not all: chosen by their ids (by their numbers where there are none, or
    one is there twice), so that every machine and every night takes the same ones. Of every label and group 100 rows
    are kept, or all it has. Default: all rows."""
    input_shape: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=2, max_length=3)] | None = None
    """Shape of one raw input where it is an image, such as [8, 8] or [32, 32, 3]; the report then shows it. Default: as
    stored, where that is 2-d or 3-d."""

    @model_validator(mode="after")
    def _one_source(self) -> DataSource:
        if sum(source is not None for source in (self.path, self.encode, self.example, self.encoders)) != 1:
            raise ValueError(
                "give exactly one of `path` (a data file), `encoders` (several), `encode` (an encoder and its inputs) "
                "and `example` (digits)"
            )
        roles = [
            self.path,
            *(self.encoders or ()),
            *(self.labels or ()),
            self.id,
            self.group,
            *(self.inputs or ()),
            self.log_variance,
        ]
        if self.encode is not None:
            roles += [self.encode.model, self.encode.inputs]
        if self.decode is not None:
            roles += [self.decode.model, self.decode.encoder]
        if any(place is not None and carries_secret(place) for place in roles):
            raise ValueError(NO_SECRETS)  # which does not repeat it
        if self.encode is not None and self.latents is not None:
            raise ValueError("`latents` belongs to `path`; with `encode` name the model's output: `encode: output:`")
        if self.encode is not None and self.log_variance is not None:
            raise ValueError("`log_variance` belongs to `path`: an encoder's second output is not read")
        if self.encode is not None and self.inputs is not None:
            raise ValueError("`inputs` belongs to `path`; with `encode` the inputs are `encode: inputs:`")
        self._check_decoder()
        if self.input_shape is not None and len(self.input_shape) == 3 and not {1, 3} & {*self.input_shape[::2]}:
            raise ValueError("`input_shape` of an image in colour has 1 or 3 channels, in its last place or its first")
        return self

    def _check_decoder(self) -> None:
        if self.decode is None:
            return
        if self.encoders is not None:
            raise ValueError("`decode` belongs to one encoder; sweep the one whose decoder it is with `path`")
        if (self.decode.model == EXAMPLE_DECODER) != (self.example is not None):
            raise ValueError("`decode: {model: example}` and `example` belong together; other decoders are .onnx files")

    @property
    def several(self) -> bool:
        """Whether it names several encoders; a sweep draws one."""
        return self.encoders is not None or (self.example is not None and len(self.example_seeds) > 1)


class Preprocessing(Settings):
    """What is done to the vectors before neighbours are sought; by default nothing."""

    metric: Metric = "euclidean"
    """Distance in the latent space. `cosine` is 1 minus the cosine of the angle between two rows."""
    scale: Literal["none", "standard"] = "none"
    """`standard`: every column to mean 0 and standard deviation 1."""
    pca: Annotated[int, Field(ge=1)] | None = None
    """Keep this many principal components."""


OPENTSNES_METHODS = ("barnes-hut", "fft")


class TsneGrid(Settings):
    """t-SNE; every listed value of every key is combined with every other."""

    reducer: Literal["tsne"]
    perplexity: Many[Annotated[float, Field(ge=1)]] = (30.0,)
    """Effective number of neighbours, at least 1; needs 3 × perplexity < rows."""
    exaggeration: Many[Annotated[float, Field(ge=1)]] = (1.0,)
    """Late exaggeration; 1 is standard t-SNE, 4 draws clusters of huge data apart."""
    learning_rate: Many[Literal["auto"] | Annotated[float, Field(gt=0)]] = ("auto",)
    """`auto` is rows / exaggeration of the phase."""
    init: Many[Literal["pca", "random"]] = ("pca",)
    """`pca`: shared principal components plus noise drawn from the seed. `random`: the seed alone."""
    metric: Many[Metric] | None = None
    """Sweep the metric; default: the one under `preprocess`."""
    engine: Literal["steadymap", "openTSNE", "sklearn"] = "steadymap"
    """`steadymap` draws all seeds and exaggerations of a perplexity side by side; `openTSNE` one at a time, on the same
    affinities; `sklearn` is `sklearn.manifold.TSNE` as it is."""
    method: Literal["auto", "exact", "grid", "barnes-hut", "fft"] = "auto"
    """Repulsive forces; auto is every pair (exact) where there are few rows, else a grid. openTSNE has no grid but FFT
    (auto from 10,000 rows on) and Barnes-Hut (auto in 3 dimensions); a method that it alone has implies it."""
    dimension: Many[Literal[2, 3]] = (2,)
    """Dimensions of the picture; openTSNE's exact and FFT draw 2 only."""

    @model_validator(mode="before")
    @classmethod
    def _method_implies_engine(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("method") in OPENTSNES_METHODS and "engine" not in given:
            return {**given, "engine": "openTSNE"}
        return given

    @model_validator(mode="after")
    def _engine_can(self) -> TsneGrid:
        if self.engine == "sklearn" and self.exaggeration != (1.0,):
            raise ValueError("scikit-learn's t-SNE has no late exaggeration; use engine: openTSNE")
        if self.engine == "sklearn" and self.method == "fft":
            raise ValueError("scikit-learn's t-SNE has no FFT method; use engine: openTSNE")
        if self.engine == "sklearn" and self.method == "exact":
            raise ValueError("scikit-learn's exact t-SNE holds n × n arrays; use engine: steadymap")
        if self.engine != "steadymap" and self.method == "grid":
            raise ValueError(f"{self.engine} has no grid method; use engine: steadymap")
        if self.engine == "steadymap" and self.method in OPENTSNES_METHODS:
            raise ValueError(f"method: {self.method} is openTSNE's; use engine: openTSNE")
        if self.engine == "openTSNE" and self.method in ("fft", "exact") and 3 in self.dimension:
            raise ValueError(f"openTSNE's {self.method} draws 2 dimensions only; use barnes-hut for 3")
        return self


class UmapGrid(Settings):
    """UMAP; every listed value of every key is combined with every other."""

    reducer: Literal["umap"]
    n_neighbors: Many[Annotated[int, Field(ge=2)]] = (15,)
    """Neighbours that make the fuzzy graph, the row itself counted as umap-learn does."""
    min_dist: Many[Annotated[float, Field(ge=0, le=1)]] = (0.1,)
    """How tightly points may be packed, 0 to 1 (the spread)."""
    init: Many[Literal["spectral", "pca", "random"]] = ("spectral",)
    """Start of the layout; the seed adds its own noise."""
    metric: Many[Metric] | None = None
    """Sweep the metric; default: the one under `preprocess`."""
    engine: Literal["steadymap", "umap-learn"] = "steadymap"
    """`steadymap` draws all seeds and min_dist of an n_neighbors side by side; `umap-learn` one at a time, on the same
    graph."""
    dimension: Many[Literal[2, 3]] = (2,)
    """Dimensions of the picture."""


class PcaGrid(Settings):
    """Principal components: the linear reference. It has no seed, so it is one cell."""

    reducer: Literal["pca"]
    metric: Many[Metric] | None = None
    """Sweep the metric; default: the one under `preprocess`."""
    dimension: Many[Literal[2, 3]] = (2,)
    """Dimensions of the picture."""


class RandomProjectionGrid(Settings):
    """A control: a random linear picture. What it shows, any two directions would show."""

    reducer: Literal["random_projection"]
    metric: Many[Metric] | None = None
    """Sweep the metric; default: the one under `preprocess`."""
    dimension: Many[Literal[2, 3]] = (2,)
    """Dimensions of the picture."""


class ShuffledGrid(Settings):
    """A control: the principal components with their rows shuffled. What it scores is what chance scores."""

    reducer: Literal["shuffled"]
    metric: Many[Metric] | None = None
    """Sweep the metric; default: the one under `preprocess`."""
    dimension: Many[Literal[2, 3]] = (2,)
    """Dimensions of the picture."""


GRIDS: dict[str, type[Settings]] = {
    "tsne": TsneGrid,
    "umap": UmapGrid,
    "pca": PcaGrid,
    "random_projection": RandomProjectionGrid,
    "shuffled": ShuffledGrid,
}
"""The grid of every reducer that a config can name."""

ReducerGrid = Annotated[
    TsneGrid | UmapGrid | PcaGrid | RandomProjectionGrid | ShuffledGrid, Field(discriminator="reducer")
]


class Resamples(Settings):
    """Pictures of parts of the rows: does a cluster stay when the rows change? Groups are kept whole."""

    pairs: Annotated[int, Field(ge=0, le=50)] | None = None
    """Complementary halves: each pair is two. Default: 5, fewer where the sweep itself has few pictures."""
    subsamples: Annotated[int, Field(ge=0, le=200)] = 0
    """Draws of `share` of the rows, without replacement."""
    share: Annotated[float, Field(ge=0.1, le=0.95)] = 0.8
    """Share of the rows in a subsample."""
    bootstraps: Annotated[int, Field(ge=0, le=200)] = 0
    """Draws of as many rows as there are, with replacement; each drawn row counts once (about 63 % of them)."""
    configurations: Annotated[int, Field(ge=1)] | None = None
    """How many settings are drawn on each resample. Default: 6, spread over the grid; fewer in a small sweep."""
    seeds: Many[Seed] = (0,)
    """Seeds of these pictures; the sweep's own seeds do not touch them."""


class Nulls(Settings):
    """The same pictures of reference data without clusters: what noise looks like at these settings."""

    gaussian: Annotated[int, Field(ge=0, le=200)] = 1
    """Gaussian clouds with the (shrunk) covariance of the data. From 19 on the report gives quantiles."""
    copula: Annotated[int, Field(ge=0, le=200)] = 1
    """Clouds with the data's own distribution in every column and its (shrunk) correlations."""
    configurations: Annotated[int, Field(ge=1)] | None = None
    """How many settings are drawn on each. Default: 2, one of each reducer."""
    seeds: Many[Seed] = (0,)
    """Seeds of these pictures; with two or more, their islands are compared between seeds."""


class Islands(Settings):
    """How clusters are found in one picture (HDBSCAN)."""

    min_cluster_size: Many[Annotated[int, Field(ge=2)]] | None = None
    """Smallest island, in rows. Default: 1 % of the rows, at least 10."""


class Scoring(Settings):
    """Which neighbourhood sizes the scores look at."""

    k: Many[Annotated[int, Field(ge=1)]] = (7, 15, 30)
    """Neighbourhood sizes; each must be below half of the rows."""
    exact: bool = False
    """True: score every row whatever that costs. False: from 5,000 rows on a seeded sample, with its standard error."""


class Workers(Settings):
    """How the machine is used. Nothing here changes any number."""

    count: Annotated[int, Field(ge=1)] | None = None
    """Worker processes, one thread each. Default: the cores of the machine."""
    timeout_seconds: Annotated[float, Field(gt=0)] = 3600
    """Longest time a cell may take."""
    memory_gb: Annotated[float, Field(gt=0)] | None = None
    """Most resident memory a cell may take. Default: 80 % of the machine's, divided by the workers."""
    runner: Literal["local", "dask", "ray"] = "local"
    """Where pictures are drawn: by processes of this machine, or by the workers of a Dask or Ray cluster, which have to
    see the store and the data under the same paths."""
    address: Annotated[str, Field(min_length=1)] | None = None
    """Of the cluster: `tcp://HOST:8786` (Dask), `ray://HOST:10001`. Default: one on this machine, for the time of the
    sweep."""

    @model_validator(mode="after")
    def _has_a_cluster_to_address(self) -> Workers:
        if self.address is not None and self.runner == "local":
            raise ValueError("an address is that of a cluster; set runner: dask or runner: ray, too")
        return self


class Budget(Settings):
    """When to stop before the whole grid is drawn; what was left is named in the report. By default never.

    Under a budget the most informative pictures come first: one seed of every setting, the halves that test clusters,
    further seeds, and then the rest.
    """

    hours: Annotated[float, Field(gt=0, le=8760)] | None = None
    """No picture is begun after so many hours; scores and tests of what there is follow. The same sweep, run again,
    goes on from there."""
    settled: Annotated[int, Field(ge=1)] | None = None
    """No further seed is drawn once clusters and verdicts have stayed the same over so many further seeds."""

    @property
    def limited(self) -> bool:
        """Whether there is any."""
        return self.hours is not None or self.settled is not None


class SweepConfig(Settings):
    """A sweep: one set of latent vectors, a grid of reducers, seeds."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    """What the run is called in lists and reports."""
    data: DataSource
    """The latent vectors."""
    preprocess: Preprocessing = Preprocessing()
    """Applied once, for every reducer."""
    reducers: tuple[ReducerGrid, ...] | None = Field(default=None, min_length=1)
    """The grid. Default: t-SNE, UMAP and PCA with the values that suit the number of rows."""
    seeds: Annotated[Many[Seed], Field(max_length=1000)] | None = None
    """Each is the random state of one run of every configuration. Default: 3 seeds (2 above 20,000 rows, 1 above
    200,000)."""
    islands: Islands = Islands()
    """Clusters in the pictures."""
    scores: Scoring = Scoring()
    """Neighbourhood sizes of the scores."""
    resamples: Resamples = Resamples()
    """Pictures of parts of the rows."""
    nulls: Nulls = Nulls()
    """Pictures of data without clusters."""
    fast: bool = False
    """True: one pair of halves, two settings on it, no pictures of reference data. The report says so."""
    budget: Budget = Budget()
    """Stop before the whole grid is drawn."""
    workers: Workers = Workers()
    """Processes, time and memory."""
