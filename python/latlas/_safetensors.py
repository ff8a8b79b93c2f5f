"""safetensors, the format in which estimators are kept (huggingface.co/docs/safetensors):

    header length   8 bytes, little-endian
    header          JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …,
                           "__metadata__": {"key": "text"}}
    values          row-major, little-endian, one tensor after another

Nothing in it can run.
"""

import json
import math
import struct

import numpy as np

TYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "I16": "<i2",
         "I8": "<i1", "U8": "<u1", "BOOL": "|b1"}
NAMES = {np.dtype(t): name for name, t in TYPES.items()}


def to_bytes(tensors, metadata):
    """tensors: name → array; metadata: key → text."""
    header, values, at = {"__metadata__": metadata}, [], 0
    for name, array in tensors.items():
        array = np.ascontiguousarray(array)
        raw = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        header[name] = {"dtype": NAMES[array.dtype], "shape": list(array.shape),
                        "data_offsets": [at, at + len(raw)]}
        values.append(raw)
        at += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(values)


def parse(data, what):
    """(tensors, metadata) of bytes; OSError for anything but a whole, well-formed file."""
    def fail(why):
        raise OSError(f"{what}: {why}")

    if len(data) < 8:
        fail("is truncated: a safetensors file begins with 8 bytes")
    (length,) = struct.unpack_from("<Q", data)
    if length > len(data) - 8:
        fail(f"is truncated: it claims a header of {length} bytes, {len(data) - 8} follow")
    try:
        header = json.loads(bytes(data[8:8 + length]))
        metadata = header.pop("__metadata__", {})
        if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
            fail("its metadata are no table of texts")
        tensors, values = {}, memoryview(data)[8 + length:]
        for name, entry in header.items():
            kind, shape = np.dtype(TYPES[entry["dtype"]]), entry["shape"]
            begin, end = entry["data_offsets"]
            if not all(isinstance(n, int) and n >= 0 for n in [*shape, begin, end]) or \
                    end > len(values) or end - begin != math.prod(shape) * kind.itemsize:
                fail(f"the tensor {name!r} does not fit its bytes")
            tensors[name] = np.frombuffer(values[begin:end], kind).reshape(shape).copy()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        fail(f"is no safetensors file ({type(error).__name__}: {error})")
    return tensors, metadata
