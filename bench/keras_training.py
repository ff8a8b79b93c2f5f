"""Keras 3 on TensorFlow training the same autoencoder: the peer of latlas's trainer.

    keras_training.py MNIST_FOLDER [--epochs 50] [--seed 0] [--threads 2]

MNIST_FOLDER holds train-images-idx3-ubyte and t10k-images-idx3-ubyte, plain or .gz.
Prints one line of JSON: val_loss after 4 epochs and after the last, seconds of fit(), versions.
"""

import argparse
import gzip
import json
import os
import pathlib
import time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def images(folder, name):
    import numpy

    plain, packed = folder / name, folder / f"{name}.gz"
    data = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
    return numpy.frombuffer(data, numpy.uint8, offset=16).reshape(-1, 784).astype("float32") / 255


def main():
    options = arguments()
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(options.threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(options.threads)
    keras.utils.set_random_seed(options.seed)
    train = images(options.folder, "train-images-idx3-ubyte")
    test = images(options.folder, "t10k-images-idx3-ubyte")

    model = keras.Sequential([
        keras.Input((784,)),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dense(784, activation="sigmoid"),
    ])
    model.compile(optimizer="adam", loss="binary_crossentropy")
    begin = time.perf_counter()
    history = model.fit(train, train, epochs=options.epochs, batch_size=256, shuffle=True,
                        validation_data=(test, test), verbose=0).history
    seconds = time.perf_counter() - begin
    val_loss = history["val_loss"]
    print(json.dumps({
        "val_loss": val_loss[-1],
        "val_loss_4": val_loss[3] if len(val_loss) >= 4 else None,
        "epochs": options.epochs,
        "seconds": seconds,
        "threads": options.threads,
        "seed": options.seed,
        "keras": keras.__version__,
        "tensorflow": tensorflow.__version__,
    }))


if __name__ == "__main__":
    main()
