"""Latents of augmented digits: MNIST's training images moved a little, encoded by a trained model.

Every 250 images, drawn at random, are moved by one map of the plane of their own: a shift of up to
2 pixels, a rotation of up to 15 degrees, a scale of 0.9 to 1.1, and a smooth (elastic) displacement
of about a pixel. Fewer rows are the first of more.

augmented_digits.py ROWS PROGRAM MODEL FOLDER THREADS
augmented_digits.py labels ROWS FOLDER

Makes FOLDER/augmented_ROWS.npy, or the digits of these rows (augmented_ROWS_labels.npy), unless it is
there, and prints its path. ROWS is a multiple of 100,000.
"""

import pathlib
import struct
import subprocess
import sys

import numpy as np

import mnist_data

SIDE, EACH, CHUNK = 28, 250, 100_000


def elastic(random, nodes=5):
    """A smooth displacement of the pixels: random nodes, interpolated linearly twice."""
    at = np.linspace(0, nodes - 1, SIDE)
    low = np.minimum(at.astype(int), nodes - 2)
    weight = np.zeros((SIDE, nodes))
    weight[np.arange(SIDE), low] = 1 - (at - low)
    weight[np.arange(SIDE), low + 1] = at - low
    return weight @ random.normal(0, 1.2, (nodes, nodes)) @ weight.T


def drawn(random, count):
    """Which of so many images come next, and how they are moved."""
    chosen = random.integers(0, count, EACH)
    turn, scale = np.deg2rad(random.uniform(-15, 15)), random.uniform(0.9, 1.1)
    return chosen, (turn, scale, random.uniform(-2, 2, 2), elastic(random), elastic(random))


def moved(pixels, by):
    """Images as columns (784 × m), all moved by one map; bilinear, zero outside."""
    middle = (SIDE - 1) / 2
    y, x = np.mgrid[0:SIDE, 0:SIDE] - middle
    angle, scale, shift, down, right = by
    c, s = np.cos(angle) * scale, np.sin(angle) * scale
    sy = c * y + s * x + shift[0] + down + middle
    sx = c * x - s * y + shift[1] + right + middle
    y0, x0 = np.floor(sy).astype(int), np.floor(sx).astype(int)
    out = np.zeros_like(pixels)
    for dy in (0, 1):
        for dx in (0, 1):
            py, px = y0 + dy, x0 + dx
            weight = (1 - np.abs(sy - py)) * (1 - np.abs(sx - px))
            weight[(py < 0) | (py >= SIDE) | (px < 0) | (px >= SIDE)] = 0
            place = py.clip(0, SIDE - 1) * SIDE + px.clip(0, SIDE - 1)
            out += weight.reshape(-1, 1).astype("float32") * pixels[place.reshape(-1)]
    return out


def latents(rows, program, model, folder, threads):
    """The file of so many latents, made on the first call."""
    target = folder / f"augmented_{rows}.npy"
    if target.exists():
        return target
    images = np.ascontiguousarray(mnist_data.load()[0] * 255)
    chunk, part = folder / "augmented-images-idx3-ubyte", folder / "augmented_part.npy"
    writing = folder / "augmented_writing.npy"
    whole = None
    for first in range(0, rows, CHUNK):
        random = np.random.default_rng([1, first // CHUNK])
        with open(chunk, "wb") as f:
            f.write(struct.pack(">4i", 2051, CHUNK, SIDE, SIDE))
            for _ in range(CHUNK // EACH):
                chosen, by = drawn(random, len(images))
                pixels = np.ascontiguousarray(images[chosen].T)
                f.write(np.rint(moved(pixels, by)).astype("uint8").T.tobytes())
        subprocess.run([program, "encode", model, chunk, "-o", part, "--quiet", "--threads", threads],
                       check=True, stdout=subprocess.DEVNULL)
        encoded = np.load(part)
        if whole is None:
            whole = np.lib.format.open_memmap(writing, "w+", "float32", (rows, encoded.shape[1]))
        whole[first:first + CHUNK] = encoded
    whole.flush()
    chunk.unlink()
    part.unlink()
    writing.rename(target)
    return target


def labels(rows, folder):
    """The digits of these rows."""
    target = folder / f"augmented_{rows}_labels.npy"
    if not target.exists():
        digits, found = mnist_data.load()[2], []
        for first in range(0, rows, CHUNK):
            random = np.random.default_rng([1, first // CHUNK])
            found += [digits[drawn(random, len(digits))[0]] for _ in range(CHUNK // EACH)]
        np.save(target, np.concatenate(found).astype("uint8"))
    return target


if __name__ == "__main__":
    if sys.argv[1] == "labels":
        print(labels(int(sys.argv[2]), pathlib.Path(sys.argv[3])))
        sys.exit()
    ROWS, PROGRAM, MODEL, FOLDER, THREADS = sys.argv[1:6]
    print(latents(int(ROWS), PROGRAM, MODEL, pathlib.Path(FOLDER), THREADS))
