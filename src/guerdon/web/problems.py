"""Refusals as RFC 9457 problems: the one place that maps an error code to an HTTP status."""

from __future__ import annotations

from typing import Final

import msgspec

from guerdon.base.errors import Fault, Problem
from guerdon.rules.definition import DefinitionFault

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 1

_STATUS: Final = {
    # 400: what was sent is no request that could be read
    "invalid_json": 400,
    "invalid_utf8": 400,
    "nul_character": 400,
    "nesting_too_deep": 400,
    "duplicate_key": 400,
    "bad_request": 400,
    "body_missing": 400,
    "checkpoint_invalid": 400,
    "body_incomplete": 400,
    "unknown_parameter": 400,
    "cursor_invalid": 400,
    "test_clock_invalid": 400,
    "test_clock_refused": 400,
    "idempotency_key_invalid": 400,
    # 401, 403: who asks
    "key_missing": 401,
    "key_unknown": 401,
    "key_expired": 401,
    "key_malformed": 401,
    "signature_missing": 401,
    "signature_wrong": 401,
    "signature_too_old": 401,
    "scope_missing": 403,
    "checkpoint_not_signed": 403,
    "form_of_another_site": 403,
    # 404, 405: where
    "not_found": 404,
    "stamp_not_found": 404,
    "method_not_allowed": 405,
    # 409: it contradicts what stands
    "idempotency_key_reused": 409,
    "event_id_reused": 409,
    "order_already_paid": 409,
    "order_ambiguous": 409,
    "event_ambiguous": 409,
    "balance_too_large": 409,
    "identity_conflict": 409,
    "identity_taken": 409,
    "account_has_later_history": 409,
    "account_merged": 409,
    "account_erased": 409,
    "account_has_checkout": 409,
    "account_not_for_people": 409,
    "insufficient_units": 409,
    "delivery_under_way": 409,
    "out_of_stock": 409,
    "limit_reached": 409,
    "checkout_confirmed": 409,
    "anchor_not_configured": 409,
    "return_exceeds_order": 409,
    "return_id_reused": 409,
    "nothing_to_return": 409,
    "shipping_refunded_before": 409,
    "order_has_grown": 409,
    "order_repriced": 409,
    "order_of_another_member": 409,
    "line_returned": 409,
    "checkout_cancelled": 409,
    "redemption_used": 409,
    "redemption_sent": 409,
    "coupon_prefix_taken": 409,
    "gift_card_blocked": 409,
    "gift_card_not_blocked": 409,
    "gift_card_empty": 409,
    "gift_card_replaced": 409,
    "coupon_of_another_member": 409,
    "redemption_cancelled": 409,
    "donation_paid_out": 409,
    "nothing_due": 409,
    "deed_decided": 409,
    "receipt_used": 409,
    "deeds_too_many": 429,
    "period_not_over": 409,
    "redemption_expired": 409,
    "redemption_not_issued": 409,
    "redemption_held": 409,
    "choice_made": 409,
    "reward_cooling": 409,
    "balance_too_small": 409,
    "seats_free": 409,
    "not_waiting": 409,
    "seat_called": 409,
    "ticket_used": 409,
    "ticket_cancelled": 409,
    "leaderboard_of_teams": 409,
    "team_full": 409,
    "team_invites_too_many": 409,
    "team_already": 409,
    "team_not_joined": 409,
    "team_not_asked": 409,
    "challenge_joined": 409,
    "challenge_not_joined": 409,
    "challenge_not_begun": 409,
    "challenge_over": 409,
    "quiz_passed": 409,
    "draw_not_found": 404,
    "draw_not_drawn": 409,
    "quiz_attempts_spent": 409,
    "quiz_waits": 409,
    "quiz_not_yet": 409,
    "quiz_over": 409,
    "quiz_begun_elsewhere": 409,
    "referral_not_held": 409,
    "referrals_not_offered": 409,
    "attempt_finished": 409,
    "attempt_time_over": 409,
    "question_answered": 409,
    "question_not_open": 409,
    "question_time_over": 409,
    "key_ended": 409,
    "community_closed": 409,
    "own_post": 409,
    "member_ambiguous": 409,
    "name_taken": 409,
    "post_decided": 409,
    "post_repeated": 409,
    "post_withdrawn": 409,
    "sharing_closed": 409,
    "wallet_in_use": 409,
    "reward_in_use": 409,
    "currency_changed": 409,
    "timezone_changed": 409,
    "scale_changed": 409,
    "tender_changed": 409,
    # 410, 413, 415: gone, too large, of another kind
    "member_erased": 410,
    "link_expired": 410,
    "link_ended": 410,
    "body_too_large": 413,
    "photo_too_large": 413,
    "too_many_events": 413,
    "event_too_large": 413,
    "unsupported_media_type": 415,
    # 429: too much
    "rate_limited": 429,
    "posts_too_many": 429,
    "likes_too_many": 429,
    "reports_too_many": 429,
    "shares_too_many": 429,
    "too_many_anonymous_carts": 429,
    # 5xx: ours
    "internal_error": 500,
    "sealed_data_unreadable": 500,
    "master_key_invalid": 500,
    "log_key_lost": 500,
    "overloaded": 503,
    "database_unavailable": 503,
    "not_ready": 503,
    "shutting_down": 503,
    "enrolment_contended": 503,
}
_ANYTHING_ELSE: Final = 422
"""A request that could be read and was refused by a rule."""
_DETAIL_LENGTH: Final = 1_000


def codes_of(status: int) -> list[str]:
    """List the codes that an HTTP status is known to answer with.

    Args:
        status: HTTP status.

    Returns:
        Codes, sorted; others may come, such as `…_not_found` with 404.
    """
    return sorted(code for code, known in _STATUS.items() if known == status)


class FaultBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """One wrong place of a request."""

    pointer: str
    code: str
    detail: str
    line: int = 0
    """In the text of a definition, from 1; left out elsewhere."""
    column: int = 0
    """In that line, from 1, in characters."""


class ProblemBody(msgspec.Struct, frozen=True):
    """A refusal, RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FaultBody] = []


def status_of(code: str) -> int:
    """Give the HTTP status of an error code.

    Args:
        code: stable snake_case word of a `Problem`.

    Returns:
        An HTTP status from 400 to 503.
    """
    known = _STATUS.get(code)
    if known is not None:
        return known
    return 404 if code.endswith("_not_found") else _ANYTHING_ELSE


def _short(detail: str) -> str:
    # A sentence may quote what was sent, and that may be as long as a whole body.
    return detail if len(detail) <= _DETAIL_LENGTH else f"{detail[:_DETAIL_LENGTH]} …"


def _fault_of(fault: Fault) -> FaultBody:
    place = (fault.line, fault.column) if isinstance(fault, DefinitionFault) else ()
    return FaultBody(_short(fault.pointer), fault.code, _short(fault.detail), *place)


def problem_of(code: str, detail: str, faults: tuple[Fault, ...] = ()) -> ProblemBody:
    """Write a refusal as it is shown.

    Args:
        code: stable snake_case word.
        detail: a sentence for people.
        faults: the wrong places of the request.

    Returns:
        The body, ready to be encoded.
    """
    errors = [_fault_of(fault) for fault in faults]
    title = code.replace("_", " ").capitalize()
    return ProblemBody(f"urn:guerdon:problem:{code}", title, status_of(code), _short(detail), code, errors)


def body_of(problem: Problem) -> ProblemBody:
    """Write a raised refusal as it is shown.

    Args:
        problem: what was raised.

    Returns:
        The body, ready to be encoded.
    """
    return problem_of(problem.code, problem.detail, problem.faults)


def extra_headers(code: str) -> list[tuple[bytes, bytes]]:
    """Give the headers that belong to a refusal.

    Args:
        code: stable snake_case word.

    Returns:
        Pairs of header name and value, in lower case.
    """
    status = status_of(code)
    if status == 401:
        error = b', error="invalid_token"' if code != "key_missing" else b""
        return [(b"www-authenticate", b'Bearer realm="guerdon"' + error)]
    if status == 503:
        return [(b"retry-after", b"%d" % RETRY_AFTER_SECONDS)]
    return []
