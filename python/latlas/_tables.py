"""Tables in and out: pandas, Parquet, CSV, .npy. Their libraries are imported when used."""

import io
import os
from typing import TYPE_CHECKING, Any, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latlas._arrays import as_float_rows

if TYPE_CHECKING:
    import pandas

Path = Union[str, "os.PathLike[str]"]


def read_table(path: Path, *, columns: Optional[Sequence[str]] = None,
               label: Optional[str] = None) -> "Tuple[NDArray[np.float32], Optional[pandas.Series]]":
    """Rows (float32) and labels from a .parquet, .csv, .tsv or .npy file.

    columns: those to read; by default all numeric ones but `label`. Returns (rows, labels); labels
    is None unless `label` names a column.
    """
    path = os.fspath(path)
    ending = os.path.splitext(path)[1].lower()
    if ending == ".npy":
        if columns is not None or label is not None:
            raise ValueError(f"{path}: a .npy file has no named columns")
        return as_float_rows(np.load(path, mmap_mode="r", allow_pickle=False), path), None
    import pandas as pd

    readers = {".parquet": pd.read_parquet, ".csv": pd.read_csv,
               ".tsv": lambda p: pd.read_csv(p, sep="\t")}
    if ending not in readers:
        raise ValueError(f"{path}: .parquet, .csv, .tsv and .npy are known")
    frame = readers[ending](path)
    named = list(columns or []) + ([label] if label is not None else [])
    missing = [name for name in named if name not in frame]
    if missing:
        raise OSError(f"{path}: has no column {missing[0]!r}; it has {', '.join(map(str, frame))}")
    labels = None if label is None else frame[label]
    if columns is None:
        numbers = frame.select_dtypes("number")
        columns = [name for name in numbers if name != label]
        if not columns:
            raise ValueError(f"{path}: has no numeric columns; name some")
    return as_float_rows(frame[list(columns)], path), labels


def map_frame(map: ArrayLike, labels: Any = None, *, index: Any = None,
              names: Sequence[str] = ("x", "y", "z"), **more: Any) -> "pandas.DataFrame":
    """A map as a pandas.DataFrame: its coordinates, the label of each row, and further columns."""
    import pandas as pd

    map = np.asarray(map)
    if map.ndim != 2 or map.shape[1] > len(names):
        raise ValueError(f"map has the shape {map.shape}, it must be n × 1 … {len(names)}")
    frame = pd.DataFrame(map, columns=list(names[:map.shape[1]]), index=index)
    if labels is not None:
        frame["label"] = np.asarray(labels)
    for name, values in more.items():
        frame[name] = np.asarray(values)
    return frame


def write_map(path: Path, map: ArrayLike, labels: Any = None, **more: Any) -> None:
    """Writes map_frame(map, labels, **more) as .parquet or .csv, or the map alone as .npy; whole or
    not at all."""
    from latlas._estimator import write_whole

    path, out = os.fspath(path), io.BytesIO()
    ending = os.path.splitext(path)[1].lower()
    if ending == ".npy":
        np.save(out, np.asarray(map, np.float32), allow_pickle=False)
    elif ending == ".csv":
        out.write(map_frame(map, labels, **more).to_csv(index=False).encode())
    elif ending == ".parquet":
        out.write(map_frame(map, labels, **more).to_parquet())
    else:
        raise ValueError(f"{path}: .parquet, .csv and .npy are known")
    write_whole(path, out.getbuffer())
