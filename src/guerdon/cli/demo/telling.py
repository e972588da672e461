"""What the demo prints when it is open: where to look first, and what to try."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from guerdon.cli.demo.folder import DemoState


@dataclass(frozen=True, slots=True)
class Told:
    """What there is to tell."""

    address: str
    key: str
    program: str
    state: DemoState
    staff: tuple[str, str, str]
    """The owner, the others, and the password of all of them."""
    report: Path | None
    """The backtest's page, where one is made."""
    page: str
    """Where the member sees their own page."""


def tell(told: Told) -> None:
    """Print it."""
    text = f"{_addresses(told)}\nWhere to look first:\n\n{_first_looks(told)}\n{_to_try(told)}"
    Console(soft_wrap=True).print(text, markup=False, highlight=False)


def _addresses(told: Told) -> str:
    owner, others, password = told.staff
    state = told.state
    club = "The grocer's club" if state.real else "Backpack Club"
    return f"""
{club} is open: {state.members:,} members, {state.orders:,} orders of a year.

  console     {told.address}/console
  sign in     {owner} with {password}
              (or as {others}, with the same password)
  API         {told.address}/docs
  key         {told.key}
"""


def _first_looks(told: Told) -> str:
    state, club = told.state, f"{told.address}/console/p/{told.program}"
    looks = [
        ("who they are, what they have, and the sum behind each point", f"{club}/members/{state.member_id}"),
        ("the same, as they see it on the phone; the address is good for a year", told.page),
        ("the program as text; change it, see the plan, apply it", f"{club}/program"),
        ("each event and what it moved", f"{club}/transactions"),
    ]
    if state.tricky:
        looks.append(
            (
                "somebody who brought back heaps of old bags: five a month count, the rest brought nothing",
                f"{club}/members/{state.tricky}",
            )
        )
    if told.report is not None:
        what = "what the year would have been with silver from 300 (made meanwhile)"
        looks.append((what, str(told.report)))
    return "".join(f"  {number}  {what}\n     {where}\n" for number, (what, where) in enumerate(looks, 1))


def _to_try(told: Told) -> str:
    state = told.state
    why = f"  # why an order earned what it did\n  {_CURL} $CLUB/orders/{state.order}/explanation\n"
    return f"""To try in another terminal:

  export KEY={told.key}
  export CLUB={told.address}/v1/programs/{told.program}

  # a member, and what there is to spend
  {_CURL} $CLUB/members/{state.member}

  # an order comes in, points come out, and a pretend shop hears of it by webhook: see told.ndjson
  {_CURL} $CLUB/events \\
    -d '{_json(_order(state))}'

  # where each point came from and went
  {_CURL} $CLUB/accounts/{state.account}/ledger

{why if state.order else ""}
Ctrl-C stops it; nothing is lost.
"""


_CURL = 'curl -s -H "Authorization: Bearer $KEY"'


def _order(state: DemoState) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"try-{secrets.token_hex(3)}",
        "source": "my-shop",
        "type": "order.paid",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "subject": state.member,
        "data": {
            "id": f"TRY-{secrets.token_hex(3)}",
            "lines": [{"id": "1", "sku": "BP-40", "price": "129.90"}],
        },
    }


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
