"""Checkouts: carts are priced, what is promised is held, and the paid order takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.engine.answers import Answer
from guerdon.engine.commands import CancelCheckout, ConfirmCheckout, OpenCheckout, PreviewCart
from guerdon.members.identities import Ref, parse_ref
from guerdon.rules.orders import AmountInput, OrderInput
from guerdon.rules.sent import Time
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.coupons.misses import count_misses, misses_of, refuse_guessing
from guerdon.web.api.shapes import Answered
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Checkouts"])
SCOPE: Final = "checkouts:write"
Writing = Annotated[Call, Depends(admitted(SCOPE))]
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_OURS: Final = ("member", "source", "ttl", "cart")
_TTL_AT_MOST: Final = 86_400
_ID_LENGTH: Final = 200

Member = Annotated[str, msgspec.Meta(max_length=260)]
Source = Annotated[str, msgspec.Meta(max_length=200)]
Seconds = Annotated[int, msgspec.Meta(ge=1, le=_TTL_AT_MOST)]


def _field(field: Any) -> tuple[str, Any, Any]:
    """Give an order's field as a cart has it: the id may be left out, and lines may stand under `cart`."""
    if field.name == "id":
        return field.name, field.type, ""
    if field.default_factory is not msgspec.NODEFAULT:
        return field.name, field.type, msgspec.field(default_factory=field.default_factory)
    return field.name, field.type, () if field.default is msgspec.NODEFAULT else field.default


_FIELDS: Final = [_field(field) for field in msgspec.structs.fields(OrderInput)]
CartPart: Any = msgspec.defstruct("CartPart", _FIELDS, frozen=True, forbid_unknown_fields=True)
CartPart.__doc__ = "A cart: an order that is not placed yet, whose id may be left out."
CartBody: Any = msgspec.defstruct(
    "CartBody",
    [
        *_FIELDS,
        ("member", Member | None, None),
        ("source", Source | None, None),
        ("ttl", Seconds | None, None),
        ("cart", CartPart | None, None),
    ],
    frozen=True,
    forbid_unknown_fields=True,
)
CartBody.__doc__ = (
    "A cart, as an order that is not placed yet, with who buys (`member`), whose cart it is (`source`) and"
    " how many seconds it is held (`ttl`). The cart may stand under `cart` as well."
)


class Confirmation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the order was paid."""

    source: Source | None = None
    payments: tuple[AmountInput, ...] = ()
    """Tenders beside units; those that the program does not count earn nothing."""
    member: str | None = None
    """Who is said to have paid: another than the one for whom it was opened is refused."""


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose checkout it is, where there are several sources."""

    source: Source | None = None


class QuoteShape(Answered, frozen=True, omit_defaults=True):
    """A priced cart; money and units are decimal strings."""

    checkout: str | None
    status: str
    """`preview`, `open`, `confirmed` or `cancelled`."""
    order: str
    program_version: int
    currency: str
    lines: list[dict[str, Any]]
    shipping: dict[str, Any]
    totals: dict[str, str]
    gifts: list[dict[str, Any]]
    gift_cards: list[dict[str, str]]
    """What gift cards pay, in the order in which the cart names them, and what is left on each."""
    earns: dict[str, str]
    spends: dict[str, str]
    effects: list[dict[str, Any]]
    skipped: list[dict[str, str]]
    suggestions: list[dict[str, Any]]
    challenges: list[dict[str, Any]]
    """In which challenges the order moves the member: what counts `before` it, what counts after it (`value`)
    of the `goal`, how often it reaches the goal (`times`), and the effects which that brings (`prize`)."""
    bounded: bool
    """Whether a lane had too many candidates to find the very best."""
    expires_at: Time | None = None
    late: bool = False
    """Whether it was confirmed after it had expired."""
    shortfalls: Sequence[dict[str, str]] = ()
    """What was promised and could not be had, of a late confirmation."""
    redemptions: Sequence[dict[str, Any]] = ()
    balances: Mapping[str, Any] | None = None


@ROUTER.post(
    "/v1/programs/{program}/checkouts/preview",
    summary="Price a cart and change nothing",
    **operation(QuoteShape, body=CartBody),
)
async def preview(
    call: Writing, program: str, member: Annotated[str | None, Query(max_length=260)] = None
) -> Response:
    """Equal to opening a checkout now; nothing is held and nothing promised."""
    asked, cart = _read(call, "preview")
    refuse_guessing(call)
    said = await _price(
        call,
        PreviewCart(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            cart=cart,
            member=_member(asked.member or member),
            source=asked.source or "",
        ),
    )
    return answer(said.quote)


@ROUTER.put(
    "/v1/programs/{program}/checkouts/{checkout}",
    summary="Open a checkout, or price it anew",
    **operation(QuoteShape, body=CartBody),
)
async def open_checkout(
    call: Writing,
    program: str,
    checkout: str,
    member: Annotated[str | None, Query(max_length=260)] = None,
    source: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Units, coupons, stock, limits and budgets that the quote needs are held until it expires."""
    asked, cart = _read(call, _id(checkout))
    refuse_guessing(call)
    said = await _price(
        call,
        OpenCheckout(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            once=call.once,
            cart=cart,
            member=_member(asked.member or member),
            source=asked.source or source or "",
            caller=call.caller.actor,
            id=checkout,
            ttl=timedelta(seconds=asked.ttl) if asked.ttl is not None else None,
        ),
    )
    return answer(said.quote)


@ROUTER.post(
    "/v1/programs/{program}/checkouts/{checkout}/confirm",
    summary="The order was paid",
    **operation(QuoteShape, body=Confirmation),
)
async def confirm(
    call: Writing,
    program: str,
    checkout: str,
    source: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """What is held is taken, and the order earns, once; the body may be left out."""
    asked = call.read(Confirmation) if call.body.strip() else Confirmation()
    said = await call.ask(
        ConfirmCheckout(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            once=call.once,
            id=_id(checkout),
            source=asked.source or source or "",
            payments=_ENCODER.encode(asked.payments),
            member=_member(asked.member),
        )
    )
    return answer(_ended(said))


@ROUTER.post(
    "/v1/programs/{program}/checkouts/{checkout}/cancel",
    summary="Let everything go",
    **operation(QuoteShape, body=Named),
)
async def cancel(
    call: Writing,
    program: str,
    checkout: str,
    source: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Nothing is held any more; the body may be left out."""
    asked = call.read(Named) if call.body.strip() else Named()
    said = await call.ask(
        CancelCheckout(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            once=call.once,
            id=_id(checkout),
            source=asked.source or source or "",
        )
    )
    return answer(_ended(said))


async def _price(call: Call, command: PreviewCart) -> Answer:
    """Have a cart priced, and remember the wrong codes in it."""
    try:
        said = await call.ask(command)
    except Problem as problem:
        count_misses(call, [problem.code])
        raise
    count_misses(call, misses_of(said.quote))
    return said


def _ended(said: Answer) -> Mapping[str, Any]:
    return {
        **said.quote,
        "late": said.quote.get("late", False),
        "shortfalls": said.shortfalls,
        "redemptions": said.redemptions,
        "balances": said.balances,
    }


def _read(call: Call, order_id: str) -> tuple[Any, bytes]:
    """Read the body: what is asked, and the cart as the engine takes it."""
    asked = call.read(CartBody)
    plain = call.read_exact()
    flat = {name: value for name, value in plain.items() if name not in _OURS}
    cart = plain.get("cart")
    if cart is not None and flat:
        name = min(flat)
        raise Problem.at(
            f"/{name}", "cart_given_twice", "the cart stands under `cart`, or at the top, not both"
        )
    if cart is None and "lines" not in flat:
        raise Problem.at("/lines", "missing_field", "the field `lines` is missing")
    cart = {"id": order_id, **(flat if cart is None else cart)}
    return asked, _ENCODER.encode(cart)


def _member(text: str | None) -> Ref | None:
    if text is None:
        return None
    try:
        return parse_ref(text)
    except Problem as problem:
        raise Problem.at("/member", problem.code, problem.detail) from None


def _id(checkout: str) -> str:
    if not 0 < len(checkout) <= _ID_LENGTH or not checkout.isprintable():
        detail = f"a checkout's id has 1 to {_ID_LENGTH} characters, none of them a control character"
        raise Problem("checkout_id_invalid", detail)
    return checkout
