"""The job of the notebook "Visualizing Latent Spaces" with its own stack.

Keras on TensorFlow trains the autoencoder, scikit-learn fits PCA and t-SNE (of the 60,000 training
and, separately, of the 10,000 test latents, as the notebook does), Matplotlib draws the two scatter
plots. Prints seconds of each step as JSON. --epochs N for fewer epochs; --no-tsne leaves t-SNE out.
"""

import argparse
import json
import os
import tempfile
import time

begin = time.monotonic()
import keras  # noqa: E402  (imports are part of the job)
import matplotlib  # noqa: E402

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from sklearn.decomposition import PCA  # noqa: E402
from sklearn.manifold import TSNE  # noqa: E402

import mnist_data  # noqa: E402

steps = {"imports": time.monotonic() - begin}


def step(name, work):
    start = time.monotonic()
    result = work()
    steps[name] = time.monotonic() - start
    return result


def scatter(train, test, title, path):
    plt.figure(figsize=(10, 8))
    plt.scatter(train[:, 0], train[:, 1], s=2, label="Train", alpha=0.5)
    plt.scatter(test[:, 0], test[:, 1], s=2, label="Test", alpha=0.5)
    plt.title(title)
    plt.legend()
    plt.savefig(path)
    plt.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--no-tsne", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    keras.utils.set_random_seed(options.seed)

    train, test, _, _ = step("load", mnist_data.load)
    inputs = keras.Input(shape=(784,))
    encoded = keras.layers.Dense(32, activation="relu")(inputs)
    decoded = keras.layers.Dense(784, activation="sigmoid")(encoded)
    autoencoder = keras.Model(inputs, decoded)
    encoder = keras.Model(inputs, encoded)
    autoencoder.compile(optimizer="adam", loss="binary_crossentropy")
    history = step("train", lambda: autoencoder.fit(
        train, train, epochs=options.epochs, batch_size=256, shuffle=True,
        validation_data=(test, test), verbose=0))
    latents = step("encode", lambda: (encoder.predict(train, verbose=0),
                                      encoder.predict(test, verbose=0)))
    pca = PCA(n_components=2)
    maps = {"pca": step("pca", lambda: (pca.fit_transform(latents[0]), pca.transform(latents[1])))}
    if not options.no_tsne:
        maps["tsne"] = (
            step("tsne_train", lambda: TSNE(n_components=2, n_jobs=2).fit_transform(latents[0])),
            step("tsne_test", lambda: TSNE(n_components=2, n_jobs=2).fit_transform(latents[1])))
    with tempfile.TemporaryDirectory() as folder:
        for name, (a, b) in maps.items():
            step(f"plot_{name}", lambda a=a, b=b, name=name: scatter(
                a, b, f"{name} of the latent space", os.path.join(folder, name + ".png")))
    print(json.dumps({"seconds": time.monotonic() - begin, "steps": steps,
                      "val_loss_4": history.history["val_loss"][min(3, options.epochs - 1)],
                      "val_loss": history.history["val_loss"][-1]}))


if __name__ == "__main__":
    main()
