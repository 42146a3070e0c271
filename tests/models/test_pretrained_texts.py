"""Encoders of texts that others have trained: their pieces of words, their network held to the paper's formulas, folders, and a whole run."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

import netpick
from netpick.api.pages import write_export
from netpick.columns.kinds.token_readers import Vocabulary, encode_texts, spelled
from netpick.errors import RequestError
from netpick.models.backbones import TEXTS, found
from netpick.models.backbones.bodies import Bert
from netpick.models.backbones.folder import read_encoder
from netpick.models.backbones.pieces import pieces_of, rows_of
from netpick.models.networks.base import trained_parts
from netpick.models.networks.bert import BertBody
from netpick.models.networks.network import build_network
from netpick.models.networks.pretrained_transformer import PretrainedTransformerSettings
from netpick.models.networks.variants import parse_models
from netpick.training.optimizers import make_optimizers
from netpick.types import InputSpec
from netpick.types.recipe import Recipe

SHAPE = Bert(width=16, layers=2, heads=2, hidden=24, places=20)
WORDS = ["good", "fine", "great", "bad", "poor", "awful", "film", "plot", "cast", "story", "is", "was", "the"]
VOCABULARY = ("[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", ".", "!", *WORDS, "##ly", "##s", "un")
PIECES = pieces_of(VOCABULARY)
TOKENS = {"tokens": InputSpec(form="tokens", shape=(12,), cardinalities=(len(PIECES) + 2,), padded=True)}


def published(shape: Bert = SHAPE, *, distilled: bool = False) -> dict[str, Tensor]:
    """Random weights in the names of BERT, or of DistilBERT."""
    torch.manual_seed(0)
    width, hidden = shape.width, shape.hidden
    made = {
        "embeddings.word_embeddings.weight": torch.randn(len(VOCABULARY), width),
        "embeddings.position_embeddings.weight": torch.randn(shape.places, width),
        "embeddings.LayerNorm.weight": torch.rand(width) + 0.5,
        "embeddings.LayerNorm.bias": torch.randn(width),
    }
    if not distilled:
        made["embeddings.token_type_embeddings.weight"] = torch.randn(2, width)
    bert = ("encoder.layer", "attention.self.query", "attention.self.key", "attention.self.value",
            "attention.output.dense", "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm")  # fmt: skip
    other = ("transformer.layer", "attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin",
             "sa_layer_norm", "ffn.lin1", "ffn.lin2", "output_layer_norm")  # fmt: skip
    head, *parts = other if distilled else bert
    for number in range(shape.layers):
        for part, name in enumerate(parts):
            outputs, inputs = (hidden, width) if part == 5 else (width, hidden) if part == 6 else (width, width)
            norm = part in (4, 7)
            made[f"{head}.{number}.{name}.weight"] = (
                torch.rand(width) + 0.5 if norm else torch.randn(outputs, inputs) / 4
            )
            made[f"{head}.{number}.{name}.bias"] = torch.randn(outputs) / 4
    return made


def encoder(ids: list[int], w: dict[str, Tensor]) -> Tensor:
    """As the paper has it, a row of published numbers at a time."""

    def dense(x: Tensor, name: str) -> Tensor:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(x: Tensor, name: str) -> Tensor:
        x = (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, unbiased=False) + 1e-12).sqrt()
        return x * w[f"{name}.weight"] + w[f"{name}.bias"]

    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for number in range(SHAPE.layers):
        place, size = f"encoder.layer.{number}", SHAPE.width // SHAPE.heads
        q, k, v = (dense(x, f"{place}.attention.self.{one}") for one in ("query", "key", "value"))
        heads = []
        for head in range(SHAPE.heads):
            part = slice(head * size, (head + 1) * size)
            heads.append((q[:, part] @ k[:, part].T / math.sqrt(size)).softmax(-1) @ v[:, part])
        attended = dense(torch.cat(heads, 1), f"{place}.attention.output.dense")
        x = norm(x + attended, f"{place}.attention.output.LayerNorm")
        wide = dense(x, f"{place}.intermediate.dense")
        wide = wide * 0.5 * (1 + torch.erf(wide / math.sqrt(2)))
        x = norm(x + dense(wide, f"{place}.output.dense"), f"{place}.output.LayerNorm")
    return x


def write_folder(folder: Path, *, distilled: bool = False, change: dict[str, object] | None = None) -> Path:
    """In the layout of Hugging Face."""
    folder.mkdir(parents=True)
    if distilled:
        config = {
            "model_type": "distilbert",
            "activation": "gelu",
            "dim": 16,
            "n_layers": 2,
            "n_heads": 2,
            "hidden_dim": 24,
        }
    else:
        config = {"model_type": "bert", "hidden_act": "gelu", "hidden_size": 16, "num_hidden_layers": 2}
        config |= {"num_attention_heads": 2, "intermediate_size": 24}
    config |= {"max_position_embeddings": 20, "architectures": ["BertModel"]}
    (folder / "config.json").write_text(json.dumps(config | (change or {})))
    head = "distilbert." if distilled else ""
    save_file(
        {head + name: tensor for name, tensor in published(distilled=distilled).items()}, folder / "model.safetensors"
    )
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    return folder


def test_texts_are_cut_into_the_longest_known_pieces() -> None:
    vocabulary = Vocabulary(reading="wordpieces", tokens=PIECES)
    assert PIECES[: len(WORDS)] == tuple(WORDS)
    assert PIECES[len(WORDS) :] == ("un", "a", ".", "!", "##ly", "##s")
    numbers = encode_texts(
        pl.Series(["The Plots, unfilms gréat!", "", "the the the the the the the the the"]), vocabulary, 8
    )
    pieces = [[("", "?", *PIECES)[n] for n in row if n] for row in numbers.tolist()]
    assert pieces == [["the", "plot", "##s", "?", "?", "great", "!"], ["?"], ["the"] * 8]
    assert spelled(["plot", "##s", "great"], "wordpieces") == "plots great"
    with pytest.raises(ValueError, match=r"holds no '\[CLS\]'"):
        rows_of(("[PAD]", "[UNK]", "a"))


def test_the_encoder_computes_what_the_paper_says() -> None:
    body, weights = BertBody(TOKENS["tokens"], SHAPE).eval(), published()
    body.take(weights, VOCABULARY)
    numbers = torch.tensor([[2, 5, 9, 1, 0, 0], [4, 4, 15, 16, 17, 2]])
    with torch.no_grad():
        steps, mask = body({"tokens": numbers, "tokens.mask": numbers > 0})
    rows = rows_of(VOCABULARY)
    for row, valid, given in zip(steps, mask, numbers.tolist(), strict=True):
        ids = [VOCABULARY.index("[CLS]"), *(rows[n] for n in given if n), VOCABULARY.index("[SEP]")]
        torch.testing.assert_close(row[valid], encoder(ids, weights), atol=2e-5, rtol=2e-5)


def test_weights_that_do_not_fit_are_refused_at_the_first_difference() -> None:
    body, weights = BertBody(TOKENS["tokens"], SHAPE), published()
    name = "encoder.layer.1.attention.self.key.weight"
    with pytest.raises(ValueError, match=f"holds no '{re.escape(name)}'"):
        body.take({key: tensor for key, tensor in weights.items() if key != name}, VOCABULARY)
    with pytest.raises(ValueError, match=r"is \(16, 8\), but \(16, 16\) was expected"):
        body.take({**weights, name: torch.zeros(16, 8)}, VOCABULARY)
    with pytest.raises(ValueError, match=r"'more.weight', which such a network does not have"):
        body.take({**weights, "more.weight": torch.zeros(1)}, VOCABULARY)
    body.take({f"bert.{key}": tensor for key, tensor in weights.items()} | {"cls.bias": torch.zeros(1)}, VOCABULARY)


def test_lower_layers_learn_more_slowly() -> None:
    shape = {"pretrained": "folder", "width": 16, "layers": 2, "heads": 2, "hidden": 24, "places": 20}
    network = build_network("transformer_pretrained", PretrainedTransformerSettings(**shape), TOKENS, 2)  # type: ignore[arg-type]
    (part,) = trained_parts(network)
    assert sorted(map(id, part.parameters())) == sorted(id(w) for layer in part.layers() for w in layer)
    (optimizer,) = make_optimizers(network, Recipe(learning_rate=1.0, body_rate=0.1, layer_rate=0.5))
    rates = {id(weight): group.lr for group in optimizer.groups for weight in group.params}
    assert [{rates[id(weight)] for weight in layer} for layer in part.layers()] == [{0.1}, {0.05}, {0.025}]
    assert {rates[id(weight)] for weight in network.head.parameters()} == {1.0}  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="the shape of the encoder"):
        PretrainedTransformerSettings(width=16)


def table(rows: int = 64) -> pl.DataFrame:
    generator = np.random.default_rng(0)
    cells, labels = [], []
    for row in range(rows):
        adjective = WORDS[generator.integers(0, 3) + 3 * (row % 2)]
        cells.append(
            " ".join(
                [
                    "the",
                    WORDS[generator.integers(6, 10)],
                    "was",
                    adjective,
                    *("." * generator.integers(1, 4)),
                    f"a {row}",
                ]
            )
        )
        labels.append(("yes", "no")[row % 2])
    return pl.DataFrame({"text": cells, "label": labels})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("hub") / "tiny", distilled=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> netpick.Run:
    where = tmp_path_factory.mktemp("texts") / "run"
    models = f"mlp,transformer[pretrained={folder}]"
    return netpick.fit(table(), models=models, steps=30, out=where, accept=("all",))


def test_an_encoder_of_a_folder_competes_beside_one_that_reads_words(run: netpick.Run, tmp_path: Path) -> None:
    assert [one.status for one in run.results.candidates] == ["ok", "ok"]
    assert "by the pieces of words that it was trained on" in run.results.candidates[1].reason
    name = "transformer[pretrained=tiny]"
    model, plain = run.models[name], run.models["mlp"]
    assert model.parts.encoders[0].state.vocabulary.reading == "wordpieces"
    assert plain.parts.encoders[0].state.vocabulary.reading == "words"
    new = pl.DataFrame({"text": ["the film was awful .", "a great great story", ""]})
    answered = model.predict(new).to_numpy()[:, -2:].astype(float)
    assert answered.shape == (3, 2)
    again = netpick.load(run.folder, candidate=name).predict(new).to_numpy()[:, -2:].astype(float)
    np.testing.assert_array_equal(answered, again)
    exported = write_export(
        run.folder, out=tmp_path / "graph", candidate=name
    )  # which compares its answers with torch's
    graph = netpick.load(exported / "model").predict(new).to_numpy()[:, -2:].astype(float)
    np.testing.assert_allclose(answered, graph, atol=1e-4)
    assert all(name not in (run.results.blend.weights if run.results.blend else {}) for name in (name,))


def test_a_run_with_an_encoder_is_made_again_from_its_plan_and_in_workers(
    run: netpick.Run, folder: Path, tmp_path: Path
) -> None:
    first = (run.folder / "plan.json").read_text()
    again = netpick.fit(table(), plan=run.folder / "plan.json", out=tmp_path / "again", accept=("all",))
    assert json.loads(first)["candidates"] == json.loads((again.folder / "plan.json").read_text())["candidates"]
    models = f"mlp,transformer[pretrained={folder}]"
    beside = netpick.fit(table(), models=models, steps=30, workers=2, out=tmp_path / "side", accept=("all",))
    new = pl.DataFrame({"text": ["the film was awful .", "a great great story"]})
    name = "transformer[pretrained=tiny]"
    made = [one.models[name].predict(new).to_numpy()[:, -2:].astype(float) for one in (run, again, beside)]
    np.testing.assert_array_equal(made[0], made[1])
    np.testing.assert_array_equal(made[0], made[2])


def test_folders_that_are_none_are_refused_with_what_to_type(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match=r"holds no config.json.*save_pretrained"):
        read_encoder(tmp_path / "empty")
    for number, (change, words) in enumerate(
        (
            ({"model_type": "gpt2"}, "of the type 'gpt2', but netpick reads bert and distilbert"),
            ({"hidden_act": "relu"}, "'hidden_act' is 'relu', but only 'gelu'"),
            ({"hidden_size": 10**9}, "'hidden_size' is 1000000000, but a whole number"),
        )
    ):
        with pytest.raises(RequestError, match=words):
            read_encoder(write_folder(tmp_path / str(number), change=change))
    folder = write_folder(tmp_path / "capitals")
    (folder / "tokenizer.json").write_text(
        json.dumps({"model": {"type": "WordPiece", "vocab": {"a": 0}}, "normalizer": {"lowercase": False}})
    )
    with pytest.raises(RequestError, match="keeps capitals"):
        read_encoder(folder)
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").unlink()
    with pytest.raises(RequestError, match=r"neither tokenizer.json nor vocab.txt"):
        read_encoder(folder)


def test_names_that_are_not_here_say_what_is_and_what_to_type() -> None:
    with pytest.raises(
        RequestError, match=r"no pretrained network 'bert-base-uncased' on this machine.*fetches nothing.*FOLDER"
    ):
        parse_models("transformer[pretrained=bert-base-uncased]", TOKENS)
    with pytest.raises(RequestError, match=r"may hold code.*safetensors.torch.save_file"):
        parse_models("transformer[pretrained=weights.pth]", TOKENS)
    (variant,) = parse_models("transformer[pretrained=minilm_l6,tokens=32]", TOKENS)
    assert (variant.family, variant.settings) == ("transformer_pretrained", {"pretrained": "minilm_l6", "tokens": 32})


@pytest.mark.skipif(found.here("minilm_l6") is None, reason=f"needs {TEXTS['minilm_l6'].distribution}")
def test_sentences_that_mean_the_same_are_near_in_the_installed_encoder() -> None:
    vocabulary = found.vocabulary_of("minilm_l6")
    pieces = Vocabulary(reading="wordpieces", tokens=pieces_of(vocabulary))
    spec = InputSpec(form="tokens", shape=(16,), cardinalities=(pieces.size,), padded=True)
    body = BertBody(spec, TEXTS["minilm_l6"].body).eval()
    body.take(found.weights_of("minilm_l6"), vocabulary)
    texts = pl.Series(["A man is eating food.", "Somebody has a meal", "The girl plays the violin"])
    numbers = torch.from_numpy(encode_texts(texts, pieces, 16)).long()
    with torch.no_grad():
        steps, mask = body({"tokens": numbers, "tokens.mask": numbers > 0})
    means = functional.normalize((steps * mask.unsqueeze(2)).sum(1) / mask.sum(1, keepdim=True), dim=1)
    assert float(means[0] @ means[1]) > 0.5 > 0.2 > float(means[0] @ means[2])
