"""Networks that say the next chord of a piece: what all families share around their trunks.

The notes of a chord and its place in the bar become a vector, a trunk of texts reads these forwards, each step from those before it alone, and a
head says the notes of the next chord, one voice after another, each told the voices before it (as NADE and its kin do, Larochelle & Murray 2011).
How likely a note is depends on the note itself and on how far it is from the one that the voice had: a step down is a step down in any key.
What leaves the network are three numbers a note: the logarithm of the probability of what came, its rank, and what was guessed instead, each
voice behind guesses of its own.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.base import Batch
from netpick.models.networks.blocks import linear
from netpick.models.networks.text_network import LockedDropout, ReadOn, TextTrunk
from netpick.types import Inputs

BAR = 16  # chords; the first of a window begins one
END, FIRST = 2, 3  # the numbers of the end of a piece, and of silence; notes are behind it
NUMBERS_THAT_ARE_NONE = 2
REACH = 24  # half tones that a voice moves by a weight of their own
HIDDEN = 256


class ChordHead(nn.Module):
    """Features (B, S, D) of the chords before, those chords (B, S, V), and the notes told (B, S, V), to logits (B, S, V, N)."""

    never: Tensor
    far: Tensor

    def __init__(self, width: int, voices: int, numbers: int) -> None:
        super().__init__()
        self.voices, self.numbers = voices, numbers
        self.features = linear(width, HIDDEN)
        self.voice = nn.Parameter(torch.zeros(voices, HIDDEN))
        self.told = nn.Embedding(voices * numbers, HIDDEN)
        self.own = nn.Embedding(voices * numbers, HIDDEN)
        for table in (self.told, self.own):
            nn.init.normal_(table.weight, std=0.1)
        self.norm = nn.LayerNorm(HIDDEN)
        self.hidden = linear(HIDDEN, HIDDEN, "gelu")
        self.out = linear(HIDDEN, numbers + 2 * REACH + 2)
        self.bias = nn.Parameter(torch.zeros(voices, numbers))
        never = torch.zeros(voices, numbers)
        never[:, :NUMBERS_THAT_ARE_NONE] = float("-inf")
        never[1:, END] = float("-inf")  # a piece ends in its first voice
        self.register_buffer("never", never, persistent=False)
        note, before = torch.arange(numbers)[None, :], torch.arange(numbers)[:, None]
        apart = (note - before + REACH).clamp(0, 2 * REACH)
        near = ((note - before).abs() <= REACH) & (note > FIRST) & (before > FIRST)
        self.register_buffer("far", torch.where(near, apart, 2 * REACH + 1), persistent=False)

    def forward(self, features: Tensor, before: Tensor, told: Tensor) -> Tensor:
        """All voices at once, each told those before it alone."""
        given = self.told(told + self._places()).cumsum(dim=2)
        given = torch.cat([torch.zeros_like(given[:, :, :1]), given[:, :, :-1]], dim=2)
        return self._logits(self.features(features).unsqueeze(2), given, before, 0)

    def guessed(self, features: Tensor, before: Tensor) -> Tensor:
        """(B, S, V): the likeliest note of each voice, told the guesses before it."""
        base, given, guesses = self.features(features).unsqueeze(2), None, list[Tensor]()
        for voice in range(self.voices):
            own = torch.zeros_like(base) if given is None else given
            best = self._logits(base, own, before[:, :, voice : voice + 1], voice).argmax(dim=3)
            guesses.append(best)
            given = own + self.told(best + voice * self.numbers)
        return torch.cat(guesses, dim=2)

    def _logits(self, base: Tensor, given: Tensor, before: Tensor, first: int) -> Tensor:
        """Of some voices, from the one with that number on."""
        last = first + before.shape[2]
        own = self.own(before + self._places()[first:last])
        hidden = functional.gelu(self.norm(base + given + own + self.voice[first:last]))
        hidden = hidden + functional.gelu(self.hidden(hidden))
        plain, moves = self.out(hidden).float().split([self.numbers, 2 * REACH + 2], dim=3)
        made: Tensor = plain + moves.gather(3, self.far[before]) + (self.bias + self.never)[first:last]
        return made

    def _places(self) -> Tensor:
        return torch.arange(self.voices, device=self.bias.device) * self.numbers


class ChordNetwork(ReadOn):
    """Batches of blocks (B, C + T, V) to (B, 3 T V): log-probabilities of the notes of the block, their ranks, and guesses.

    In training there are as many steps as the trunk reads, all of them, or, of one that reads step by step, those of the block alone: for the time
    of the chords before them it takes more steps, which teach more. Ranks are then 1 where there is a note, and guesses 0.
    """

    def __init__(self, trunk: TextTrunk, inputs: Inputs) -> None:
        super().__init__()
        spec = inputs["chords"]
        (self.numbers,), self.block = spec.cardinalities, spec.ahead[1]
        self.voices = self.symbols_a_step = spec.shape[1]
        self.trunk = trunk
        self.notes = nn.Embedding(self.voices * self.numbers, trunk.width)
        self.beats = nn.Embedding(BAR, trunk.width)
        nn.init.normal_(self.notes.weight, std=self.voices**-0.5)
        nn.init.normal_(self.beats.weight, std=0.5)
        self.dropout = LockedDropout(trunk.dropout)
        self.head = ChordHead(trunk.width, self.voices, self.numbers)

    def forward(self, batch: Batch) -> Tensor:
        before, following = batch["chords"][:, :-1], batch["chords"][:, 1:]
        beats = torch.arange(1, before.shape[1] + 1, device=before.device)
        steps = self._vectors(before, beats)
        if self.training:
            if self.trunk.carries:
                steps, before, following = (part[:, -self.block :] for part in (steps, before, following))
            features, _ = self.trunk.read(self.dropout(steps), None)
            return self._learned(features, before, following)
        features, _ = self.trunk.read(steps, None)
        block = self.block
        return self._judged(features[:, -block:], before[:, -block:], following[:, -block:])

    def state_shapes(self, rows: int) -> tuple[tuple[int, ...], ...]:
        """How many chords were read, then the trunk's."""
        return ((rows, 1), *self.trunk.state_shapes(rows))

    def following(self, symbols: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """symbols: whole chords that go on from the state, one at least, and the notes of the next one so far, 0 for those to come:
        (B, (S + 1) V). Log-probabilities (B, N) of its next note, and the state behind the whole ones."""
        chords = symbols.view(symbols.shape[0], -1, self.voices)
        before, told = chords[:, :-1], chords[:, -1:]
        read = state[0]
        place = torch.arange(1, before.shape[1] + 1, device=symbols.device)
        features, after = self.trunk.read(self._vectors(before, read.long() + place), state[1:])
        logits = self.head(features[:, -1:], before[:, -1:], told)[:, 0]
        voice = (told > 0).sum(dim=2).clamp(max=self.voices - 1)  # (B, 1)
        own = logits.gather(1, voice.unsqueeze(2).expand(-1, -1, self.numbers))[:, 0]
        return own.log_softmax(dim=-1), (read + before.shape[1], *after)

    def _vectors(self, chords: Tensor, beats: Tensor) -> Tensor:
        """Of chords (B, S, V), and the places in the bar of those behind them."""
        places = torch.arange(self.voices, device=chords.device) * self.numbers
        made: Tensor = self.notes(chords + places).sum(dim=2) + self.beats(beats % BAR)
        return made

    def _learned(self, features: Tensor, before: Tensor, following: Tensor) -> Tensor:
        known = self._known(following)
        logits = self.head(features, before, following)
        logs = _own(logits, following, known).squeeze(3) - logits.logsumexp(dim=3)
        there = known.float()
        return torch.stack([torch.where(known, logs, 0.0), there, torch.zeros_like(there)], dim=1).flatten(1)

    def _judged(self, features: Tensor, before: Tensor, following: Tensor) -> Tensor:
        known = self._known(following)
        logits = self.head(features, before, following)
        own = _own(logits, following, known)
        logs = own.squeeze(3) - logits.logsumexp(dim=3)
        ranks = (1 + (logits > own).sum(dim=3)).float()
        guesses = self.head.guessed(features, before).float()
        whole = torch.stack([logs, ranks, guesses], dim=1)
        return torch.where(known.unsqueeze(1), whole, 0.0).flatten(1)

    def _known(self, following: Tensor) -> Tensor:
        """Where a note or the end of a piece is; what stands before a piece is neither."""
        first = torch.arange(self.voices, device=following.device) == 0
        return (following >= FIRST) | ((following == END) & first)


def _own(logits: Tensor, following: Tensor, known: Tensor) -> Tensor:
    """(B, S, V, 1) of what came; of places without a note that of silence, which nobody reads."""
    came = torch.where(known, following, FIRST)
    return logits.gather(3, came.unsqueeze(3))
