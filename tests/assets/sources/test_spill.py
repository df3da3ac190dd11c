"""What was put aside comes back by key, in order, once."""

from hypothesis import given
from hypothesis import strategies as st

from assets.sources.spill import Spill


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(), st.text(max_size=3))))
def test_everything_put_aside_is_taken_back_in_order(rows):
    with Spill() as pile:
        for key, number, text in rows:
            pile.put(key, str(number), {"text": text})
        taken = []
        while (key := pile.first_key()) is not None:
            taken += [(key, int(position), record["text"]) for position, record in pile.take(key)]

    assert taken == sorted(rows, key=lambda row: [r[0] for r in rows].index(row[0]))
