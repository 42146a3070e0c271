"""Networks that others have described layer by layer, as Keras does: the closed table of its layers, and the graph that they make.

A layer more is a class of the contract in base.py and a line here. What Keras calls it is the key; nothing is imported by a name in a
file. docs/decisions/0122-models-of-keras.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from netpick.models.imported.activations import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from netpick.models.imported.attention import MultiHeadAttention
from netpick.models.imported.base import KerasLayer
from netpick.models.imported.convolution import Convolution, Depthwise, Separable, UpSampling2D
from netpick.models.imported.dense import Dense, Embedding
from netpick.models.imported.merging import (
    Add,
    Average,
    Concatenate,
    LogicalAnd,
    LogicalOr,
    Masking,
    Maximum,
    Minimum,
    Multiply,
    NotEqual,
    Subtract,
)
from netpick.models.imported.norms import BatchNormalization, LayerNormalization, Normalization, Regularizer, Rescaling
from netpick.models.imported.pooling import AveragePool, GlobalMax, GlobalMean, MaxPool
from netpick.models.imported.recurrent import GRU, LSTM, SimpleRNN
from netpick.models.imported.shapes import (
    Cropping1D,
    Cropping2D,
    Flatten,
    Permute,
    RepeatVector,
    Reshape,
    ZeroPadding1D,
    ZeroPadding2D,
)
from netpick.models.imported.wrappers import Bidirectional, TimeDistributed

LAYERS: Mapping[str, type[KerasLayer]] = {
    "Dense": Dense,
    "Embedding": Embedding,
    "Conv1D": Convolution,
    "Conv2D": Convolution,
    "DepthwiseConv1D": Depthwise,
    "DepthwiseConv2D": Depthwise,
    "SeparableConv1D": Separable,
    "SeparableConv2D": Separable,
    "UpSampling2D": UpSampling2D,
    "MaxPooling1D": MaxPool,
    "MaxPooling2D": MaxPool,
    "AveragePooling1D": AveragePool,
    "AveragePooling2D": AveragePool,
    "GlobalAveragePooling1D": GlobalMean,
    "GlobalAveragePooling2D": GlobalMean,
    "GlobalMaxPooling1D": GlobalMax,
    "GlobalMaxPooling2D": GlobalMax,
    "BatchNormalization": BatchNormalization,
    "LayerNormalization": LayerNormalization,
    "Normalization": Normalization,
    "Rescaling": Rescaling,
    "Dropout": Regularizer,
    "SpatialDropout1D": Regularizer,
    "SpatialDropout2D": Regularizer,
    "AlphaDropout": Regularizer,
    "GaussianDropout": Regularizer,
    "GaussianNoise": Regularizer,
    "ActivityRegularization": Regularizer,
    "Identity": Regularizer,
    "Activation": Activation,
    "ReLU": ReLU,
    "LeakyReLU": LeakyReLU,
    "ELU": ELU,
    "PReLU": PReLU,
    "Softmax": Softmax,
    "Flatten": Flatten,
    "Reshape": Reshape,
    "Permute": Permute,
    "RepeatVector": RepeatVector,
    "ZeroPadding1D": ZeroPadding1D,
    "ZeroPadding2D": ZeroPadding2D,
    "Cropping1D": Cropping1D,
    "Cropping2D": Cropping2D,
    "SimpleRNN": SimpleRNN,
    "LSTM": LSTM,
    "GRU": GRU,
    "Bidirectional": Bidirectional,
    "TimeDistributed": TimeDistributed,
    "MultiHeadAttention": MultiHeadAttention,
    "Masking": Masking,
    "Add": Add,
    "Subtract": Subtract,
    "Multiply": Multiply,
    "Average": Average,
    "Maximum": Maximum,
    "Minimum": Minimum,
    "Concatenate": Concatenate,
    "NotEqual": NotEqual,
    "LogicalOr": LogicalOr,
    "LogicalAnd": LogicalAnd,
}
