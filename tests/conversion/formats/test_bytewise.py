"""Places of bytes, as NumPy itself tells them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingestion.conversion.formats.bytewise import places, positions


@given(st.lists(st.booleans(), max_size=70) | st.integers(0, 70).map(lambda size: [at % 9 == 0 for at in range(size)]))
def test_the_places_of_flags_are_those_that_are_set(flags):
    raw = np.array(flags, np.bool_)
    assert np.array_equal(places(raw), np.flatnonzero(raw))
    assert np.array_equal(positions(raw.view(np.uint8), 1), np.flatnonzero(raw))
