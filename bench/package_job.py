"""The job of the original notebook by the package alone: train, encode, PCA, t-SNE, two figures."""

import json
import tempfile
import time

begin = time.monotonic()
import matplotlib  # noqa: E402  (imports are part of the job)

matplotlib.use("Agg")

import latlas  # noqa: E402


def main():
    digits = latlas.load_dataset("mnist")
    autoencoder = latlas.Autoencoder(latent=32, epochs=50, batch_size=256)
    autoencoder.fit(digits.train, validation_data=digits.test)
    train, test = autoencoder.transform(digits.train), autoencoder.transform(digits.test)
    pca, tsne = latlas.PCA(n_components=2), latlas.TSNE()
    maps = {"pca": (pca.fit_transform(train), pca.transform(test)),
            "tsne": (tsne.fit_transform(train), tsne.transform(test))}
    with tempfile.TemporaryDirectory() as folder:
        for name, (a, b) in maps.items():
            latlas.plot(a, test=b, title=name).figure.savefig(f"{folder}/{name}.png")
    print(json.dumps({"seconds": time.monotonic() - begin, "kl": tsne.kl_divergence_,
                      "val_loss": autoencoder.history_["val_loss"][-1]}))


if __name__ == "__main__":
    main()
