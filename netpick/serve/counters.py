"""What the server counts, in Prometheus' text format. Labels come from closed sets, so their number is bounded."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds


class Histogram:
    """Durations by upper bound."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


class Counters:
    """Requests by route and status, their durations by route; and gauges that are asked for when somebody looks."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, int], int] = {}
        self.durations: dict[str, Histogram] = {}
        self.gauges: list[tuple[str, str, str, Callable[[], float]]] = []  # name, help, labels, value
        self.begun = 0  # requests whose headers have arrived
        self.ended = 0  # requests that were answered, or whose client went away

    def count(self, route: str, status: int, seconds: float) -> None:
        key = (route, status)
        self.requests[key] = self.requests.get(key, 0) + 1
        histogram = self.durations.get(route)
        if histogram is None:
            histogram = self.durations[route] = Histogram()
        histogram.observe(seconds)
        self.ended += 1

    def gauge(self, name: str, text: str, labels: str, value: Callable[[], float]) -> None:
        self.gauges.append((name, text, labels, value))

    def text(self) -> str:
        """The exposition format, version 0.0.4."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield "# HELP netpick_requests_total Requests answered, by route and status."
        yield "# TYPE netpick_requests_total counter"
        for (route, status), count in sorted(self.requests.items()):
            yield f'netpick_requests_total{{route="{escaped(route)}",status="{status}"}} {count}'
        yield "# HELP netpick_request_seconds Time from a request's headers to its answer."
        yield "# TYPE netpick_request_seconds histogram"
        for route, histogram in sorted(self.durations.items()):
            seen = 0
            for bound, count in zip((*BOUNDS, float("inf")), histogram.counts, strict=True):
                seen += count
                label = "+Inf" if bound == float("inf") else f"{bound:g}"
                yield f'netpick_request_seconds_bucket{{route="{escaped(route)}",le="{label}"}} {seen}'
            yield f'netpick_request_seconds_sum{{route="{escaped(route)}"}} {histogram.total:.6f}'
            yield f'netpick_request_seconds_count{{route="{escaped(route)}"}} {seen}'
        introduced = set()
        for name, text, labels, value in self.gauges:
            if name not in introduced:
                kind = "counter" if name.endswith("_total") else "gauge"
                yield f"# HELP {name} {text}"
                yield f"# TYPE {name} {kind}"
                introduced.add(name)
            yield f"{name}{labels} {value():g}"


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
