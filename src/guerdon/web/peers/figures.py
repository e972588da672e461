"""What is seen from outside of engines that hand commands to one another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from guerdon.web.peers.ranges import RANGES

_RANGES_WORDS: Final = f"Ranges of accounts, of {RANGES}, whose lease this engine has."


class Forwarded(Collector):
    """Counts them."""

    def __init__(self) -> None:
        """Begin alone."""
        self.neighbours = 0
        """Other engines that are understood."""
        self.ranges = RANGES
        """Of accounts, that this engine has."""
        self.handed_over = 0
        """Commands, since the start."""
        self.came_back = 0
        """Of these, those that the other engine did not answer, and this one decided."""

    def collect(self) -> Iterator[Metric]:
        """Show them.

        Yields:
            Two gauges and a counter.
        """
        words = "Other engines on this machine that work on the same database."
        yield GaugeMetricFamily("guerdon_neighbours", words, value=self.neighbours)
        yield GaugeMetricFamily("guerdon_leased_ranges", _RANGES_WORDS, value=self.ranges)
        words = "Commands that were handed to the engine that has their account, by outcome."
        family = CounterMetricFamily("guerdon_forwarded_commands", words, labels=("outcome",))
        family.add_metric(("answered",), self.handed_over - self.came_back)
        family.add_metric(("came_back",), self.came_back)
        yield family
