import math

from hypothesis import strategies as st

# What `st.from_type` makes of the fields of results: numbers that JSON has, and "inf" beside them.
_FINITE = st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _FINITE | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
st.register_type_strategy(float, _FINITE | st.just(math.inf))
st.register_type_strategy(object, _JSON)
