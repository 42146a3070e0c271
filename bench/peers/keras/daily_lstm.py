"""Two LSTM layers of 64 over 30 days of temperatures, one day ahead: error on the last fifth, and seconds of fitting."""

import time

STARTED = time.perf_counter()

import argparse  # noqa: E402
import csv  # noqa: E402
import itertools  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("table")
    parser.add_argument("--validation", type=int, required=True, help="step at which validation horizons begin")
    parser.add_argument("--test", type=int, required=True, help="step at which test horizons begin")
    parser.add_argument("--context", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--patience", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    keras.utils.set_random_seed(arguments.seed)
    with open(arguments.table) as file:
        rows = list(csv.reader(file))[1:]
    days = np.array([row[0] for row in rows], dtype="datetime64[D]")
    steps = (days - days[0]).astype(int)
    values = np.full(steps[-1] + 1, np.nan)
    values[steps] = [float(row[1]) for row in rows]
    known = ~np.isnan(values)
    filled = values[np.maximum.accumulate(np.where(known, np.arange(len(values)), 0))]
    mean, deviation = filled[: arguments.validation].mean(), filled[: arguments.validation].std()
    scaled = ((filled - mean) / deviation).astype("float32")
    windows = np.lib.stride_tricks.sliding_window_view(scaled, arguments.context)[:-1, :, None]
    origins = np.arange(arguments.context, len(scaled))
    target = scaled[origins]
    ends = (0, arguments.validation, arguments.test, len(scaled))
    parts = [np.flatnonzero((origins >= a) & (origins < b) & known[origins]) for a, b in itertools.pairwise(ends)]
    network = keras.Sequential(
        [
            keras.Input((arguments.context, 1)),
            keras.layers.LSTM(64, return_sequences=True),
            keras.layers.LSTM(64),
            keras.layers.Dense(1),
        ]
    )
    network.compile("adam", "mse")
    stop = keras.callbacks.EarlyStopping(patience=arguments.patience, restore_best_weights=True)
    train, validation, test = parts
    begun = time.perf_counter()
    history = network.fit(
        windows[train],
        target[train],
        validation_data=(windows[validation], target[validation]),
        batch_size=32,
        epochs=arguments.epochs,
        callbacks=[stop],
        verbose=0,
    )
    seconds = time.perf_counter() - begun
    errors = network.predict(windows[test], batch_size=1024, verbose=0)[:, 0] - target[test]
    result = {
        "peer": f"Keras {keras.__version__} on TensorFlow {tf.__version__}",
        "parameters": network.count_params(),
        "rows": [len(part) for part in parts],
        "epochs": len(history.history["loss"]),
        "rmse": float(np.sqrt((errors**2).mean()) * deviation),
        "fit": seconds,
        "whole": time.perf_counter() - STARTED,
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
