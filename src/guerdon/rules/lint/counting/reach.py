"""Metrics that nobody reads, and tiers that their window cannot fill."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from guerdon.rules.definition import canonical_data, number_text
from guerdon.rules.difference import Voice
from guerdon.rules.lint.asked import Asked
from guerdon.rules.lint.findings import LintWarning
from guerdon.rules.metrics import Metric

_DAYS: Final = {"year": 366, "quarter": 92, "month": 31, "week": 7, "day": 1}
_MONTHS: Final = {"year": 12, "quarter": 3, "month": 1, "week": 2, "day": 1}
_WEEK: Final = 7
_MONTH: Final = 31


def unread_metrics(asked: Asked) -> Iterator[LintWarning]:
    """Find metrics that nothing in the definition reads.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each: its counting costs time with every event.
    """
    whole = canonical_data(asked.definition)
    assert isinstance(whole, dict), "a definition is a map"
    rest = json.dumps({key: value for key, value in whole.items() if key != "metrics"})
    words = set(re.findall(r"[a-z][a-z0-9_]*", rest))
    for key in asked.definition.metrics:
        if key not in words:
            yield LintWarning(
                "metric_unread",
                f"/metrics/{key}",
                f"metric `{key}`",
                "It is counted with every event, and nothing here reads it.",
                "Use it in a ladder, challenge, segment or condition, or leave it out until then.",
            )


def unfillable_tiers(asked: Asked) -> Iterator[LintWarning]:
    """Find tiers that need a longer streak than the window of their metric can hold.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each: nobody can ever come there.
    """
    voice = Voice(asked.definition)
    for key, ladder in asked.program.ladders.items():
        written = asked.definition.ladders[key]
        for place, metric in enumerate(ladder.metrics):
            most = _most(metric)
            for tier in ladder.tiers if most is not None else ():
                if most is not None and tier.is_earned and tier.least[place] > most:
                    yield LintWarning(
                        "tier_beyond_window",
                        f"/ladders/{key}/tiers/{tier.key}/from",
                        f"tier `{key}.{tier.key}`",
                        f"Nobody can reach {voice.called(tier.key, written.tiers[tier.key].name)}: "
                        f"the window of `{written.climbed_by[place]}` holds {most} in a row at most, and "
                        f"{number_text(tier.least[place])} are needed.",
                        "Begin the tier lower, or let the metric look further back.",
                    )


def _most(metric: Metric) -> int | None:
    """Tell how many periods in a row a window can hold at most; None where there is no end."""
    window = metric.window
    if metric.streak is None or (window.is_endless and window.between is None):
        return None
    if window.between is not None:
        days = (window.between[1] - window.between[0]).days + 1
    elif window.rolling is not None:
        days = window.rolling.days + _MONTH * window.rolling.months
    elif window.membership:
        days = _DAYS["year"]
    else:
        days = _DAYS[window.period]
        if metric.streak.of == "month":
            return _MONTHS[window.period]
    # A window may begin and end within a week or a month.
    lengths = {"day": days, "week": days // _WEEK + 2, "month": days // 28 + 2}
    return lengths[metric.streak.of]
