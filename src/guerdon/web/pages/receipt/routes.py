"""Addresses of receipts: whoever has one sees that donation, and nothing else of the member."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError

from guerdon.base.errors import Problem
from guerdon.base.ids import parse_number
from guerdon.infra.tx import Tx
from guerdon.ledger import log
from guerdon.members.links.addresses import RECEIPT
from guerdon.rewards.redemptions import Redemption, get_redemption
from guerdon.rules.proofs.statement import ProofFile, write_proof
from guerdon.web.api.calls.call import answer
from guerdon.web.api.charity.reckoning import load_receipt
from guerdon.web.languages.saying import LANGUAGES
from guerdon.web.pages.me.reader import Reader, read_in
from guerdon.web.pages.visits import Visit, coming, language_of, own_page
from guerdon.web.problems import status_of
from guerdon.web.templating.paper import page_route, templates

_HERE: Final = Path(__file__).parent
_TEMPLATES: Final = templates(_HERE / "templates")
_AT: Final = f"{RECEIPT.path}/{{token}}"
TEXTS: Final[dict[str, dict[str, str]]] = {
    language: msgspec.json.decode((_HERE / "words" / f"{language}.json").read_bytes(), type=dict[str, str])
    for language in LANGUAGES
}
"""By language, what the page says under each of its names."""


def _refuse(request: Request, refused: Exception) -> Response:
    code = refused.code if isinstance(refused, Problem) else "page_not_found"
    language = language_of(request)
    texts = TEXTS[language]
    why = texts.get(f"gone_{code}", texts["gone"])
    text = _TEMPLATES.get_template("gone.html").render(texts=texts, language=language, why=why)
    return own_page(text, status_of(code))


ROUTER: Final = APIRouter(
    include_in_schema=False, route_class=page_route((Problem, RequestValidationError), _refuse)
)
Coming = Annotated[Visit, Depends(coming(RECEIPT))]


@ROUTER.get(_AT)
def show(visit: Coming) -> Response:
    """A donation: to whom, how much, and what paid for it."""
    whose = visit.whose
    with whose.premises.house.database.transaction(whose.tenant_id) as tx:
        reader = read_in(tx, visit)
        return own_page(_TEMPLATES.get_template("receipt.html").render(**_shown(tx, reader)))


@ROUTER.get(f"{_AT}/proof/{{transaction}}")
def proof(visit: Coming, transaction: UUID) -> Response:
    """That a transaction which paid is in the signed log, as a file."""
    whose = visit.whose
    with whose.premises.house.database.transaction(whose.tenant_id) as tx:
        said = answer(write_proof(_prove(tx, read_in(tx, visit), transaction)))
    said.headers["content-disposition"] = f'attachment; filename="proof-{transaction}.json"'
    said.headers["cache-control"] = "no-store"
    return said


def _row(tx: Tx, reader: Reader) -> Redemption:
    row = get_redemption(tx, reader.taker.program_id, parse_number("red", reader.visit.link.about) or 0)
    if row.member_id != reader.taker.member_id:
        raise Problem("redemption_not_found", "there is no such donation of this member")
    return row


def _shown(tx: Tx, reader: Reader) -> dict[str, Any]:
    row, say, texts = _row(tx, reader), reader.say, TEXTS[reader.say.language]
    one = load_receipt(tx, reader.opened.live, row)
    given, matched = Decimal(one.given), Decimal(one.matched)
    written = reader.program.definition.causes.get(one.cause)
    day = say.day_long(reader.zone.day_of(one.paid_out_at)) if one.paid_out_at is not None else ""
    return {
        "one": one,
        "texts": texts,
        "say": say,
        "language": say.language,
        "languages": {key: name.partition(" ")[0] for key, name in LANGUAGES.items()},
        "path": reader.path,
        "host": reader.host,
        "program": reader.opened.voice.called(reader.program.key, reader.program.definition.name),
        "giver": reader.member.profile.name or "",
        "cause": reader.opened.voice.called(one.cause, written.name if written is not None else None),
        "price": reader.price(row.price),
        "given": say.money(given, one.currency),
        "matched": say.money(matched, one.currency) if matched else "",
        "total": say.money(given + matched, one.currency),
        "paid_out": texts["paid_out"].format(day=day),
    }


def _prove(tx: Tx, reader: Reader, transaction: UUID) -> ProofFile:
    one = load_receipt(tx, reader.opened.live, _row(tx, reader))
    program_id = reader.taker.program_id
    placed = log.find_placed(tx, program_id, transaction)
    if placed is None or str(transaction) not in {line.transaction for line in one.transactions}:
        raise Problem("transaction_not_found", "this donation was paid with another, or it is not logged yet")
    signer = reader.visit.whose.premises.house.signer(reader.visit.link.tenant_id)
    # By the clock on the wall, as the sequencer signs.
    signed = log.sign_on_demand(
        tx, signer, program_id, log.origin_of(tx, reader.program.key), datetime.now(UTC)
    )
    if placed.position >= signed.size:
        raise Problem("transaction_not_found", "this transaction is logged with the next head")
    return log.prove_transaction(tx, program_id, signed, placed)
