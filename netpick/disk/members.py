"""What a model file is made of: its members, how many bytes each may have, and the version of its format."""

from __future__ import annotations

from netpick.disk.strict.archive import MOST_BYTES as MOST_WEIGHTS

FORMAT = 1
MOST_RECORD = 256 << 20  # bytes of a model.json: 500 quantiles of 20,000 columns
RECORD, WEIGHTS, CHECK, CARD = "model.json", "weights.safetensors", "check.safetensors", "card.md"
MEMBERS = {
    RECORD: MOST_RECORD,
    WEIGHTS: MOST_WEIGHTS,
    CHECK: 256 << 20,
    CARD: 1 << 20,
}
