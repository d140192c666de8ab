"""The words of the page, each explained in a sentence where it stands; a pointer and a keyboard reach it."""

from __future__ import annotations

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
}


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
