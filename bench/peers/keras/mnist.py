"""The classic small CNN on MNIST from arrays: accuracy on the test digits and seconds since start after each epoch."""

import time

STARTED = time.perf_counter()

import argparse  # noqa: E402
import gzip  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402


def read(folder, name, offset):
    with gzip.open(os.path.join(folder, name)) as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mnist")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    keras.utils.set_random_seed(arguments.seed)
    images = {
        p: read(arguments.mnist, f"{p}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28, 1) for p in ("train", "t10k")
    }
    labels = {p: read(arguments.mnist, f"{p}-labels-idx1-ubyte.gz", 8) for p in ("train", "t10k")}
    images = {part: values.astype("float32") / 255 for part, values in images.items()}
    network = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    points = []
    for epoch in range(1, arguments.epochs + 1):
        network.fit(images["train"], labels["train"], batch_size=32, epochs=1, verbose=0)
        accuracy = network.evaluate(images["t10k"], labels["t10k"], batch_size=1024, verbose=0)[1]
        points.append({"epoch": epoch, "accuracy": float(accuracy), "seconds": time.perf_counter() - STARTED})
    result = {
        "peer": f"Keras {keras.__version__} on TensorFlow {tf.__version__}",
        "parameters": network.count_params(),
        "points": points,
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
