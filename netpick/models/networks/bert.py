"""An encoder of texts (BERT, Devlin et al. 2019): attention among all tokens of a text, a norm behind each part.

Queries, keys and values are one matrix here, and the vector of "the first of two texts" is part of the places: one text is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.backbones.bodies import Bert
from netpick.models.backbones.pieces import ENDS, STARTS, rows_of
from netpick.models.networks.base import Batch, Trained
from netpick.models.networks.blocks import SelfAttention
from netpick.models.networks.text_stem import TokenStem
from netpick.types import InputSpec

HEADS = ("", "bert.", "distilbert.")  # that files put before the names of an encoder's tensors
BESIDE = (
    "pooler.",
    "cls.",
    "classifier.",
    "qa_outputs.",
    "pre_classifier.",
    "vocab_",
)  # layers of tasks that it was trained for
DISTILLED = {  # names of BERT, as DistilBERT (Sanh et al. 2019) has them
    "encoder.layer.": "transformer.layer.",
    "attention.self.query": "attention.q_lin",
    "attention.self.key": "attention.k_lin",
    "attention.self.value": "attention.v_lin",
    "attention.output.dense": "attention.out_lin",
    "attention.output.LayerNorm": "sa_layer_norm",
    "intermediate.dense": "ffn.lin1",
    ".output.dense": ".ffn.lin2",
    ".output.LayerNorm": ".output_layer_norm",
}


class BertLayer(nn.Module):
    """Attention and a feed-forward part, each added to its input, with a norm behind."""

    def __init__(self, shape: Bert) -> None:
        super().__init__()
        self.attention = SelfAttention(shape.width, shape.heads)
        self.attention_norm = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.wide = nn.Linear(shape.width, shape.hidden)
        self.narrow = nn.Linear(shape.hidden, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=shape.epsilon)

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        steps = self.attention_norm(steps + self.attention(steps, mask))
        return self.norm(steps + self.narrow(functional.gelu(self.wide(steps))))  # type: ignore[no-any-return]


class BertBody(Trained):
    """Texts (B, T) to steps (B, T + 2, D) and their mask: a step in front of the text and one behind it are of the encoder's own."""

    def __init__(self, spec: InputSpec, shape: Bert) -> None:
        super().__init__()
        self.shape = shape
        self.stem = TokenStem(spec, shape.width, deviation=0.02)
        self.around = nn.Parameter(torch.zeros(2, shape.width))  # what stands before a text and behind it
        self.places = nn.Parameter(torch.zeros(shape.places, shape.width))
        self.norm = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.parts = nn.ModuleList(BertLayer(shape) for _ in range(shape.layers))
        nn.init.normal_(self.around, std=0.02)
        nn.init.normal_(self.places, std=0.02)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        vectors, mask = self.stem(batch)
        count, length, _ = vectors.shape
        first = self.around[0].expand(count, 1, -1)
        steps = torch.cat([first, vectors, torch.zeros_like(first)], dim=1)
        ends = mask.sum(dim=1, keepdim=True) + 1  # (B, 1): the step behind the text
        places = torch.arange(length + 2, device=steps.device)
        steps = torch.where((places == ends).unsqueeze(2), self.around[1], steps)
        mask = places <= ends
        steps = self.norm(steps + self.places[: length + 2])
        for part in self.parts:
            steps = part(steps, mask)
        return steps, mask

    def layers(self) -> list[list[nn.Parameter]]:
        """See Trained: from the last layer to the vectors of the tokens."""
        below = [self.around, self.places, *self.norm.parameters(), *self.stem.parameters()]
        return [*(list(part.parameters()) for part in reversed(self.parts)), below]

    @torch.no_grad()
    def take(self, weights: Mapping[str, Tensor], vocabulary: Sequence[str]) -> None:
        """The weights of a published file, whose tokens are those of the vocabulary, in its order.

        Raises ValueError at the first that is missing, of another shape, or too many.
        """
        file = _File(weights)
        words = file.get("embeddings.word_embeddings.weight", (len(vocabulary), self.shape.width))
        rows = torch.tensor(rows_of(vocabulary))
        if len(rows) != len(self.stem.vectors.weight):
            raise ValueError(
                f"its vocabulary has {len(rows):,} pieces, but {len(self.stem.vectors.weight):,} were expected"
            )
        self.stem.vectors.weight.copy_(words[rows])
        self.stem.vectors.weight[0] = 0.0
        self.around.copy_(words[[vocabulary.index(STARTS), vocabulary.index(ENDS)]])
        self.places.copy_(file.get("embeddings.position_embeddings.weight", tuple(self.places.shape)))
        if not file.distilled:  # which tells no first text from a second
            self.places.add_(file.get("embeddings.token_type_embeddings.weight", (2, self.shape.width))[0])
        file.into(self.norm, "embeddings.LayerNorm")
        for number, part in enumerate(self.parts):
            place = f"encoder.layer.{number}"
            assert isinstance(part, BertLayer)
            for tensor in ("weight", "bias"):
                packed = getattr(part.attention.queries_keys_values, tensor)
                shape = (len(packed) // 3, *packed.shape[1:])
                parts = [file.get(f"{place}.attention.self.{one}.{tensor}", shape) for one in ("query", "key", "value")]
                packed.copy_(torch.cat(parts))
            file.into(part.attention.out, f"{place}.attention.output.dense")
            file.into(part.attention_norm, f"{place}.attention.output.LayerNorm")
            file.into(part.wide, f"{place}.intermediate.dense")
            file.into(part.narrow, f"{place}.output.dense")
            file.into(part.norm, f"{place}.output.LayerNorm")
        file.require_read()


class _File:
    """The tensors of a file by their plain names, each taken once."""

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        marker = "embeddings.word_embeddings.weight"
        head = next((head for head in HEADS if f"{head}{marker}" in weights), "")
        self.left = {name.removeprefix(head): tensor for name, tensor in weights.items()}
        self.distilled = any(name.startswith("transformer.layer.") for name in self.left)

    def get(self, name: str, shape: tuple[int, ...]) -> Tensor:
        if self.distilled:
            for bert, distilled in DISTILLED.items():
                name = name.replace(bert, distilled)
        tensor = self.left.pop(name, None)
        if tensor is None:
            old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
            tensor = self.left.pop(old, None)
        if tensor is None:
            raise ValueError(f"it holds no '{name}'")
        if tuple(tensor.shape) != shape:
            raise ValueError(f"'{name}' is {tuple(tensor.shape)}, but {shape} was expected")
        return tensor.float()

    def into(self, module: nn.Module, name: str) -> None:
        for part, tensor in module.named_parameters():
            tensor.copy_(self.get(f"{name}.{part}", tuple(tensor.shape)))

    def require_read(self) -> None:
        left = sorted(name for name in self.left if not name.startswith(BESIDE) and not name.endswith("position_ids"))
        if left:
            raise ValueError(f"it holds '{left[0][:60]}', which such a network does not have")
