"""The answer in five seconds: which clusters are there, by name, which setting to use, which to avoid.

One sentence each; page, terminal and Markdown tell the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steadymap.reports.clusters.cluster_cards import SHAPES, ClusterCard
from steadymap.reports.pictures.label_codes import natural_order
from steadymap.reports.run.cluster_names import list_clusters
from steadymap.reports.run.run_folder import Run
from steadymap.reports.summary.ranking import RankedSetting
from steadymap.reports.summary.reducer_lines import reducer_lines
from steadymap.reports.wording import count, list_names

STEADY = 0.75
"""Below this ARI between seeds a setting's islands are called a matter of luck; Hennig's bound for valid clusters."""

MOST_AVOIDED = 2

MOST_SHOWN = 60
"""Names of one verdict that the first screen lists: in small letters so many of thirty letters fit beside the map."""


@dataclass(frozen=True)
class NamedGroup:
    """The clusters of one verdict: its word and mark, their names in a list, and how many.

    ``names`` has the first dozen, for a sentence; ``all_names`` as many as a first screen has room for.
    """

    word: str
    shape: str
    names: str
    all_names: str
    count: int


@dataclass(frozen=True)
class Answer:
    """What the first screen says.

    Attributes
    ----------
    groups
        Clusters by verdict, REAL first; one group without a word where nothing was tested.
    none_real
        Why no cluster is REAL, in a sentence; empty where one is.
    collisions
        Classes of the first label that run into each other, in a sentence; empty without any.
    use, because
        The setting to use (None without a picture), and what speaks for it.
    code
        Lines of Python that draw it.
    avoid
        Which settings not to use and why, in a sentence; empty without any.
    """

    groups: tuple[NamedGroup, ...]
    none_real: str
    collisions: str
    use: RankedSetting | None
    because: str
    code: str
    avoid: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The answer as plain lines."""
        told = [f"{group.shape} {group.word}: {group.names}".strip(" :") for group in self.groups if group.word]
        told += [self.collisions] if self.collisions else []
        told += [f"Use {self.use.title}: {self.because}."] if self.use else []
        return (*told, *([self.avoid] if self.avoid else []))


def find_answer(run: Run, clusters: Sequence[ClusterCard], ranking: Sequence[RankedSetting]) -> Answer:
    """Say what a run has found in a few sentences."""
    best = ranking[0] if ranking else None
    return Answer(
        groups=group_by_verdict(clusters),
        none_real=_none_real(clusters),
        collisions=_collisions(run),
        use=best,
        because="" if best is None else _because(best, clusters),
        code="" if best is None else reducer_lines(run, best),
        avoid=_avoid(ranking),
    )


def _none_real(clusters: Sequence[ClusterCard]) -> str:
    verdicts = [card.verdict for card in clusters if card.verdict is not None]
    words = {verdict.word for verdict in verdicts}
    if "REAL" in words:
        return ""
    if "HIDDEN" in words:
        return "No cluster is REAL: those that held-out rows show to be apart are hidden by most pictures."
    if verdicts and all(verdict.p_value is None for verdict in verdicts):
        return "No cluster can be REAL: no rows were held out, so nothing was tested."
    return "No cluster is REAL: held-out rows show none to be apart."


def group_by_verdict(clusters: Sequence[ClusterCard]) -> tuple[NamedGroup, ...]:
    """Gather clusters by verdict, REAL first, in the order of their names."""
    by_word: dict[str, list[ClusterCard]] = {}
    for card in clusters:
        by_word.setdefault(card.verdict.word if card.verdict else "", []).append(card)
    order = sorted(by_word, key=lambda word: (list(SHAPES).index(word) if word in SHAPES else len(SHAPES), word))
    return tuple(
        NamedGroup(
            word=word,
            shape=SHAPES.get(word, "") if word else "",
            names=list_clusters([card.name for card in by_name(by_word[word])]),
            all_names=list_clusters([card.name for card in by_name(by_word[word])], MOST_SHOWN),
            count=len(by_word[word]),
        )
        for word in order
    )


def by_name(clusters: Sequence[ClusterCard]) -> list[ClusterCard]:
    """Sort clusters as a reader counts their labels, those without a label after them; of one label by number."""
    return sorted(clusters, key=lambda card: (not card.name.value, natural_order(card.name.value), card.number))


def _collisions(run: Run) -> str:
    """Name classes that run into each other; groups that hang together are told together."""
    column = next(iter(run.label_columns), "")
    groups: list[set[str]] = []
    for row in run.labels.to_dict("records"):
        for other in row["runs_into"]:
            touched = [group for group in groups if group & {str(row["label"]), str(other)}]
            groups = [group for group in groups if group not in touched]
            groups.append({str(row["label"]), str(other)}.union(*touched))
    order = {str(label): place for place, label in enumerate(run.labels["label"])}
    told = [_joined(sorted(group, key=lambda label: order.get(label, len(order)))) for group in groups]
    repeated = all(str(label).casefold().startswith(column.casefold()) for label in run.labels["label"])
    return f"{'' if repeated else f'{column} '}{'; '.join(told)} run into each other." if told else ""


def _joined(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _because(best: RankedSetting, clusters: Sequence[ClusterCard]) -> str:
    """Say what speaks for a setting in plain words."""
    real = any(card.verdict and card.verdict.word == "REAL" for card in clusters)
    told = []
    if best.kept is not None and best.wanted:
        told.append(f"it keeps {_kept(best.kept, best.wanted, 'REAL cluster' if real else 'cluster')}")
    if best.trustworthiness is not None:
        told.append(f"trustworthiness {best.trustworthiness.value:.2f}")
    if best.steadiness is not None:
        told.append(f"seeds agree to {best.steadiness.value:.2f} (ARI)")
    return ", ".join(told)


def _kept(kept: int, wanted: int, noun: str) -> str:
    """Write how many of the clusters that count are kept: ``3 of 4 clusters``, ``both``, ``all 9 clusters``."""
    if kept < wanted:
        return f"{kept} of {count(wanted, noun)}"
    return {1: f"the one {noun}", 2: f"both {noun}s"}.get(wanted, f"all {wanted} {noun}s")


def _avoid(ranking: Sequence[RankedSetting]) -> str:
    """Name the settings whose islands are a matter of the seed; without any, the one that keeps least.

    What is said against the others must not hold for the setting to use as well: where it does, that is said.
    """
    compared = [(one, one.steadiness.value) for one in ranking if one.steadiness is not None]
    shaky = [one for one, value in sorted(compared, key=lambda pair: pair[1]) if value < STEADY]
    others = list_names([one.title for one in shaky if one is not ranking[0]], MOST_AVOIDED)
    if 1 < len(shaky) == len(compared):
        which = "" if len(compared) == len(ranking) else " with two seeds"
        return f"In every setting{which} another seed draws other islands: trust the verdicts, not a picture."
    if shaky and ranking[0] in shaky:
        return f"With this one, too, another seed draws other islands{f', as with {others}' if others else ''}."
    if shaky:
        return f"Avoid {others}: another seed draws other islands."
    known = [one for one in ranking if one.kept is not None]
    if not known or known[-1].kept == known[0].kept:
        return ""
    worst = known[-1]
    return f"Avoid {worst.title}: it keeps {worst.kept} of {worst.wanted} clusters."
