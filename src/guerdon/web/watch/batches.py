"""Figures of the engine's batches."""

from __future__ import annotations

from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram

from guerdon.engine.batch import Again
from guerdon.engine.loop import BatchDone

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_NANO: Final = 1e9


class BatchFigures:
    """How large batches are, how long they take, and how much of that is the commit."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Make empty figures.

        Args:
            registry: where they are shown.
        """
        self._sizes = Histogram(
            "guerdon_batch_commands", "Commands of a batch.", buckets=_SIZES, registry=registry
        )
        self._seconds = Histogram(
            "guerdon_batch_seconds",
            "From a batch's first statement to its answers.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._commits = Histogram(
            "guerdon_commit_seconds", "Time of a commit.", buckets=_SECONDS, registry=registry
        )
        self._faults = Counter(
            "guerdon_commands_failed_total",
            "Commands that failed by a fault of ours; what could be kept is in quarantine.",
            registry=registry,
        )
        self._again = Counter(
            "guerdon_batches_again_total",
            "Batches, or parts of them, that were run once more, by the reason.",
            ("reason",),
            registry=registry,
        )
        for reason in get_args(Again):
            self._again.labels(reason)

    def watch(self, done: BatchDone) -> None:
        """Count a batch; runs in the engine's thread.

        Args:
            done: the batch.
        """
        self._sizes.observe(len(done.answered))
        self._seconds.observe((done.ended - done.began) / _NANO)
        for one in done.transactions:
            self._commits.observe((one.ended - one.commit_began) / _NANO)
        for reason in done.again:
            self._again.labels(reason).inc()
        failed = sum(
            answer.problem is not None and answer.problem.code == "internal_error"
            for _, answer in done.answered
        )
        if failed:
            self._faults.inc(failed)
