"""Words of the page: explained where they stand first, plain after that, and never markup of the user's."""

from __future__ import annotations

import re

from steadymap.reports.page.terms import EXPLAINED, TERMS, explainer


def test_a_word_is_explained_once_a_page() -> None:
    explain = explainer()
    first, second = explain("trustworthiness 0.99, two islands"), explain("trustworthiness 0.98 of an island; ARI 1")
    assert re.findall(r'tabindex="0">(\w+)<', first) == ["trustworthiness", "islands"]
    assert re.findall(r'tabindex="0">(\w+)<', second) == ["ARI"]
    assert re.findall(r'tabindex="0">(\w+)<', explainer()("ARI 1")) == ["ARI"]  # another page begins anew


def test_the_longer_of_two_terms_is_meant_and_parts_of_words_are_none() -> None:
    assert re.findall(r'tabindex="0">([^<]+)<', explainer()("AUC of R_NX 0.5, ARIA, islander")) == ["AUC of R_NX"]


def test_text_around_terms_is_escaped() -> None:
    told = explainer()("<b>ARI</b> & <script>")
    assert "&lt;b&gt;" in told
    assert "&amp; &lt;script&gt;" in told
    assert "<script>" not in told


def test_every_explained_word_has_its_sentence() -> None:
    assert all(TERMS[word].endswith((".", ")")) for word in EXPLAINED)
