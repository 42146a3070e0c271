"""The account of large bodies: what all clients together, and each of them, may let the server keep in memory."""

from __future__ import annotations

from collections import Counter

SMALL = 256 << 10  # bytes of a body that is not counted: connections bound how many there are
BODIES = 4  # of the largest size, that one client may have at once; all together twice as many


class Held:
    """Bytes of large bodies, from their first byte to their answer. All of it on the event loop."""

    def __init__(self, body: int) -> None:
        """body: bytes of the largest that is taken."""
        self.most, self.most_of_one = 2 * BODIES * body, BODIES * body
        self.bytes = 0
        self._by_client: Counter[str] = Counter()

    def has_room(self, client: str, more: int) -> bool:
        """Whether a body of so many bytes would fit by now."""
        if more <= SMALL:
            return True
        return self.bytes + more <= self.most and self._by_client[client] + more <= self.most_of_one

    def grow(self, client: str, before: int, after: int) -> bool:
        """Counts a body that has grown; False where it does not fit, and then it is not counted on."""
        if after <= SMALL:
            return True
        more = after - (before if before > SMALL else 0)
        if not (self.bytes + more <= self.most and self._by_client[client] + more <= self.most_of_one):
            return False
        self._add(client, more)
        return True

    def release(self, client: str, length: int) -> None:
        """The body is not kept any more."""
        if length > SMALL:
            self._add(client, -length)

    def _add(self, client: str, more: int) -> None:
        self.bytes += more
        self._by_client[client] += more
        if self._by_client[client] <= 0:
            del self._by_client[client]
