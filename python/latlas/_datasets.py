"""Datasets that latlas knows by name; no network unless asked."""

import hashlib
import http.client
import os
import time
import urllib.request
from dataclasses import dataclass
from typing import List, Union

import numpy as np

from latlas import _core


@dataclass(frozen=True)
class Dataset:
    """Images as rows of bytes, with their labels, in a training and a test part."""

    name: str
    train: np.ndarray        #: n × (height · width) pixels, uint8
    test: np.ndarray
    train_labels: np.ndarray  #: one a row; index into class_names
    test_labels: np.ndarray
    height: int
    width: int
    class_names: List[str]
    source: str              #: whence

    def __repr__(self):
        return (f"Dataset({self.name!r}: {len(self.train)} training and {len(self.test)} test images "
                f"of {self.height} × {self.width} pixels, {len(self.class_names)} classes)")


def load_dataset(name: Union[str, "os.PathLike[str]"], *, fetch: bool = False,
                 or_synthetic: bool = False, train: int = 0, test: int = 0, seed: int = 0) -> Dataset:
    """A dataset of the catalog ("mnist", "fashion-mnist", "kmnist"), "synthetic" (digits drawn by
    our own code), or the path of a folder that holds the four IDX files.

    Looked for in $LATLAS_DATA and in the user's cache. fetch=True downloads it there over HTTPS,
    known by its SHA-256 (unless the environment has LATLAS_OFFLINE); or_synthetic=True takes the synthetic digits where it is not to be had.
    train, test: keep the first rows only; 0 keeps all. seed is of the synthetic digits.
    OSError where it is not on this machine.
    """
    if name == "synthetic":
        return _synthetic(train, test, seed)
    if os.path.isdir(name):
        found = _core.read_idx_folder(os.fspath(name))
    else:
        if _core.find_dataset(name) is None:
            try:
                if not fetch:
                    raise OSError(
                        f"dataset {name} is not on this machine (it would lie in "
                        f"{_core.dataset_folder(name)}); load_dataset({name!r}, fetch=True) "
                        f"downloads it")
                _fetch(name)
            except OSError:
                if not or_synthetic:
                    raise
                return _synthetic(train, test, seed)
        found = _core.load_dataset(name)
    for part, rows in (("train", train), ("test", test)):
        if rows < 0 or rows > len(found[part]):
            raise ValueError(f"{part} is {rows}, {name} has {len(found[part])} such rows")
        if rows:
            found[part] = found[part][:rows]
            found[f"{part}_labels"] = found[f"{part}_labels"][:rows]
    return Dataset(**found)


def _synthetic(train, test, seed):
    return Dataset(**_core.synthetic_digits(
        {"train": train or 60000, "test": test or 10000, "seed": seed}))


def _fetch(name):
    if os.environ.get("LATLAS_OFFLINE"):
        raise OSError(f"dataset {name} is not on this machine, and LATLAS_OFFLINE forbids downloads")
    folder = _core.dataset_folder(name)
    os.makedirs(folder, exist_ok=True)
    for file, size, digest, addresses in _core.known_datasets()[name]["files"]:
        target = os.path.join(folder, file)
        if not (os.path.exists(target) and _digest(target) == digest):
            _fetch_file(addresses, target, size, digest)


def _fetch_file(addresses, target, size, digest):
    """Brings a file; bytes gather in <target>.part, from which a later attempt goes on."""
    part, failures = f"{target}.part", []
    for address in addresses:
        try:
            resumed = _fetch_rest(address, part, size)
            if resumed and os.path.getsize(part) >= size and _digest(part) != digest:
                os.remove(part)  # what was there before was not of this file
                _fetch_rest(address, part, size)
            here = os.path.getsize(part)
            if here < size:
                failures.append(f"{address}: ended after {here} of {size} bytes")
            elif _digest(part) == digest:
                os.replace(part, target)
                return
            else:
                failures.append(f"{address}: served other bytes than the catalog's")
                os.remove(part)
        except (OSError, http.client.HTTPException) as error:
            failures.append(f"{address}: {error}")
            time.sleep(0.1)
    raise OSError(f"{os.path.basename(target)} could not be downloaded ({'; '.join(failures)})")


def _fetch_rest(address, part, size):
    """Appends to the part what it lacks; returns whether it held something before."""
    here = os.path.getsize(part) if os.path.exists(part) else 0
    if here == size:
        return True
    if here > size:
        here = 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={here}-"} if here else {})
    with urllib.request.urlopen(request, timeout=30) as source, \
            open(part, "ab" if source.status == 206 else "wb") as out:
        while block := source.read(1 << 16):
            out.write(block)
    return here > 0


def _digest(path):
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            sha.update(block)
    return sha.hexdigest()
