"""Label codes: the order of values, what is missing, and islands that keep their number from picture to picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from steadymap.reports.pictures import label_codes
from steadymap.reports.pictures.label_codes import LEAST_JACCARD, NO_CODE, encode_labels, match_islands, natural_order


def matched(reference: Sequence[int], islands: Sequence[int]) -> tuple[int, ...]:
    return match_islands(np.array(reference, np.int32), np.array(islands, np.int32))


def test_numbers_come_by_size_and_then_text_by_alphabet() -> None:
    labels = encode_labels(pd.Series(["10", "b", "2", "a", "2", "1e3", "-1"], dtype="str"))
    assert labels.names == ("2", "10", "-1", "1e3", "a", "b")
    assert labels.codes.tolist() == [1, 5, 0, 4, 0, 3, 2]
    assert labels.counts == (2, 1, 1, 1, 1, 1)


def test_a_missing_label_has_no_code_and_an_empty_one_is_a_value() -> None:
    labels = encode_labels(pd.Series(["a", None, "", "a"], dtype="str"))
    assert labels.names == ("", "a")
    assert labels.codes.tolist() == [1, NO_CODE, 0, 1]
    assert labels.counts == (1, 2)


def test_a_column_of_missing_labels_has_no_values() -> None:
    labels = encode_labels(pd.Series([None, None], dtype="str"))
    assert (labels.names, labels.counts, labels.codes.tolist()) == ((), (), [NO_CODE, NO_CODE])


def test_digits_that_no_float_holds_are_sorted_as_text() -> None:
    long = "9" * 400
    assert encode_labels(pd.Series([long, "a", "7"], dtype="str")).names == ("7", long, "a")


def test_of_too_many_values_the_most_frequent_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_codes, "MOST_VALUES", 2)
    labels = encode_labels(pd.Series(["a", "b", "b", "c", "c", "c"], dtype="str"))
    assert labels.names == ("b", "c")
    assert labels.codes.tolist() == [NO_CODE, 0, 0, 1, 1, 1]


def test_every_code_fits_the_sixteen_bits_it_travels_in() -> None:
    values = [str(value) for value in range(label_codes.MOST_VALUES + 100)]
    labels = encode_labels(pd.Series(values, dtype="str"))
    assert len(labels.names) == label_codes.MOST_VALUES
    assert labels.codes.max() == label_codes.MOST_VALUES - 1
    assert (labels.codes == NO_CODE).sum() == 100


# --- islands ------------------------------------------------------------------------------------------------------


def test_an_island_takes_the_number_of_the_one_it_shares_its_rows_with() -> None:
    assert matched([0, 0, 0, 1, 1, 1, 2, 2], [1, 1, 1, 0, 0, 0, 2, 2]) == (1, 0, 2)


def test_renumbering_islands_changes_nothing_but_the_numbers() -> None:
    generator = np.random.default_rng(0)
    reference = generator.integers(-1, 7, 500)
    order = generator.permutation(7)
    turned = np.where(reference < 0, -1, order[reference])
    numbers = np.array(matched(reference.tolist(), turned.tolist()))
    assert np.array_equal(numbers[turned[turned >= 0]], reference[reference >= 0])


def test_the_largest_overlap_is_served_first_and_the_other_half_gets_a_new_number() -> None:
    # Both islands lie in reference 0: Jaccard 3/8 and 5/8.
    assert matched([0] * 8, [0] * 3 + [1] * 5) == (1, 0)


def test_matching_is_greedy() -> None:
    # Jaccard: (0, 0) 3/7, (0, 1) 2/5, (1, 0) 2/5, (1, 1) 0. The best sum, 4/5, would cross; greedy takes 3/7.
    assert matched([0, 0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 0, 1, 1]) == (0, 2)


def test_islands_without_a_partner_get_numbers_beyond_the_reference() -> None:
    assert matched([0, 0, 0, 0, -1, -1, -1, -1], [0, 0, 0, 0, 1, 1, 2, 2]) == (0, 1, 2)
    assert matched([-1, -1], [0, 1]) == (0, 1)


def test_the_least_overlap_is_a_quarter() -> None:
    assert LEAST_JACCARD == 0.25
    assert matched([0, 0, 0, 0, 1], [0, -1, -1, -1, -1]) == (0,)  # 1 of 4
    assert matched([0, 0, 0, 0, 0], [0, -1, -1, -1, -1]) == (1,)  # 1 of 5


def test_noise_is_no_island_of_its_own() -> None:
    # Counted as an island, noise (4 rows in both) would be the best partner of anything.
    assert matched([-1, -1, -1, -1, 0, 0], [-1, -1, -1, -1, 0, 0]) == (0,)
    assert matched([0, 0], [-1, -1]) == ()


def test_no_number_is_given_twice() -> None:
    generator = np.random.default_rng(1)
    for _ in range(50):
        numbers = matched(generator.integers(-1, 6, 60).tolist(), generator.integers(-1, 9, 60).tolist())
        assert len(set(numbers)) == len(numbers)
        assert min(numbers) >= 0


def test_numbers_in_words_count_as_numbers() -> None:
    words = ["species 10", "b", "species 2", "10", "9", "species 2 b", "a1"]
    assert sorted(words, key=natural_order) == ["9", "10", "a1", "b", "species 2", "species 2 b", "species 10"]
