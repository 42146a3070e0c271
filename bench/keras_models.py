"""Writes the Keras models that the tests of the import read, with inputs and the outputs that Keras gives for them.

    KERAS_BACKEND=torch python bench/keras_models.py tests/saved/imported/models.zip

With --prove STORED FOLDER it loads the .keras files of a folder, which tools/keras_back.py wrote, and compares. Needs Keras 3 (torch backend) and h5py, which are no requirements of netpick: the suite reads the stored file. Weights are drawn from a
few powers of two, so that a network of its true size takes little room in the zip.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import h5py
import keras
import numpy as np
from keras import layers

ROWS = 3


def drawn(shape: tuple[int, ...], name: str, generator: np.random.Generator) -> np.ndarray:
    """A weight of few different values, of a size that keeps activations near one."""
    levels = generator.choice([-2.0, -1.0, 0.0, 1.0, 2.0], size=shape, p=[0.1, 0.25, 0.3, 0.25, 0.1])
    if "variance" in name:
        return (np.abs(levels) * 0.5 + 0.5).astype(np.float32)
    if "gamma" in name:
        return (1 + levels / 8).astype(np.float32)
    if "count" in name:
        return np.ones(shape, np.int64)
    if len(shape) < 2:
        return (levels / 8).astype(np.float32)
    fan_in = shape[0] if "recurrent" in name or len(shape) == 2 else int(np.prod(shape[:-1]))
    if "depthwise" in name:
        fan_in = int(np.prod(shape[:-2]))
    if "embeddings" in name:
        fan_in = 1
    return (levels * 2.0 ** round(np.log2(fan_in**-0.5))).astype(np.float32)


def with_weights(model: keras.Model, seed: int = 0) -> keras.Model:
    generator = np.random.default_rng(seed)
    for weight in model.weights:
        if "seed_generator" not in weight.path:
            weight.assign(drawn(tuple(weight.shape), weight.path, generator))
    return model


def settle(model: keras.Model, rows: np.ndarray) -> None:
    """Statistics of batches for its norms, without which the rows would grow alike from layer to layer."""
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    for norm in norms:
        norm.momentum = 0.0
    model(rows, training=True)
    for norm in norms:
        norm.momentum = 0.99


def mnist_cnn() -> keras.Model:
    """The network of the Keras examples for MNIST, narrower."""
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


def colour_cnn() -> keras.Model:
    """Pictures of 64 x 64 x 3, two classes by one sigmoid, as in many courses."""
    return keras.Sequential(
        [
            layers.Input((64, 64, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, padding="same", strides=2, activation="relu"),
            layers.BatchNormalization(),
            layers.AveragePooling2D(3, strides=1, padding="same"),
            layers.Conv2D(12, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def simple_rnn() -> keras.Model:
    return keras.Sequential([layers.Input((20, 3)), layers.SimpleRNN(50), layers.Dense(1)])


def stacked_lstm() -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((24, 2)),
            layers.LSTM(64, return_sequences=True),
            layers.Dropout(0.2),
            layers.LSTM(64),
            layers.Dense(4, activation="softmax"),
        ]
    )


def text_bilstm() -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((16,), dtype="int32"),
            layers.Embedding(200, 16, mask_zero=True),
            layers.Bidirectional(layers.LSTM(12, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(8)),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def mobilenet() -> keras.Model:
    return keras.applications.MobileNet(
        input_shape=(96, 96, 3), alpha=0.25, weights=None, classes=2, classifier_activation="softmax"
    )


def resnet8() -> keras.Model:
    """ResNet-8 of MLPerf Tiny (CIFAR-10)."""
    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(16, 3, padding="same")(inputs)
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    for width, stride in ((16, 1), (32, 2), (64, 2)):
        y = layers.Conv2D(width, 3, strides=stride, padding="same")(x)
        y = layers.Activation("relu")(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(width, 3, padding="same")(y))
        if stride != 1:
            x = layers.Conv2D(width, 1, strides=stride, padding="same")(x)
        x = layers.Activation("relu")(layers.Add()([x, y]))
    x = layers.AveragePooling2D(8)(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(layers.Flatten()(x)))


def traps() -> keras.Model:
    """What goes wrong when layers are written again: rims, axes, orders.

    Average pooling has rims that are alike on both sides: at others Keras' torch backend repeats the edge, where TensorFlow, with which
    most models were made, leaves the rim out.
    """
    inputs = keras.Input((11, 14, 4), name="picture")
    a = layers.Conv2D(6, (3, 2), strides=2, padding="same", use_bias=False)(inputs)
    b = layers.SeparableConv2D(6, 3, strides=2, padding="same", depth_multiplier=2, activation="elu")(inputs)
    c = layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=1)(inputs)
    c = layers.Conv2D(6, 1, groups=2)(c)
    c = layers.BatchNormalization(epsilon=0.05)(c)
    x = layers.Concatenate()([layers.Add()([a, b]), layers.LeakyReLU(negative_slope=0.1)(c)])
    d = layers.AveragePooling2D(3, strides=3, padding="same")(x)
    e = layers.MaxPooling2D(3, strides=3, padding="same")(x)
    x = layers.Multiply()([d, e])
    x = layers.ZeroPadding2D(((1, 0), (0, 2)))(x)
    x = layers.LayerNormalization(epsilon=0.01)(layers.ReLU(max_value=6)(x))
    x = layers.Conv2D(8, 3, dilation_rate=2, padding="same", activation="tanh")(x)
    x = layers.UpSampling2D(2)(x)
    x = layers.Cropping2D(((1, 0), (0, 1)))(x)
    mean = layers.GlobalAveragePooling2D()(x)
    most = layers.GlobalMaxPooling2D()(x)
    flat = layers.Dense(5, activation="gelu")(layers.Flatten()(layers.Permute((2, 1, 3))(x)))
    x = layers.Concatenate()([mean, most, flat])
    x = layers.PReLU()(layers.Dense(9)(x))
    return keras.Model(inputs, layers.Softmax()(layers.Dense(3)(x)))


def sequence_traps() -> keras.Model:
    """Steps: causal and strided filters, GRU of both kinds, directions, attention."""
    inputs = keras.Input((13, 5))
    x = layers.Normalization(mean=[0.1, 0.2, 0.3, 0.4, 0.5], variance=[1.0, 2.0, 0.5, 4.0, 1.0])(inputs)
    x = layers.Conv1D(8, 3, padding="causal", dilation_rate=2, activation="relu")(x)
    a = layers.Bidirectional(layers.GRU(6, return_sequences=True), merge_mode="sum")(x)
    b = layers.GRU(6, return_sequences=True, reset_after=False, go_backwards=True)(x)
    c = layers.Bidirectional(layers.SimpleRNN(6, return_sequences=True), merge_mode="mul")(x)
    d = layers.LSTM(6, activation="relu", return_sequences=True)(x)
    x = layers.Average()([a, b, c, d])
    y = layers.MultiHeadAttention(num_heads=2, key_dim=3)(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, y]))
    x = layers.Conv1D(7, 4, strides=2, padding="same")(x)
    x = layers.MaxPooling1D(2, padding="same")(x)
    x = layers.ZeroPadding1D((1, 2))(x)
    x = layers.TimeDistributed(layers.Dense(6, activation="swish"))(x)
    x = layers.AveragePooling1D(3, strides=2, padding="same")(x)
    last = layers.Bidirectional(layers.GRU(4), merge_mode="ave")(x)
    x = layers.Concatenate()([last, layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)])
    return keras.Model(inputs, layers.Dense(2)(x))


def masked() -> keras.Model:
    """Zeros among the words that count as nothing, at both ends and between."""
    words = keras.Input((10,), dtype="int32")
    x = layers.Embedding(30, 6, mask_zero=True)(words)
    x = layers.SpatialDropout1D(0.2)(x)
    a = layers.Bidirectional(layers.GRU(5, return_sequences=True))(x)
    a = layers.LSTM(4)(a)
    b = layers.GlobalAveragePooling1D()(x)
    y = layers.MultiHeadAttention(num_heads=1, key_dim=4)(x, x)
    c = layers.GlobalAveragePooling1D()(layers.Add()([x, y]))
    x = layers.Concatenate()([a, b, c])
    return keras.Model(words, layers.Dense(3, activation="softmax")(x))


def nested() -> keras.Model:
    """A body within a model, as when a trained network gets a new end."""
    body = keras.Sequential(
        [layers.Input((16, 16, 3)), layers.Conv2D(6, 3, activation="relu"), layers.BatchNormalization()], name="body"
    )
    body.trainable = False
    inputs = keras.Input((16, 16, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = layers.GlobalAveragePooling2D()(body(x, training=False))
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(x))


def table_mlp() -> keras.Model:
    model = keras.Sequential(
        [
            layers.Input((4,)),
            layers.Normalization(),
            layers.Dense(16, activation="relu"),
            layers.Dense(8, activation="selu"),
            layers.Dense(3),
        ]
    )
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def deep() -> keras.Model:
    """More layers than a group of HDF5 holds in one place."""
    return keras.Sequential(
        [layers.Input((4,)), *(layers.Dense(4, activation="tanh") for _ in range(120)), layers.Dense(2)]
    )


MODELS: dict[str, Callable[[], keras.Model]] = {
    function.__name__: function
    for function in (
        mnist_cnn,
        colour_cnn,
        simple_rnn,
        stacked_lstm,
        text_bilstm,
        mobilenet,
        resnet8,
        traps,
        sequence_traps,
        masked,
        nested,
        table_mlp,
        deep,
    )
}  # fmt: skip
AS_H5 = ("mnist_cnn", "colour_cnn", "stacked_lstm", "resnet8", "traps", "sequence_traps", "masked", "nested")


def inputs_of(model: keras.Model, generator: np.random.Generator) -> np.ndarray:
    shape = (ROWS, *model.input_shape[1:])
    if "int" in str(model.inputs[0].dtype):
        words = generator.integers(0, 30, shape)
        words[0, :4], words[1, -5:], words[2, 3] = 0, 0, 0
        return words.astype(np.int32)
    if any(isinstance(layer, layers.Rescaling) for layer in model.layers):
        return generator.integers(0, 256, shape).astype(np.float32)
    return generator.integers(-64, 65, shape).astype(np.float32) / 32


def _weights(change: Callable[[h5py.Group], None], **settings: Any) -> bytes:
    """Weights of a small model of which one array is something else."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", **settings) as file:
        group = file.create_group("layers/dense/vars")
        group["1"] = np.zeros(2, np.float32)
        change(group)
    return buffer.getvalue()


def hostile() -> dict[str, bytes]:
    """HDF5 files with what must never be followed, by what it is."""
    kernel = np.zeros((3, 2), np.float32)

    def virtual(group: h5py.Group) -> None:
        layout = h5py.VirtualLayout(shape=(3, 2), dtype="f4")
        layout[:] = h5py.VirtualSource("elsewhere.h5", "x", shape=(3, 2))
        group.create_virtual_dataset("0", layout)

    def reference(group: h5py.Group) -> None:
        group["0"] = np.full((3, 2), group.ref, dtype=h5py.ref_dtype)

    put: dict[str, Callable[[h5py.Group], None]] = {
        "external link": lambda group: group.__setitem__("0", h5py.ExternalLink("/etc/passwd", "/x")),
        "soft link": lambda group: group.__setitem__("0", h5py.SoftLink("/layers/dense/vars/1")),
        "hard link": lambda group: group.__setitem__("0", group["1"]),
        "virtual dataset": virtual,
        "references": reference,
        "chunks": lambda group: group.create_dataset("0", data=kernel, chunks=(1, 2)) and None,
        "filter": lambda group: group.create_dataset("0", data=kernel, chunks=(3, 2), compression="gzip") and None,
        "plugin": lambda group: (
            group.create_dataset("0", data=kernel, chunks=(3, 2), shuffle=True, fletcher32=True) and None
        ),
        "external storage": lambda group: (
            group.create_dataset("0", (3, 2), "f4", external=[("/etc/passwd", 0, 24)]) and None
        ),
        "texts": lambda group: group.create_dataset("0", data=["a"] * 6) and None,
        "records": lambda group: group.create_dataset("0", (3, 2), [("a", "f4")]) and None,
        "big endian": lambda group: group.create_dataset("0", data=kernel.astype(">f4")) and None,
        "whole numbers": lambda group: group.create_dataset("0", data=kernel.astype(np.int32)) and None,
        "other shape": lambda group: group.create_dataset("0", data=np.zeros((3, 3), np.float32)) and None,
        "NaN": lambda group: group.create_dataset("0", data=np.full((3, 2), np.nan, np.float32)) and None,
        "nothing": lambda group: None,
        "a group": lambda group: group.create_group("0") and None,
    }
    made = {name: _weights(change) for name, change in put.items()}
    made["newer layout"] = _weights(lambda group: group.__setitem__("0", kernel), libver="latest")
    made["good"] = _weights(lambda group: group.__setitem__("0", kernel))
    return made


def main(target: Path) -> None:
    with (
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        tempfile.TemporaryDirectory() as folder,
    ):

        def put(name: str, content: bytes) -> None:
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED, 9)

        for name, make in MODELS.items():
            keras.utils.clear_session()
            model = with_weights(make(), seed=len(name))
            rows = inputs_of(model, np.random.default_rng(7))
            if name == "mobilenet":
                settle(model, rows)
            outputs = np.asarray(model(rows, training=False).detach())
            endings = [".keras", *([".h5"] if name in AS_H5 else [])]
            for ending in endings:
                path = Path(folder) / f"{name}{ending}"
                model.save(path)
                put(path.name, path.read_bytes())
            if name == "mnist_cnn":
                path = Path(folder) / f"{name}.weights.h5"
                model.save_weights(path)
                put(path.name, path.read_bytes())
            buffer = io.BytesIO()
            np.savez(buffer, inputs=rows, outputs=outputs)
            put(f"{name}.npz", buffer.getvalue())
            print(name, model.count_params(), outputs.shape, float(np.abs(outputs).max()), outputs.ravel()[:6])
        for name, content in hostile().items():
            put(f"hostile/{name}.h5", content)
        put("versions.json", json.dumps({"keras": keras.__version__}).encode())


def prove(stored: Path, folder: Path) -> None:
    """Loads what netpick wrote into the folder; its outputs must be those that are stored."""
    worst = 0.0
    with zipfile.ZipFile(stored) as archive:
        for path in sorted(folder.glob("*.keras")):
            arrays = np.load(io.BytesIO(archive.read(f"{path.stem}.npz")))
            outputs = np.asarray(keras.saving.load_model(path)(arrays["inputs"], training=False).detach())
            expected = arrays["outputs"]
            if path.stem == "table_mlp":  # which gives logits, and comes back with its softmax
                expected = np.exp(expected) / np.exp(expected).sum(axis=1, keepdims=True)
            difference = float(np.abs(outputs - expected).max())
            worst = max(worst, difference)
            print(f"{path.stem:20} {difference:.1e}")
    if worst > 1e-5:
        sys.exit(f"Keras gives other outputs: {worst:.1e} apart")


if __name__ == "__main__":
    prove(Path(sys.argv[2]), Path(sys.argv[3])) if sys.argv[1] == "--prove" else main(Path(sys.argv[1]))
