"""Match ids of whole tables at once; plain pandas walks through text values one by one."""

import numpy as np
import pandas as pd


def find_positions(values: pd.Series, keys: pd.Series) -> np.ndarray:
    """Find each value among keys.

    Args:
        values: What is looked for, text.
        keys: Where, text; of equal keys the first one is found.

    Returns:
        One position per value, -1 where it is missing or not among the keys.

    >>> find_positions(pd.Series(["b", None, "x"]), pd.Series(["a", "b"])).tolist()
    [1, -1, -1]
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(values.astype("str").array, type=pa.large_string(), from_pandas=True)
    among = pa.array(keys.astype("str").array, type=pa.large_string(), from_pandas=True)
    found = pc.index_in(wanted, value_set=among, skip_nulls=True)
    return pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype("int64")


def is_among(values: pd.Series, keys: pd.Series) -> pd.Series:
    """Tell for each value whether it is among the keys; a missing value is not."""
    return pd.Series(find_positions(values, keys) >= 0, index=values.index)


def pick(results: pd.Series, positions: np.ndarray, index: pd.Index) -> pd.Series:
    """Return the result at each position, missing at -1, on a new index."""
    return pd.Series(results.array.take(positions, allow_fill=True), index=index)
