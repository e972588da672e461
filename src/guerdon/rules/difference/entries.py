"""What is said of the parts of a definition: the name of each, how its fields are read, what is new."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

from guerdon.rules.definition import (
    BadgeEntry,
    Campaign,
    Conversion,
    Datum,
    Definition,
    DescribedPart,
    Discount,
    EffectPart,
    EventKind,
    Ladder,
    Lane,
    Metric,
    Part,
    Retired,
    Reward,
    Tier,
    Wallet,
    number_text,
)
from guerdon.rules.difference import circles, ladders, sections, taking
from guerdon.rules.difference.effects import effect_words
from guerdon.rules.difference.sections import item_words
from guerdon.rules.difference.voice import (
    Voice,
    amount_of,
    as_words,
    coded,
    condition,
    earning,
    expiry,
    listed,
    moment,
    names,
    plainly,
    rounding,
    schedule,
    span,
    streak_words,
    window,
)

Saying = tuple[str, Callable[[Any, Voice], str]]
"""A verb, and how the value behind it is read."""

_ONE: Final = {
    "attributes": "The attribute", "events": "The event type", "metrics": "The metric",
    "campaigns": "Campaign", "lanes": "The lane", "challenges": "The challenge", "quizzes": "The quiz",
    "leaderboards": "The leaderboard", "segments": "The segment", "journeys": "The journey",
    "surveys": "The survey", "draws": "The draw", "teams": "The kind of team", "causes": "The cause",
    "benefits": "The benefit", "content": "The content",
}  # fmt: skip
_NAMED: Final = {"wallets": "The wallet", "ladders": "The ladder", "rewards": "Reward", "badges": "Badge"}


def subject(section: str, key: str, part: object, voice: Voice) -> str:
    """Name a part of a definition at the beginning of a sentence.

    Args:
        section: where it stands, such as `campaigns`.
        key: its key.
        part: the part.
        voice: of its definition.

    Returns:
        Text such as ``Campaign `welcome` `` or `Reward Travel pouch`.
    """
    if isinstance(part, Tier):
        return f"Tier {voice.called(key, part.name)}"
    if isinstance(part, Reward | BadgeEntry):
        return f"{_NAMED[section]} {voice.called(key, part.name)}"
    if isinstance(part, Wallet | Ladder):
        return f"{_NAMED[section]} {coded(key)}"
    return f"{_ONE.get(section, as_words(section).capitalize())} {coded(key)}"


def _or(nothing: str, read: Callable[[Any, Voice], str]) -> Callable[[Any, Voice], str]:
    return lambda value, voice: nothing if value is None or value in ((), {}) else read(value, voice)


def _number(value: Any, _: Voice) -> str:
    return number_text(value)


def _names(value: Any, _: Voice) -> str:
    return listed([coded(item) for item in value])


def _money(value: Any, voice: Voice) -> str:
    return voice.money(value)


def _code(value: Any, _: Voice) -> str:
    return coded(str(value))


def _span(value: Any, _: Voice) -> str:
    return span(value)


def _tender(value: Any, _: Voice) -> str:
    return as_words(value)


def _conversions(value: Mapping[str, Conversion], _: Voice) -> str:
    return listed([f"{coded(key)} for {_conversion(one)}" for key, one in value.items()])


def _conversion(one: Conversion) -> str:
    kept = f" (of {one.scale} decimal places)" if one.scale else ""
    if one.rate is None:
        return f"nothing{kept}"
    rounding = {"floor": "down", "ceil": "up"}.get(one.rounding, as_words(one.rounding))
    return f"{number_text(one.rate)} {coded(one.into)} a unit, rounded {rounding} for each account{kept}"


def _honoured(value: Mapping[str, str], _: Voice) -> str:
    return listed([coded(key) for key in value])


def _discount(value: Discount, voice: Voice) -> str:
    return effect_words(value, voice).removeprefix("takes ")


_AFTER_RETURN: Final[Mapping[str | None, str]] = {
    None: "does as the program says",
    "reevaluate": "is taken back where what remains of the order would not bring it",
    "full_only": "is taken back with the whole order only",
    "keep": "stays",
}

_EVIDENCE: Final[Mapping[str, str]] = {
    "none": "at once",
    "required": "once staff have approved it, by a photo or a receipt",
    "staff": "once staff have approved it",
}
FIELDS: Final[dict[tuple[type[Part], str], Saying]] = {
    **ladders.FIELDS,
    (Definition, "currency"): ("is reckoned in", lambda value, _: str(value)),
    (Definition, "timezone"): ("has the days of", lambda value, _: str(value)),
    (Definition, "languages"): ("speaks", lambda value, _: listed(value)),
    (Definition, "claim_within"): ("lets guests claim an order within", _span),
    (Wallet, "scale"): ("keeps", lambda value, _: f"{value} decimal place{'' if value == 1 else 's'}"),
    (Wallet, "rounding"): ("rounds", lambda value, _: rounding(value)),
    (Wallet, "pending"): (
        "lets units be spent",
        lambda value, _: "at once" if value.is_zero else f"{span(value)} after earning",
    ),
    (Wallet, "expires"): ("keeps units", lambda value, _: expiry(value)),
    (Wallet, "debt"): (
        "after a return",
        lambda value, _: "may fall below zero" if value == "allowed" else "stops at zero",
    ),
    (Wallet, "tender"): ("pays an order as", _tender),
    (Wallet, "worth"): ("counts a unit at checkout as", _or("nothing", _money)),
    (Wallet, "cost"): ("is booked with a cost a unit of", _or("nothing", _money)),
    (Wallet, "limits"): ("lets an account earn", lambda value, _: earning(value)),
    (Wallet, "spendable"): ("is", lambda value, _: "spent" if value else "only shown, and not spent"),
    (EventKind, "evidence"): ("counts", lambda value, _: _EVIDENCE[value]),
    (Metric, "event"): ("looks at", lambda value, _: f"each {coded(value)}"),
    (Metric, "value"): ("adds up", _or("how many there were", lambda value, _: amount_of(value))),
    (Metric, "when"): ("counts", lambda value, _: condition(value)),
    (Metric, "streak"): ("counts", lambda value, _: streak_words(value)),
    (Metric, "distinct"): ("counts the different values of", _or("nothing", _code)),
    (Metric, "min"): ("keeps the least", _or("of nothing", _code)),
    (Metric, "max"): ("keeps the greatest", _or("of nothing", _code)),
    (Metric, "last"): ("keeps the latest", _or("of nothing", _code)),
    (Metric, "window"): ("counts over", lambda value, _: window(value)),
    (Datum, "values"): (
        "may be",
        _or("anything of its type", lambda value, _: listed([coded(one) for one in value], "or")),
    ),
    (Campaign, "trigger"): ("starts with", lambda value, _: f"each {coded(value)}"),
    (Campaign, "when"): ("applies", lambda value, _: condition(value)),
    (Campaign, "audience"): (
        "is for",
        _or("everybody", lambda value, _: f"those for whom {coded(value)} holds"),
    ),
    (Campaign, "channels"): (
        "runs in",
        _or("every channel", lambda value, _: f"the channels {listed(value)}"),
    ),
    (Campaign, "stores"): ("runs in", _or("every store", lambda value, _: f"the stores {listed(value)}")),
    (Campaign, "schedule"): ("runs", lambda value, _: schedule(value)),
    (Campaign, "priority"): ("has priority", lambda value, _: str(value)),
    (Campaign, "lane"): ("stands in", _or("no lane", lambda value, _: f"the lane {coded(value)}")),
    (Campaign, "exclusive"): (
        "goes",
        lambda value, _: "alone, without any other" if value else "together with others",
    ),
    (Campaign, "limits"): ("happens", lambda value, voice: voice.limits(value)),
    (Campaign, "on_return"): ("after a return", lambda value, _: _AFTER_RETURN[value]),
    (Retired, "wallets"): (": it gives up", _or("no wallet", _conversions)),
    (Retired, "rewards"): (": it honours what people hold of", _or("no reward", _honoured)),
    (Lane, "choose"): ("chooses", _code),
    (Lane, "within"): ("stands within", _or("no other lane", _code)),
    (Reward, "kind"): ("is a", lambda value, _: as_words(value)),
    (Reward, "price"): ("costs", lambda value, voice: voice.prices(value.items())),
    (Reward, "stock"): ("has", lambda value, _: "no end of stock" if value is None else f"{value} in stock"),
    (Reward, "seats"): ("has", lambda value, _: "no end of seats" if value is None else f"{value} seats"),
    (Reward, "discount"): ("takes", _or("nothing off", _discount)),
    (Reward, "remaining"): (
        "leaves what a cart does not use of its coupon",
        lambda value, _: "to the next one" if value == "kept" else "to nobody",
    ),
    (Reward, "valid"): (
        "is valid",
        lambda value, _: "without end" if value is None else f"for {span(value)}",
    ),
    (Reward, "code"): (
        "has",
        _or("codes of the engine's own making", lambda value, _: f"codes like {coded(value)}"),
    ),
    (Reward, "worth"): ("is worth", _or("nothing that is said", _money)),
    (Reward, "cost"): ("costs the shop", _or("nothing that is said", _money)),
    (Reward, "tiers"): ("is for", _or("all tiers", lambda value, _: f"the tiers {_names(value, _)}")),
    (Reward, "at"): ("takes place on", _or("no date", lambda value, _: moment(value))),
    (Reward, "opens"): ("opens on", _or("no date", lambda value, _: moment(value))),
    (Reward, "until"): ("can be had until", _or("no date", lambda value, _: moment(value))),
    (Reward, "choices"): ("lets choose among", _or("any words", _names)),
    (Reward, "public_at"): ("is open to everybody from", _or("no date", lambda value, _: moment(value))),
    (Reward, "sku"): ("is the product", _or("none that is said", _code)),
    (Reward, "when"): ("is for carts", lambda value, _: condition(value)),
    (Reward, "lane"): ("stands in", _or("no lane", lambda value, _: f"the lane {coded(value)}")),
    (Reward, "priority"): ("has priority", _or("0", lambda value, _: str(value))),
    (Reward, "exclusive"): (
        "goes",
        lambda value, _: "alone, without any other" if value else "together with others",
    ),
    (Reward, "cause"): ("is given to", _or("nothing that is said", _code)),
    (Reward, "match"): ("is matched with", _or("nothing", _number)),
    (Reward, "adds"): ("adds", _or("no time", _span)),
    (Reward, "limits"): ("can be had", lambda value, voice: voice.limits(value)),
    (Reward, "on_return"): ("after a return", lambda value, _: _AFTER_RETURN[value]),
}


def saying(part: type[Part], name: str) -> Saying:
    """Find how a field is said.

    Args:
        part: the model.
        name: the field's name there.

    Returns:
        The verb, and how the value is read; a plain way for fields that need no words of their own.
    """
    places = (FIELDS, sections.FIELDS, taking.FIELDS, circles.FIELDS)
    own = next((said[part, name] for said in places if (part, name) in said), None)
    if own is None and issubclass(part, DescribedPart):
        own = sections.SHARED.get(name)
    if own is not None:
        return own
    if name in ("name", "unit"):
        return ("is called" if name == "name" else "counts in"), lambda value, _: names(value)
    return f": {coded(name.rstrip('_'))} is", lambda value, _: plainly(value)


def _wallet(one: Wallet, voice: Voice) -> str:
    worth = f", a unit worth {voice.money(one.worth)}" if one.worth is not None else ""
    return f": it keeps units {expiry(one.expires)}{worth}"


def _metric(one: Metric, _: Voice) -> str:
    when = f" {condition(one.when)}" if one.when is not None else ""
    return f": it {_counted(one)} {coded(one.event)}{when} over {window(one.window)}"


def _counted(one: Metric) -> str:
    if one.in_a_row is not None:
        return f"counts the {streak_words(one.in_a_row)} with"
    if one.value is not None:
        return f"adds up {amount_of(one.value)} of each"
    if one.distinct is not None:
        return f"counts the different values of {coded(one.distinct)} of each"
    kept = (("least", one.min), ("greatest", one.max), ("latest", one.last))
    said = [f"keeps the {word} {coded(read)} of each" for word, read in kept if read is not None]
    return said[0] if said else "counts each"


def _campaign(one: Campaign, voice: Voice) -> str:
    said = f": on each {coded(one.trigger)} it {listed([effect_words(effect, voice) for effect in one.then])}"
    if one.when is not None:
        said += f", {condition(one.when)}"
    if one.schedule is not None:
        said += f", {schedule(one.schedule)}"
    limits = voice.limits(one.limits)
    return said if limits == "without limit" else f"{said}, {limits}"


def _reward(one: Reward, voice: Voice) -> str:
    said = f" for {voice.prices(one.price.items())}" if one.price else ", which campaigns grant"
    for count, of in ((one.stock, "in stock"), (one.seats, "seats")):
        if count is not None:
            said += f", {count} {of}"
    return said


def _carried(one: EventKind) -> str:
    data = [f"{coded(key)} ({datum.type})" for key, datum in sorted(one.data.items())]
    said = f", which carries {listed(data)}" if data else ""
    return said if one.evidence == "none" else f"{said}, which counts {_EVIDENCE[one.evidence]}"


_NEW: Final[dict[type, Callable[[Any, Voice], str]]] = {
    **ladders.NEWS,
    Wallet: _wallet,
    Metric: _metric,
    Campaign: _campaign,
    Reward: _reward,
    Lane: lambda one, _: f", which chooses {coded(one.choose)}",
    EventKind: lambda one, _: _carried(one),
    Datum: lambda one, _: f" of the type {one.type}{', which is personal' if one.personal else ''}",
}


_TOLD: Final[dict[type, frozenset[str]]] = {
    **ladders.TOLD,
    Wallet: frozenset({"expires", "worth"}),
    Metric: frozenset({"event", "value", "when", "window", "streak", "distinct", "min", "max", "last"}),
    Campaign: frozenset({"trigger", "when", "schedule", "limits", "combine", "then"}),
    Reward: frozenset({"price", "stock", "seats"}),
    Lane: frozenset({"choose"}),
    Datum: frozenset({"type", "personal"}),
}
_SHOWN_ONLY: Final = frozenset({"name", "unit", "description", "picture", "alt", "icon", "kind"})
"""What people see and nothing depends on is not read aloud where a part is new."""


def news(part: object, voice: Voice) -> str:
    """Say what a new part is about.

    Args:
        part: the part.
        voice: of its definition.

    Returns:
        What follows its name, without a full stop.
    """
    if isinstance(part, str):
        return f": {coded(part)}"
    say = _NEW.get(type(part)) or sections.NEWS.get(type(part))
    said = say(part, voice) if say is not None else ""
    told = _TOLD.get(type(part)) or sections.TOLD.get(type(part))
    if told is None or not isinstance(part, Part):
        return said
    return said + "".join(f"; {words}" for words in _others(part, voice, told | _SHOWN_ONLY))


def _others(part: Part, voice: Voice, told: Collection[str]) -> Iterator[str]:
    """Read what differs from the default and was not told."""
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if name in told or value == field.get_default(call_default_factory=True):
            continue
        if isinstance(value, tuple) and any(isinstance(item, Part) for item in value):
            items = listed([item_words(item, voice) for item in value])
            yield f"it {items}" if isinstance(value[0], EffectPart) else f"its {coded(name)}: {items}"
            continue
        verb, read = saying(type(part), name)
        begin = f"its{verb[1:]}" if verb.startswith(":") else f"it {verb}"
        yield f"{f'{verb} it' if verb.startswith('after') else begin} {read(value, voice)}"
