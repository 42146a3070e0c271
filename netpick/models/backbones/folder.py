"""Encoders of texts in folders of the user's own, as Hugging Face lays them out: config.json, model.safetensors, and the pieces of words.

The three files are read as data, by our own readers; no code of the folder and none of `transformers` runs. What is not among BERT and
DistilBERT in lower case is refused with its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netpick.disk.strict import RefusedError, parse_json, read_file
from netpick.errors import RequestError
from netpick.models.backbones.bodies import Bert

CONFIG, WEIGHTS, VOCABULARY, TOKENIZER = "config.json", "model.safetensors", "vocab.txt", "tokenizer.json"
MOST_CONFIG, MOST_VOCABULARY = 1 << 20, 32 << 20  # bytes
LARGEST = 1 << 16  # of one extent of a network


@dataclass(frozen=True, kw_only=True)
class EncoderFolder:
    """What a folder says of its encoder."""

    path: Path
    shape: Bert
    vocabulary: tuple[str, ...]  # in the order of its vectors

    @property
    def weights(self) -> Path:
        return self.path / WEIGHTS


def read_encoder(path: Path) -> EncoderFolder:
    """Raises RequestError, with what to type, for a folder that is none or holds another network."""
    for name, content in ((CONFIG, "the shape of the network"), (WEIGHTS, "its weights")):
        if not (path / name).is_file():
            raise RequestError(
                f"The folder {path} holds no {name}, which says {content}. Save the network there first: "
                "model.save_pretrained(FOLDER) and tokenizer.save_pretrained(FOLDER) of transformers."
            )
    config = _json(path / CONFIG, MOST_CONFIG)
    kind = str(config.get("model_type", ""))[:40]
    if kind not in SHAPES:
        raise RequestError(
            f"The network in {path} is of the type '{kind}', but netpick reads {' and '.join(SHAPES)}. Take another one: `netpick "
            "backbones` lists what this machine has."
        )
    shape = SHAPES[kind](path, config)
    return EncoderFolder(path=path, shape=shape, vocabulary=_vocabulary(path))


def _bert(path: Path, config: Mapping[str, Any]) -> Bert:
    _require(path, config, "hidden_act", "gelu")
    _require(path, config, "position_embedding_type", "absolute")
    return Bert(
        width=_extent(path, config, "hidden_size"),
        layers=_extent(path, config, "num_hidden_layers"),
        heads=_extent(path, config, "num_attention_heads"),
        hidden=_extent(path, config, "intermediate_size"),
        places=_extent(path, config, "max_position_embeddings"),
    )


def _distilbert(path: Path, config: Mapping[str, Any]) -> Bert:
    _require(path, config, "activation", "gelu")
    return Bert(
        width=_extent(path, config, "dim"),
        layers=_extent(path, config, "n_layers"),
        heads=_extent(path, config, "n_heads"),
        hidden=_extent(path, config, "hidden_dim"),
        places=_extent(path, config, "max_position_embeddings"),
    )


SHAPES = {"bert": _bert, "distilbert": _distilbert}
"""How config.json of each type says what the network is."""


def _require(path: Path, config: Mapping[str, Any], name: str, wanted: str) -> None:
    value = config.get(name, wanted)
    if value != wanted:
        raise RequestError(
            f"In {path / CONFIG} '{name}' is {str(value)[:40]!r}, but only {wanted!r} is read. Take another network."
        )


def _extent(path: Path, config: Mapping[str, Any], name: str) -> int:
    value = config.get(name)
    if type(value) is not int or not 1 <= value <= LARGEST:
        raise RequestError(
            f"In {path / CONFIG} '{name}' is {str(value)[:40]}, but a whole number from 1 to {LARGEST:,} was expected. Save the network anew."
        )
    return value


def _vocabulary(path: Path) -> tuple[str, ...]:
    """Of tokenizer.json, else vocab.txt."""
    if (path / TOKENIZER).is_file():
        tokenizer = _json(path / TOKENIZER, MOST_VOCABULARY)
        model, normalizer = tokenizer.get("model"), tokenizer.get("normalizer")
        if not isinstance(model, dict) or model.get("type") != "WordPiece" or not isinstance(model.get("vocab"), dict):
            raise RequestError(f"The tokenizer in {path} is no WordPiece, which is what is read. Take another network.")
        if not isinstance(normalizer, dict) or normalizer.get("lowercase") is not True:
            raise RequestError(
                f"The tokenizer in {path} keeps capitals, but only those in lower case (uncased) are read. Take an uncased network."
            )
        numbers: Mapping[str, Any] = model["vocab"]
        if sorted(map(str, numbers.values())) != sorted(map(str, range(len(numbers)))):
            raise RequestError(
                f"The pieces of words in {path / TOKENIZER} are not numbered from 0. Save the tokenizer anew."
            )
        return tuple(sorted(numbers, key=lambda piece: int(numbers[piece])))
    if not (path / VOCABULARY).is_file():
        raise RequestError(
            f"The folder {path} holds neither {TOKENIZER} nor {VOCABULARY}, and without its pieces of words a network reads no text. Save them "
            "there: tokenizer.save_pretrained(FOLDER) of transformers."
        )
    try:
        content = bytes(read_file(path / VOCABULARY, MOST_VOCABULARY)).decode()
    except (RefusedError, UnicodeDecodeError, OSError) as error:
        raise RequestError(f"{path / VOCABULARY} cannot be read: {error}. Take another copy.") from None
    return tuple(line.removesuffix("\r") for line in content.removesuffix("\n").split("\n"))


def _json(path: Path, most: int) -> Mapping[str, Any]:
    try:
        value = parse_json(read_file(path, most), most)
    except (RefusedError, OSError) as error:
        raise RequestError(f"{path} cannot be read: {str(error).rstrip('.')}. Take another copy.") from None
    if not isinstance(value, dict):
        raise RequestError(f"{path} holds no JSON object. Take another copy.")
    return value
