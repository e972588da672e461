"""What an expression sees: the types that it is checked against, and the values that it reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from guerdon.base.calendar import Zone
from guerdon.base.exact import scaled_decimal
from guerdon.base.ids import number_text
from guerdon.rules.definition import Definition
from guerdon.rules.expressions import (
    ANY,
    BOOL,
    DECIMAL,
    DURATION,
    INT,
    STRING,
    TIMESTAMP,
    Environment,
    ExpressionError,
    ListOf,
    MapOf,
    Namespace,
    Record,
    Type,
    compile_expression,
)
from guerdon.rules.metrics import Counts, Metric, Value, value_on
from guerdon.rules.own_events import declared_data, has_order
from guerdon.rules.state import MemberState, WalletState

LINE = Record(
    "line",
    {
        "id": STRING,
        "sku": STRING,
        "name": STRING,
        "quantity": DECIMAL,
        "categories": ListOf(STRING),
        "brand": STRING,
        "tags": ListOf(STRING),
        "attributes": MapOf(STRING, ANY),
        "tax_rate": DECIMAL,
        "subtotal": DECIMAL,
        "discount": DECIMAL,
        "net": DECIMAL,
        "tax": DECIMAL,
        "total": DECIMAL,
        "earning_base": DECIMAL,
    },
)
ORDER = Record(
    "order",
    {
        "id": STRING,
        "currency": STRING,
        "channel": STRING,
        "store": STRING,
        "lines": ListOf(LINE),
        "quantity": DECIMAL,
        "subtotal": DECIMAL,
        "discount": DECIMAL,
        "net": DECIMAL,
        "earning_base": DECIMAL,
        "tax": DECIMAL,
        "shipping": DECIMAL,
        "total": DECIMAL,
        "attributes": MapOf(STRING, ANY),
        "coupons": ListOf(STRING),
    },
)
WALLET = Record("wallet", {"available": DECIMAL, "pending": DECIMAL, "held": DECIMAL})
TIER = Record("tier", {"key": STRING, "level": INT, "rate": DECIMAL, "benefits": ListOf(STRING)})

_DATA_TYPES: Mapping[str, Type] = {
    "string": STRING,
    "int": INT,
    "decimal": DECIMAL,
    "bool": BOOL,
    "date": STRING,
    "timestamp": TIMESTAMP,
    "duration": DURATION,
    "any": ANY,
    "list(string)": ListOf(STRING),
    "list(int)": ListOf(INT),
    "list(decimal)": ListOf(DECIMAL),
}
FOLLOW_ON_DATA: Mapping[str, Mapping[str, Type]] = {
    "tier.reached": {"ladder": STRING, "tier": STRING, "cause": STRING},
    "badge.earned": {"badge": STRING, "level": INT},
    "challenge.completed": {"challenge": STRING, "round": INT},
    "quiz.finished": {"quiz": STRING, "attempt": INT, "points": INT, "of": INT, "passed": BOOL},
    "survey.answered": {"survey": STRING},
    "draw.won": {"draw": STRING},
    "board.closed": {"leaderboard": STRING, "rank": INT, "window": STRING},
}
"""Types that decisions and the program's own pages set off, and their data."""


def environment_for(definition: Definition, event_type: str) -> Environment:
    """Declare what an expression sees when an event of a type is decided.

    Args:
        definition: the program's definition.
        event_type: the type, such as `order.paid`; with `/line` behind it, what chooses lines sees.

    Returns:
        The environment to compile against.
    """
    return _environment(definition, event_type, _metrics(definition))


def _environment(definition: Definition, event_type: str, metrics: Mapping[str, Type]) -> Environment:
    event_type, _, of_line = event_type.partition("/")
    roots = {**_standing(definition, metrics), "event": _event(definition, event_type), "store": STRING}
    if has_order(event_type):
        roots["order"] = ORDER
    elif event_type == "checkout":
        roots["cart"] = roots["order"] = ORDER
    if of_line:
        roots["line"] = LINE
    return Environment(roots, zone=Zone(definition.timezone).info)


def environment_of_account(definition: Definition, *, for_segment: bool = False) -> Environment:
    """Declare what an expression sees that is about an account, at no event.

    Args:
        definition: the program's definition.
        for_segment: whether it decides who is in a segment: then there is no member who acts, and other
            segments are not seen, so that none depends on itself.

    Returns:
        The environment to compile against.
    """
    roots = _standing(definition, _metrics(definition))
    if for_segment:
        del roots["member"]
        account, _ = _people(definition)
        seen = {name: kind for name, kind in account.fields.items() if name != "segments"}
        roots["account"] = Record("account", seen)
    return Environment(roots, zone=Zone(definition.timezone).info)


def _metrics(definition: Definition) -> dict[str, Type]:
    """Declare what metrics are: numbers, or instants where the last one of an event is kept."""
    found: dict[str, Type] = dict.fromkeys(definition.metrics, DECIMAL)
    for key, one in definition.metrics.items():
        if one.last is not None:
            found[key] = _type_of(str(one.last), _environment(definition, one.event, {}))
    return found


def _type_of(text: str, environment: Environment) -> Type:
    try:
        return TIMESTAMP if compile_expression(text, environment).type == TIMESTAMP else DECIMAL
    except ExpressionError:
        # It is told where the metric is compiled.
        return DECIMAL


def _standing(definition: Definition, metrics: Mapping[str, Type]) -> dict[str, Type]:
    account, member = _people(definition)
    return {
        "account": account,
        "member": member,
        "wallets": Namespace("wallets", dict.fromkeys(definition.wallets, WALLET)),
        "metrics": Namespace("metrics", metrics),
        "program": Record("program", {"key": STRING, "currency": STRING}),
        "now": TIMESTAMP,
    }


def _people(definition: Definition) -> tuple[Record, Record]:
    attributes = Namespace(
        "attributes", {name: _DATA_TYPES[one.type] for name, one in definition.attributes.items()}
    )
    member = Record(
        "member",
        {
            "id": STRING,
            "language": STRING,
            "birthday": STRING,
            "joined_at": TIMESTAMP,
            "attributes": attributes,
            "consents": MapOf(STRING, BOOL),
            "role": STRING,
        },
    )
    account = Record(
        "account",
        {
            "id": STRING,
            "kind": STRING,
            "attributes": attributes,
            "owner": member,
            "members": INT,
            "tiers": Namespace("tiers", dict.fromkeys(definition.ladders, TIER)),
            "segments": ListOf(STRING),
            "scores": MapOf(STRING, DECIMAL),
            "badges": ListOf(STRING),
        },
    )
    return account, member


def _event(definition: Definition, event_type: str) -> Record:
    data = dict(FOLLOW_ON_DATA.get(event_type, {}))
    declared = declared_data(definition, event_type)
    if declared or event_type in definition.events:
        data = {name: _DATA_TYPES[one.type] for name, one in declared.items()}
    return Record(
        "event",
        {
            "type": STRING,
            "time": TIMESTAMP,
            "source": STRING,
            "channel": STRING,
            "store": STRING,
            "data": Namespace("event data", data),
        },
    )


class WalletView(msgspec.Struct, frozen=True):
    """A wallet as expressions read it, in whole units."""

    available: Decimal
    pending: Decimal
    held: Decimal


class TierView(msgspec.Struct, frozen=True):
    """A tier as expressions read it."""

    key: str
    level: int
    rate: Decimal
    benefits: tuple[str, ...]


class MemberView(msgspec.Struct, frozen=True):
    """A member as expressions read them."""

    number: int = 0
    language: str = ""
    birthday: str = ""
    joined_at: datetime | None = None
    attributes: Mapping[str, Any] = {}
    consents: Mapping[str, bool] = {}
    role: str = ""

    @property
    def id(self) -> str:
        """The member's identifier as people see it; written out only where it is read."""
        return number_text("mem", self.number) if self.number else ""


class AccountView(msgspec.Struct, frozen=True):
    """An account as expressions read it."""

    number: int
    kind: str
    attributes: Mapping[str, Any]
    owner: MemberView
    members: int
    tiers: Mapping[str, TierView]
    badges: tuple[str, ...]
    segments: tuple[str, ...] = ()
    scores: Mapping[str, Decimal] = {}

    @property
    def id(self) -> str:
        """The account's identifier as people see it; written out only where it is read."""
        return number_text("acc", self.number)


class EventView(msgspec.Struct, frozen=True):
    """An event as expressions read it."""

    type: str
    time: datetime
    source: str
    channel: str
    store: str
    data: Mapping[str, Any]


class ProgramView(msgspec.Struct, frozen=True):
    """A program as expressions read it."""

    key: str
    currency: str


class MetricValues(dict[str, Value]):
    """The account's metrics on one local day, folded when first asked for."""

    def __init__(self, metrics: Mapping[str, Metric], counts: Counts, day: date) -> None:
        """Make the view.

        Args:
            metrics: the program's metrics.
            counts: what the account's metrics counted.
            day: local day whose windows are meant.
        """
        super().__init__()
        self._metrics = metrics
        self._counts = counts
        self._day = day

    def __missing__(self, name: str) -> Value:
        """Fold a metric's buckets.

        Args:
            name: the metric's key.

        Returns:
            Its value.

        Raises:
            KeyError: where nothing was counted of which there could be a least, greatest or latest.
        """
        value = value_on(self._metrics[name], self._counts, self._day)
        if value is None:
            raise KeyError(name)
        self[name] = value
        return value


class Scope:
    """The root names of an expression, for one event of one account."""

    __slots__ = (
        "account",
        "cart",
        "event",
        "line",
        "member",
        "metrics",
        "now",
        "order",
        "program",
        "store",
        "wallets",
    )

    event: EventView
    account: AccountView
    member: MemberView
    metrics: MetricValues
    wallets: Mapping[str, WalletView]
    program: ProgramView
    store: str
    now: datetime
    order: Any
    cart: Any
    line: Any


class WalletViews(dict[str, WalletView]):
    """An account's wallets in whole units, made when first asked for."""

    def __init__(self, scales: Mapping[str, int], wallets: Mapping[str, WalletState]) -> None:
        """Make the view.

        Args:
            scales: each wallet's decimal places.
            wallets: wallet states; what changes in them later is not seen where it has been read before.
        """
        super().__init__()
        self._scales = scales
        self._wallets = wallets

    def __missing__(self, key: str) -> WalletView:
        """Read a wallet.

        Args:
            key: the wallet's key.

        Returns:
            Its figures in whole units.
        """
        state = self._wallets.get(key)
        scale = self._scales[key]
        view = self[key] = (
            WalletView(Decimal(0), Decimal(0), Decimal(0))
            if state is None
            else WalletView(
                scaled_decimal(max(state.free, 0), scale),
                scaled_decimal(state.pending, scale),
                scaled_decimal(state.held, scale),
            )
        )
        return view


def member_view(member: MemberState | None) -> MemberView:
    """Show a member to expressions.

    Args:
        member: who it is, or None.

    Returns:
        The view; an empty one for nobody.
    """
    if member is None:
        return _NOBODY
    return MemberView(
        number=member.member_id,
        language=member.language,
        birthday=member.birthday,
        joined_at=member.joined_at,
        attributes=member.attributes,
        consents=member.consents,
        role=member.role,
    )


_NOBODY = MemberView()
