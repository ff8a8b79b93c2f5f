"""Rows from whatever holds them: row-major float32 as it is, everything else converted."""

import numpy as np


def unwrapped(X, what):
    """X, or the array that it wraps; refuses what would be converted silently into nonsense.

    Masked values, texts and complex numbers are errors; objects that speak DLPack and nothing else
    become views.
    """
    if isinstance(X, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(X)
        if mask.any():
            first = tuple(int(i) for i in np.argwhere(mask)[0])
            raise ValueError(
                f"{what} has {int(mask.sum())} masked values, the first at {first} (counted from "
                f"0); fill them or remove their rows first")
        return np.asarray(X)
    if not hasattr(X, "__array__") and hasattr(X, "__dlpack__"):
        try:
            X = np.from_dlpack(X)
        except (BufferError, RuntimeError, TypeError) as error:
            raise ValueError(f"{what} cannot be read as an array of this machine's memory "
                             f"({error}); bring it there first") from None
    if X is None:
        raise ValueError(f"{what} is None, it must be an array of numbers")
    kind = getattr(getattr(X, "dtype", None), "kind", None)
    if kind in ("M", "m"):
        raise ValueError(f"{what} holds dates, it must hold numbers")
    if kind in ("S", "U") or isinstance(X, (str, bytes)) or (
            kind == "O" and isinstance(X, np.ndarray) and any(isinstance(v, (str, bytes)) for v in X.flat)):
        raise ValueError(f"{what} holds texts, it must hold numbers")
    if kind == "c":
        raise ValueError(f"{what} holds complex numbers. Complex data not supported; take their "
                         f"real and imaginary parts as columns")
    return X


def as_float_rows(X, what):
    """X as a row-major float32 array of two dimensions, without a copy where it is one."""
    X = unwrapped(X, what)
    if hasattr(X, "toarray"):
        X = dense(X, what)
    try:
        array = np.asarray(X)
        if array.dtype.kind not in "fiub":
            unwrapped(array, what)
            array = array.astype(np.float32)
        if array.ndim != 2:
            raise ValueError(f"{what} has {array.ndim} dimensions, it must have 2: rows and columns")
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(array, np.float32)
    except (RuntimeError, TypeError, ValueError) as error:
        if str(error).startswith(what):
            raise
        raise ValueError(f"{what} is no table of numbers ({error})") from None


def dense(X, what, dtype=np.float32):
    """A sparse matrix as an array; refused where it would not fit into memory."""
    from latlas import _core

    rows, columns = X.shape
    size = np.dtype(dtype).itemsize * rows * columns
    if size > _core.available_memory():
        raise MemoryError(
            f"{what}: as an array, {rows} × {columns} numbers need {size / 1e9:.1f} GB, more than "
            f"there are; reduce the columns first, e.g. by sklearn.decomposition.TruncatedSVD")
    return X.astype(dtype, copy=False).toarray(order="C")


def as_labels(labels, rows, what="labels"):
    """Labels of any kind as int32 codes; one a row."""
    codes, _ = coded(labels, what)
    if len(codes) != rows:
        raise ValueError(f"{what}: {len(codes)} for {rows} rows; one a row is needed")
    return codes


def coded(labels, what="labels", missing=False):
    """Labels as (int32 codes, their values): values of numbers ascend, categories keep their order.
    Rows without a label (None, NaN, NA) are an error, or −1 where `missing` allows them."""
    kind = getattr(labels, "cat", None)
    if hasattr(kind, "codes"):  # pandas
        codes, values = np.asarray(kind.codes), list(kind.categories)
    elif hasattr(labels, "codes") and hasattr(labels, "categories"):
        codes, values = np.asarray(labels.codes), list(labels.categories)
    else:
        codes, values = _coded_array(labels, what)
    if not missing and (codes < 0).any():
        raise ValueError(f"{what}: row {int(np.argmax(codes < 0))} (counted from 0) has none")
    return np.ascontiguousarray(codes, np.int32), values


def _coded_array(labels, what):
    array = np.asarray(labels)
    if array.ndim != 1:
        raise ValueError(f"{what} has {array.ndim} dimensions, it must have 1: a label a row")
    absent = np.array([_is_absent(v) for v in array], bool) if array.dtype.kind in "OfMm" \
        else np.zeros(len(array), bool)
    present = array[~absent]
    if present.dtype.kind == "O":
        whole = all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) for v in present)
        present = present.astype(np.int64) if whole else np.array([str(v) for v in present])
    values, places = np.unique(present, return_inverse=True)
    codes = np.full(len(array), -1, np.int32)
    codes[~absent] = places.ravel()
    return codes, list(values)


def _is_absent(value):
    """None, NaN, NaT, and pandas's NA, which has no truth value when compared."""
    if value is None or type(value).__name__ == "NAType":
        return True
    return isinstance(value, (float, np.floating, np.datetime64, np.timedelta64)) and value != value
