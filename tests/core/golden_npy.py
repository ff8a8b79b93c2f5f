"""Writes golden_npy.h: .npy files as NumPy writes them, in hexadecimal.

    /usr/bin/python3 tests/core/golden_npy.py > tests/core/golden_npy.h
    /usr/bin/python3 tests/core/golden_npy.py --corpus fuzz/corpus/npy    # seeds of the fuzz target

Value (i, j) of a 3 × 4 array is k = 4 i + j turned into: f2, f4: (7 k − 20) / 4; f8: k / 3;
u1, u4: 7 k + 3; i4: 7 k − 20; i8: 2^40 + k; b1: k is odd.
"""

import io
import pathlib
import sys

import numpy as np


def saved(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=version)
    return out.getvalue()


def arrays():
    k = np.arange(12).reshape(3, 4)
    quarters = (7 * k - 20) / 4
    yield "f2", saved(quarters.astype("<f2"))
    yield "f4", saved(quarters.astype("<f4"))
    yield "f8", saved(k / 3)
    yield "u1", saved((7 * k + 3).astype("u1"))
    yield "u4", saved((7 * k + 3).astype("<u4"))
    yield "i4", saved((7 * k - 20).astype("<i4"))
    yield "i8", saved((2**40 + k).astype("<i8"))
    yield "b1", saved(k % 2 == 1)
    yield "f4_fortran", saved(np.asfortranarray(quarters.astype("<f4")))
    yield "f4_version_2", saved(quarters.astype("<f4"), version=(2, 0))
    yield "f4_version_3", saved(quarters.astype("<f4"), version=(3, 0))
    yield "f4_no_rows", saved(np.zeros((0, 4), "<f4"))
    yield "u1_vector", saved(np.array([3, 1, 4, 1, 5], "u1"))
    yield "i8_vector", saved(np.array([3, -1, 2**62], "<i8"))
    yield "f4_big_endian", saved(quarters.astype(">f4"))
    yield "f4_scalar", saved(np.float32(1))
    yield "f4_cube", saved(np.zeros((1, 1, 1), "<f4"))
    yield "f4_no_columns", saved(np.zeros((4, 0), "<f4"))
    yield "text", saved(np.array(["one", "two"]))
    yield "complex", saved(np.array([1j]))
    yield "structured", saved(np.zeros(2, [("x", "<f4"), ("y", "<f4")]))
    yield "objects", saved(np.array([1, "two"], dtype=object))


def main():
    print("// Made by golden_npy.py; what NumPy writes, in hexadecimal.")
    print("#pragma once\n")
    print("#include <string_view>\n")
    print("namespace latlas::golden {\n")
    for name, data in arrays():
        print(f"constexpr std::string_view k_{name} =")
        digits = data.hex()
        lines = [digits[i:i + 90] for i in range(0, len(digits), 90)]
        print("\n".join(f'    "{line}"' for line in lines) + ";")
    print("\n}  // namespace latlas::golden")


def corpus(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in arrays():
        (folder / f"{name}.npy").write_bytes(data)


if __name__ == "__main__":
    corpus(pathlib.Path(sys.argv[2])) if sys.argv[1:2] == ["--corpus"] else main()
