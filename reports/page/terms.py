"""The words of the page, each explained in a sentence where it stands; a pointer and a keyboard reach it."""

from __future__ import annotations

import re
from collections.abc import Callable

from markupsafe import Markup, escape

from steadymap.reports.summary.summary import Summary

TERMS = {
    "cluster": "Rows that most pictures put together, whatever the setting and the seed.",
    "island": "A group of points in one picture, with empty space around it, as HDBSCAN finds it.",
    "recurrence": "How similar the most similar island is, as a mean over settings: 1 is the same rows, 0 none of them "
    "(Jaccard index).",
    "depth": "Valley depth: the density of held-out rows in the valley around the cluster over that of the lower peak. "
    "0 is empty space, 1 is no valley.",
    "REAL": "Rows that were held out show a valley around it, and at least half of the settings show it.",
    "HIDDEN": "Held-out rows show a valley around it, but most settings hide it.",
    "ARTEFACT": "Pictures show it, and held-out rows show that there is no valley.",
    "UNCERTAIN": "Neither shown nor excluded, mostly for want of rows; its card says how many more would settle it.",
    "trustworthiness": "How few strangers a picture puts among a row's nearest neighbours: 1 is none, 0.5 is chance. "
    "Mean over seeds.",
    "AUC of R_NX": "How well neighbourhoods of every size are kept, small ones counting most: 1 is all, 0 is chance. "
    "Mean over seeds.",
    "R_NX": "The share of a row's neighbours that a picture keeps, beyond what chance would keep: 1 is all, 0 is "
    "chance.",
    "ARI": "Adjusted Rand index: how far two pictures put the same rows into the same islands. 1 is the same islands, "
    "0 is chance.",
    "AMI": "Adjusted mutual information: how much the islands of one picture say about those of another. 1 is "
    "everything, 0 is chance.",
    "PAC": "Share of pairs of rows that pictures disagree about: now in one island, now in two. 0 is full agreement.",
    "NESS": "How far each row's neighbours stay the same over all pictures together: 1 is always, 0 is never.",
    "ECS": "Element-centric similarity: the share of its island that a row keeps from one picture to another.",
    "latent space": "The vectors that an encoder gives, before any picture of them is drawn.",
}

EXPLAINED = ("trustworthiness", "AUC of R_NX", "R_NX", "ARI", "AMI", "PAC", "NESS", "ECS", "recurrence", "latent space")
"""Words that running text may hold, the longest of those that begin alike first; "islands" counts as "island"."""


def explainer() -> Callable[[str], Markup]:
    """Return a filter for the text of one page: each term is explained where it stands first, and is plain after."""
    told: set[str] = set()
    words = re.compile(rf"\b(?:{'|'.join(map(re.escape, EXPLAINED))}|islands?)\b")

    def explain(text: str) -> Markup:
        done, parts = 0, []
        for found in words.finditer(text):
            word = "island" if found[0].startswith("island") else found[0]
            if word in told:
                continue
            told.add(word)
            parts += [escape(text[done : found.start()]), _with_tooltip(found[0], TERMS[word])]
            done = found.end()
        return Markup("").join([*parts, escape(text[done:])])

    return explain


def _with_tooltip(word: str, meaning: str) -> Markup:
    return Markup('<span class="term" tabindex="0">{}<span role="tooltip">{}</span></span>').format(word, meaning)


def sections(summary: Summary, *, ranked: bool) -> tuple[tuple[str, str], ...]:
    """Return anchor and name of every section that a page has; ``ranked`` says whether settings are compared."""
    known = {
        "answer": ("Answer", True),
        "clusters": ("Clusters", bool(summary.clusters)),
        "settings": ("Settings", ranked),
        "grid": ("Pictures", True),
        "findings": ("Trust", len(summary.findings) > 1 or summary.smallest is not None),
        "labels": ("Labels", bool(summary.label_tests or (summary.labels and summary.clusters))),
        "latent": ("Latent space", bool(summary.latent_space)),
        "tracks": ("Causes", summary.tracks is not None),
        "noise": ("Noise", bool(summary.noise)),
        "scores": ("Faithfulness", True),
        "stability": ("Stability", True),
        "reading": ("How to read", True),
        "lost": ("Failures", bool(summary.lost or summary.warnings)),
        "provenance": ("Provenance", True),
    }
    return tuple((anchor, name) for anchor, (name, there) in known.items() if there)
