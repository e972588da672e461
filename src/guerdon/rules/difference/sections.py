"""What is said of challenges, badges, quizzes, draws, boards, referral, segments, journeys and surveys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from guerdon.rules.definition import (
    Advocate,
    Answer,
    BadgeEntry,
    BadgeLevel,
    BranchStep,
    Cause,
    Challenge,
    ChallengeStep,
    Draw,
    DrawPrize,
    EffectPart,
    Exclusive,
    ExitStep,
    Journey,
    Leaderboard,
    NumberQuestion,
    Part,
    PersonalGoal,
    Question,
    Quiz,
    RankPrize,
    Referral,
    Rung,
    Segment,
    Signal,
    Survey,
    SurveyQuestion,
    Team,
    ThenStep,
    Wait,
    WaitStep,
    number_text,
)
from guerdon.rules.difference.effects import effect_words
from guerdon.rules.difference.voice import (
    Voice,
    clock,
    coded,
    condition,
    listed,
    moment,
    names,
    plainly,
    span,
    times,
    window,
)

Saying = tuple[str, Callable[[Any, Voice], str]]
"""A verb, and how the value behind it is read."""

_NEVER_SAID: Final = "nothing that is said"


def _or(nothing: str, read: Callable[[Any, Voice], str]) -> Callable[[Any, Voice], str]:
    return lambda value, voice: nothing if value is None or value == () else read(value, voice)


def _either(yes: str, no: str) -> Callable[[Any, Voice], str]:
    return lambda value, _: yes if value else no


def _code(value: Any, _: Voice) -> str:
    return coded(str(value))


def _number(value: Any, _: Voice) -> str:
    return number_text(value)


def _names(value: Any, _: Voice) -> str:
    return names(value)


def _moment(value: Any, _: Voice) -> str:
    return moment(value)


def _span(value: Any, _: Voice) -> str:
    return span(value)


def _money(value: Any, voice: Voice) -> str:
    return voice.money(value)


def _limits(value: Any, voice: Voice) -> str:
    return voice.limits(value)


def _those(value: Any, _: Voice) -> str:
    return f"those for whom {coded(value)} holds"


def goal_words(goal: Any) -> str:
    """Read a goal.

    Args:
        goal: a number or a formula.

    Returns:
        Text such as `8`, or ``each account's own `…` ``.
    """
    if not isinstance(goal, PersonalGoal):
        return number_text(goal)
    bounds = [
        f"{word} {number_text(bound)}"
        for word, bound in (("at least", goal.at_least), ("at most", goal.at_most))
        if bound is not None
    ]
    return ", ".join([f"each account's own {coded(goal.personal)}", *bounds])


def signal_words(signal: Signal | None) -> str:
    """Read a signal.

    Args:
        signal: the signal, or None.

    Returns:
        Text such as `` `order.paid` ``, ``joining the segment `students` `` or `` `…` holds``.
    """
    if signal is None:
        return "nothing"
    if signal.segment is not None:
        said = f"joining the segment {coded(signal.segment)}"
    elif signal.event is not None:
        said = coded(signal.event)
    else:
        return f"{coded(signal.when or '')} holds"
    return said if signal.when is None else f"{said} {condition(signal.when)}"


def _wait(wait: Wait, _: Voice) -> str:
    said = []
    if wait.until is not None:
        said.append(f"until {signal_words(wait.until)}")
    if wait.for_ is not None:
        said.append(f"at most {span(wait.for_)}" if wait.until is not None else span(wait.for_))
    if wait.at is not None:
        said.append(f"then to {clock(wait.at)}")
    return ", ".join(said)


def _branch(step: BranchStep, voice: Voice) -> str:
    asked = f"if {signal_words(step.if_)}" if step.if_ is not None else f"unless {signal_words(step.unless)}"
    other = f", else {_steps(step.else_, voice)}" if step.else_ else ""
    return f"{asked}, {_steps(step.then, voice)}{other}"


def _steps(steps: Sequence[Any], voice: Voice) -> str:
    return listed([item_words(step, voice) for step in steps])


def _prize(effects: Sequence[EffectPart] | None, voice: Voice) -> str:
    return listed([effect_words(effect, voice) for effect in effects or ()]) or "gives nothing"


def _quoted(words: Any) -> str:
    return f"“{words}”"


def _challenge_step(step: ChallengeStep, _: Voice) -> str:
    if step.metric is not None:
        return f"{coded(step.metric)} of {goal_words(step.goal)}"
    if step.event is not None:
        when = f" {condition(step.when)}" if step.when is not None else ""
        return f"{coded(step.event)} {times(step.times)}{when}"
    kind, key = ("quiz", step.quiz) if step.quiz is not None else ("survey", step.survey)
    return f"the {kind} {coded(str(key))}"


_ITEMS: Final[tuple[tuple[type[Part], Callable[[Any, Voice], str]], ...]] = (
    (EffectPart, effect_words),
    (WaitStep, lambda step, voice: f"waits {_wait(step.wait, voice)}"),
    (BranchStep, _branch),
    (ThenStep, lambda step, voice: _prize(step.then, voice)),
    (ExitStep, lambda _, __: "leaves the journey"),
    (Question, lambda one, voice: _quoted(voice.text(one.ask))),
    (SurveyQuestion, lambda one, voice: _quoted(voice.text(one.ask))),
    (Answer, lambda one, voice: _quoted(voice.text(one.text))),
    (ChallengeStep, _challenge_step),
    (BadgeLevel, lambda one, _: f"from {number_text(one.from_)}"),
    (RankPrize, lambda one, voice: f"rank {one.rank} {_prize(one.prize, voice)}"),
    (Rung, lambda one, voice: f"from {one.from_} friends on it {_prize(one.then, voice)}"),
    (DrawPrize, lambda one, voice: f"{_prize(one.prize, voice)}{_chances(one)}"),
    (Signal, lambda one, _: signal_words(one)),
)


def _chances(one: DrawPrize) -> str:
    odds = f" to {one.odds}" if one.odds is not None else ""
    return f"{odds}, {one.winners} winners" if one.winners is not None else odds


def item_words(item: Any, voice: Voice) -> str:
    """Read an item of a list aloud.

    Args:
        item: a question, a step, a level, a prize or an effect.
        voice: of its definition.

    Returns:
        A few words without a full stop.
    """
    read = next((read for kind, read in _ITEMS if isinstance(item, kind)), None)
    return read(item, voice) if read is not None else plainly(item)


_ON_RETURN: Final = {
    "reevaluate": "is taken back where the goal is no longer met",
    "full_only": "is taken back with the whole order only",
    "keep": "stays",
}
_SHOWN: Final = {
    "never": "never",
    "after_each": "after each question",
    "at_the_end": "at the end",
}
_JOINED: Final = {
    "open": "by anybody who wants to",
    "asked": "by those whom the captain lets in",
    "invited": "by those whom the captain invites",
}

SHARED: Final[Mapping[str, Saying]] = {
    "description": ("is described as", _or(_NEVER_SAID, _names)),
    "picture": ("shows the picture", _or("of nothing", _code)),
    "alt": ("describes its picture as", _or(_NEVER_SAID, _names)),
    "icon": ("has the icon", _or("of nothing", _code)),
    "metric": ("follows the metric", _or("of nothing", _code)),
    "audience": ("is for", _or("everybody", _those)),
    "starts": ("begins on", _or("no date", _moment)),
    "ends": ("ends with", _or("no date", _moment)),
    "limits": ("can be had", _limits),
    "opt_in": ("is for", _either("those who join", "everybody")),
    "team": ("is for teams of the kind", _or("of nobody", _code)),
    "trigger": ("starts with", _or("nothing by itself", lambda value, _: f"each {coded(value)}")),
    "event": ("counts", _or("no event", _code)),
    "when": ("applies", lambda value, _: condition(value)),
    "ask": ("asks", _names),
    "text": ("says", _names),
    "explain": ("explains", _or("nothing", _names)),
    "low": ("calls its low end", _or("nothing", _names)),
    "high": ("calls its high end", _or("nothing", _names)),
    "points": ("counts", lambda value, _: f"{value} point{'' if value == 1 else 's'}"),
    "times": ("is done", lambda value, _: times(value)),
    "several": ("takes", _either("several answers", "one answer")),
    "optional": ("may be", _either("left out", "answered only")),
    "right": ("has as its right answer", lambda value, _: plainly(value)),
    "goal": ("is reached at", _or("no number", lambda value, _: goal_words(value))),
    "from_": ("begins at", _number),
    "time_limit": ("leaves", _or("all the time one wants", _span)),
    "again_after": ("can be entered again after", _or("no time", _span)),
    "on_return": ("after a return", lambda value, _: _ON_RETURN.get(value, "does as the program says")),
    "rank": ("is for rank", lambda value, _: str(value)),
    "odds": ("is won by", _or("no odds", lambda value, _: str(value))),
    "winners": ("is won by", _or("as many as are lucky", lambda value, _: f"{value} at most")),
    "if_": ("goes on if", lambda value, _: signal_words(value)),
    "unless": ("goes on unless", lambda value, _: signal_words(value)),
    "wait": ("waits", _wait),
    "minimum": ("asks for a first order of at least", _or("nothing", _money)),
    "least": ("shows those who have at least", _or("anything", _number)),
}
"""How fields are said that mean the same in several parts."""


def _challenge(one: Challenge, voice: Voice) -> str:
    if one.every is not None:
        reached = f"at every {number_text(one.every)} of {coded(one.metric or '')}"
    elif one.metric is not None:
        reached = f"at {goal_words(one.goal)} of {coded(one.metric)}"
    else:
        order = ", one after the other" if one.in_order else ""
        reached = f"after {_steps(one.steps, voice)}{order}"
    return f": {reached} it {_prize(one.prize, voice)}"


def _quiz(one: Quiz, voice: Voice) -> str:
    count = len(one.questions)
    mark = f", passed with {one.pass_} point{'' if one.pass_ == 1 else 's'}" if one.pass_ else ""
    return f" of {count} question{'' if count == 1 else 's'}{mark}: it {_prize(one.prize, voice)}"


def _survey(one: Survey, voice: Voice) -> str:
    asked = listed([_quoted(voice.text(question.ask)) for question in one.questions])
    sent = f" after each {coded(one.trigger)}" if one.trigger is not None else ""
    return f"{sent}: it asks {asked}"


def _advocate(one: Advocate, voice: Voice) -> str:
    when = f" {condition(one.when)}" if one.when is not None else ""
    return f"after the friend's first {coded(one.first)}{when}: it {_prize(one.then, voice)}"


FIELDS: Final[Mapping[tuple[type[Part], str], Saying]] = {
    (Challenge, "every"): ("gives its prize at every", _or("time never", _number)),
    (Challenge, "within"): ("leaves", _or("all the time one wants", _span)),
    (Challenge, "repeatable"): ("can be done", _either("again and again", "once")),
    (Challenge, "in_order"): ("takes its steps", _either("one after the other", "in any order")),
    (Challenge, "looks_back"): (
        "counts",
        _either("what was done before joining too", "what is done after joining"),
    ),
    (BadgeEntry, "hidden"): ("is shown to", _either("those who have it", "everybody")),
    (BadgeEntry, "series"): ("belongs to", _or("no series", lambda value, _: f"the series {coded(value)}")),
    (Quiz, "pass_"): (
        "is passed with",
        _or("all points", lambda value, _: f"{value} point{'' if value == 1 else 's'}"),
    ),
    (Quiz, "asks"): ("asks", _or("all its questions", lambda value, _: f"{value} of its questions")),
    (Quiz, "shuffle"): ("asks its questions", _either("in an order by chance", "in their order")),
    (Quiz, "attempts"): ("can be tried", _or("as often as one likes", lambda value, _: times(value))),
    (Quiz, "again_after"): ("can be tried again after", _or("no time", _span)),
    (Quiz, "shows_right"): ("shows the right answers", lambda value, _: _SHOWN[value]),
    (NumberQuestion, "within"): ("forgives", _number),
    (Leaderboard, "window"): ("ranks over", _or("its metric's own time", lambda value, _: window(value))),
    (Leaderboard, "grace"): ("takes what is told late for", _or("no time", _span)),
    (Leaderboard, "shows"): ("shows", lambda value, _: f"{value} ranks"),
    (Exclusive, "text"): ("says", _or("nothing by itself", _names)),
    (Exclusive, "url"): ("leads to", _or("nothing", _code)),
    (Team, "size"): ("has", lambda value, _: f"{value} accounts at most"),
    (Team, "invites"): ("waits", lambda value, _: f"for {value} who are invited at most at once"),
    (Team, "join"): ("is joined", lambda value, _: _JOINED[value]),
    (Referral, "window"): ("counts invitations for", _span),
    (Referral, "advocate"): (
        "thanks the advocate",
        _or("not at all", _advocate),
    ),
    (Advocate, "first"): ("looks at the friend's first", _code),
    (Segment, "when"): ("holds", _those),
    (Journey, "enter"): ("begins with", lambda value, _: signal_words(value)),
    (Survey, "kind"): ("asks in the manner of", _or("each question's own", _code)),
    (Survey, "wait"): ("is sent", lambda value, _: "at once" if value.is_zero else f"after {span(value)}"),
    (Draw, "kind"): ("is", lambda value, _: "an instant win" if value == "instant" else "a raffle"),
    (Draw, "drawn_at"): ("is drawn on", _or("no date", _moment)),
    (Cause, "charity"): ("is paid to", _or("nobody that is said", _code)),
    (Cause, "target"): ("is to bring together", _or("no sum that is said", _money)),
    (Cause, "match"): ("is matched with", _or("nothing", _number)),
    (Cause, "pays_out"): ("is paid out each", lambda value, _: str(value)),
}

NEWS: Final[Mapping[type, Callable[[Any, Voice], str]]] = {
    Challenge: _challenge,
    Quiz: _quiz,
    Survey: _survey,
    Draw: lambda one, voice: f" at each {coded(one.trigger)}: {_steps(one.prizes, voice)}",
    Leaderboard: lambda one, _: f" of {coded(one.metric)}, which shows {one.shows} ranks",
    Team: lambda one, _: f" of {one.size} accounts at most",
    Segment: lambda one, voice: f" of {_those(one.when, voice)}",
    Exclusive: lambda one, voice: f" for {_or('everybody', _those)(one.audience, voice)}",
    Journey: lambda one, voice: f": after {signal_words(one.enter)} it {_steps(one.steps, voice)}",
    Cause: lambda one, voice: f", which is to bring together {voice.money(one.target)}" if one.target else "",
}
"""What follows the name of a new part."""

TOLD: Final[Mapping[type, frozenset[str]]] = {
    Challenge: frozenset({"metric", "goal", "every", "steps", "in_order", "prize"}),
    Quiz: frozenset({"questions", "pass_", "prize"}),
    Survey: frozenset({"questions", "trigger"}),
    Draw: frozenset({"trigger", "prizes"}),
    Leaderboard: frozenset({"metric", "shows"}),
    Team: frozenset({"size"}),
    Segment: frozenset({"when"}),
    Exclusive: frozenset({"audience"}),
    Journey: frozenset({"enter", "steps"}),
    Cause: frozenset({"target"}),
    BadgeEntry: frozenset({"levels"}),
}
"""Which fields that says; the others follow it where they are not as usual."""
