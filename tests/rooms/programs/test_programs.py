"""Programs: versions are numbered, kept for ever, and never change what people hold."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection

import psycopg
import pytest

from guerdon.base.errors import Problem
from guerdon.infra.db import Database
from guerdon.programs.audit import list_acts
from guerdon.programs.changes import InUse
from guerdon.programs.programs import (
    AppliedVersion,
    NewDefinition,
    RollingBack,
    apply_definition,
    ask_live,
    check_definition,
    exported_text,
    find_live,
    get_live,
    get_version,
    list_programs,
    list_versions,
    roll_back,
)
from guerdon.rules.definition import canonical_bytes, format_document, load_definition
from tests.rooms.places import NOW, make_ids, make_tenant

FIRST = """
program: shop
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points}
  miles: {unit: miles, scale: 2}
metrics:
  spend: {event: order.paid, value: order.net, window: calendar_year}
campaigns:
  base: {trigger: order.paid, then: [{award: {wallet: points, amount: order.net}}]}
"""


def _new(text: str, in_use: InUse | None = None) -> NewDefinition:
    return NewDefinition(load_definition(text), text, "key:gk_abc", NOW, in_use or InUse())


def _apply(database: Database, tenant_id: int, text: str, in_use: InUse | None = None) -> AppliedVersion:
    with database.transaction(tenant_id) as tx:
        return apply_definition(tx, _new(text, in_use), make_ids())


def test_versions_are_numbered_and_kept(database: Database) -> None:
    tenant_id = make_tenant(database)
    first = _apply(database, tenant_id, FIRST)
    again = _apply(database, tenant_id, "# a remark\n" + FIRST)
    second_text = FIRST.replace("order.net}", "order.net * 2}")
    second = _apply(database, tenant_id, second_text)

    assert (first.version, first.changed) == (1, True)
    assert again == AppliedVersion(first.program_id, "shop", 1, changed=False), "the same said otherwise"
    assert (second.program_id, second.version, second.changed) == (first.program_id, 2, True)
    with database.transaction(tenant_id) as tx:
        live = get_live(tx, "shop")
        assert (live.version, live.live, live.source_text) == (2, True, second_text)
        assert live.canonical == canonical_bytes(load_definition(second_text))
        kept = get_version(tx, "shop", 1)
        assert (kept.live, kept.source_text, kept.applied_by, kept.applied_at) == (
            False,
            FIRST,
            "key:gk_abc",
            NOW,
        )
        assert [line.version for line in list_versions(tx, "shop")] == [2, 1]
        assert [program.key for program in list_programs(tx)] == ["shop"]
        with tx.pipeline():
            asked, unknown = ask_live(tx, "shop"), ask_live(tx, "nothing")
            found = asked()
            assert found is not None
            assert (found.program_id, found.version) == (first.program_id, 2)
            assert unknown() is None
        assert [row.act.detail["version"] for row in list_acts(tx, about="program:shop")] == [2, 1]


def test_what_is_not_there_is_said(database: Database) -> None:
    tenant_id = make_tenant(database)
    _apply(database, tenant_id, FIRST)
    with database.transaction(tenant_id) as tx:
        assert find_live(tx, "other") is None
        with pytest.raises(Problem, match="program_not_found"):
            get_live(tx, "other")
        with pytest.raises(Problem, match="program_version_not_found"):
            get_version(tx, "shop", 2)


def test_a_key_is_free_for_another_tenant(database: Database) -> None:
    one, other = make_tenant(database, "one"), make_tenant(database, "other")
    first, second = _apply(database, one, FIRST), _apply(database, other, FIRST)
    assert first.program_id != second.program_id
    assert second.version == 1
    with database.transaction(other) as tx:
        assert [program.program_id for program in list_programs(tx)] == [second.program_id]


def _holds(*keys: str) -> InUse:
    return InUse(wallets=lambda asked: set(asked).intersection(keys))


@pytest.mark.parametrize(
    ("before", "after", "pointer", "code"),
    [
        ("currency: USD", "currency: EUR", "/currency", "currency_changed"),
        ("timezone: America/New_York", "timezone: Asia/Dhaka", "/timezone", "timezone_changed"),
        ("scale: 2", "scale: 3", "/wallets/miles/scale", "scale_changed"),
        ("{unit: points}", "{unit: points, scale: 1}", "/wallets/points/scale", "scale_changed"),
        ("  miles: {unit: miles, scale: 2}\n", "", "/wallets/miles", "wallet_in_use"),
    ],
)
def test_what_people_hold_stays(database: Database, before: str, after: str, pointer: str, code: str) -> None:
    tenant_id = make_tenant(database)
    _apply(database, tenant_id, FIRST)
    assert before in FIRST
    with pytest.raises(Problem) as caught:
        _apply(database, tenant_id, FIRST.replace(before, after), _holds("miles", "spend"))
    assert caught.value.code == code
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [(pointer, code)]
    with database.transaction(tenant_id) as tx:
        assert get_live(tx, "shop").version == 1
        with pytest.raises(Problem, match=code):
            check_definition(tx, load_definition(FIRST.replace(before, after)), _holds("miles", "spend"))


def test_all_faults_are_told_at_once(database: Database) -> None:
    tenant_id = make_tenant(database)
    _apply(database, tenant_id, FIRST)
    changed = (
        FIRST.replace("USD", "EUR").replace("scale: 2", "scale: 0").replace("order.net,", "order.total,")
    )
    with pytest.raises(Problem) as caught:
        _apply(database, tenant_id, changed, _holds("spend"))
    assert [fault.code for fault in caught.value.faults] == [
        "currency_changed",
        "scale_changed",
    ]


def test_a_version_says_since_when_its_metrics_are_counted(database: Database) -> None:
    """A changed or new metric is counted from the version that brought it, one that stays from before."""
    tenant_id = make_tenant(database)
    texts = [
        FIRST,
        FIRST.replace("scale: 2", "scale: 2, pending: 2d"),
        FIRST.replace("order.net,", "order.total,"),
        FIRST.replace("order.net,", "order.total,").replace("scale: 2", "scale: 2, pending: 1d"),
        FIRST,
    ]
    since = []
    for text in texts:
        _apply(database, tenant_id, text)
        with database.transaction(tenant_id) as tx:
            live = get_live(tx, "shop")
            since.append((live.version, live.metrics_since))
    assert since == [(1, 1), (2, 1), (3, 3), (4, 3), (5, 5)]


def test_what_nobody_holds_may_go(database: Database) -> None:
    tenant_id = make_tenant(database)
    _apply(database, tenant_id, FIRST)
    without = FIRST.replace("  miles: {unit: miles, scale: 2}\n", "").replace("order.net,", "order.total,")
    with database.transaction(tenant_id) as tx:
        planned = check_definition(tx, load_definition(without), _holds("points"))
        assert planned is not None
        assert (planned.version, planned.changed) == (2, True)
        assert check_definition(tx, load_definition(FIRST.replace("shop", "new")), InUse()) is None
        unchanged = check_definition(tx, load_definition(FIRST), InUse())
        assert unchanged is not None
        assert (unchanged.version, unchanged.changed) == (1, False)
    assert _apply(database, tenant_id, without, _holds("points")).version == 2


def test_only_what_changes_is_asked_about(database: Database) -> None:
    tenant_id = make_tenant(database)
    _apply(database, tenant_id, FIRST)
    asked: list[str] = []

    def ask(keys: Collection[str]) -> frozenset[str]:
        asked.extend(keys)
        return frozenset()

    in_use = InUse(wallets=ask)
    _apply(database, tenant_id, FIRST.replace("order.net}", "order.net * 2}"), in_use)
    assert asked == []


def test_many_apply_at_once_and_no_version_is_lost(database: Database) -> None:
    tenant_id = make_tenant(database)
    versions: list[int] = []
    ready = threading.Barrier(4)

    def apply(factor: int) -> None:
        ready.wait(10)
        text = FIRST.replace("order.net}", f"order.net * {factor}}}")
        with database.transaction(tenant_id) as tx:
            versions.append(apply_definition(tx, _new(text), make_ids(seed=factor)).version)

    threads = [threading.Thread(target=apply, args=(factor,)) for factor in range(2, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(versions) == [1, 2, 3, 4]
    with database.transaction(tenant_id) as tx:
        assert get_live(tx, "shop").version == 4


def test_a_version_cannot_be_changed_or_deleted(database: Database) -> None:
    tenant_id = make_tenant(database)
    _apply(database, tenant_id, FIRST)
    for statement in ("update program_versions set source_text = ''", "delete from program_versions"):
        with database.transaction(tenant_id) as tx, pytest.raises(psycopg.errors.InsufficientPrivilege):
            tx.execute(statement)


WITHOUT = FIRST.replace("  miles: {unit: miles, scale: 2}\n", "")
TWO_POINTS = "retired: {wallets: {miles: {into: points, rate: 2, scale: 2}}}\n"
RETIRED = WITHOUT + TWO_POINTS


def _codes(database: Database, tenant_id: int, text: str, in_use: InUse) -> list[tuple[str, str]]:
    with pytest.raises(Problem) as caught:
        _apply(database, tenant_id, text, in_use)
    return [(fault.pointer, fault.code) for fault in caught.value.faults]


def test_a_wallet_that_is_held_goes_with_a_conversion_in_its_own_scale(database: Database) -> None:
    tenant_id = make_tenant(database)
    _apply(database, tenant_id, FIRST)
    held = _holds("miles", "points")
    assert _codes(database, tenant_id, WITHOUT, held) == [("/wallets/miles", "wallet_in_use")]
    other_scale = RETIRED.replace(", scale: 2", "")
    assert _codes(database, tenant_id, other_scale, held) == [
        ("/retired/wallets/miles/scale", "scale_changed")
    ]
    assert _apply(database, tenant_id, RETIRED, held).version == 2


def test_what_waits_for_its_conversion_is_still_held(database: Database) -> None:
    tenant_id = make_tenant(database)
    _apply(database, tenant_id, FIRST)
    held = _holds("miles", "points")
    _apply(database, tenant_id, RETIRED, held)
    assert _codes(database, tenant_id, WITHOUT, held) == [("/wallets/miles", "wallet_in_use")]
    back_in_another_scale = FIRST.replace("{unit: miles, scale: 2}", "{unit: miles, scale: 1}")
    assert _codes(database, tenant_id, back_in_another_scale, held) == [
        ("/wallets/miles/scale", "scale_changed")
    ]
    assert _apply(database, tenant_id, WITHOUT, _holds("points")).version == 3
    assert _apply(database, tenant_id, RETIRED, held).version == 4
    assert _roll_back(database, tenant_id, 1, held).version == 5


def test_a_reward_of_which_people_hold_redemptions_goes_when_they_are_honoured(database: Database) -> None:
    tenant_id = make_tenant(database)
    _apply(database, tenant_id, FIRST + "rewards: {mug: {kind: product, price: {points: 5}}}\n")
    opened = InUse(rewards=lambda keys: {"mug"} & set(keys))
    assert _codes(database, tenant_id, FIRST, opened) == [("/rewards/mug", "reward_in_use")]
    honoured = FIRST + "retired: {rewards: {mug: honour}}\n"
    assert _apply(database, tenant_id, honoured, opened).version == 2
    # What is said once need not be said for ever.
    assert _apply(database, tenant_id, FIRST, opened).version == 3


def _roll_back(
    database: Database, tenant_id: int, version: int, in_use: InUse | None = None
) -> AppliedVersion:
    with database.transaction(tenant_id) as tx:
        wanted = RollingBack("shop", version, "key:gk_abc", NOW, in_use or InUse())
        return roll_back(tx, wanted, make_ids(seed=9))


def test_rolling_back_is_a_new_version_with_the_old_text(database: Database) -> None:
    tenant_id = make_tenant(database)
    first = "# our first one\n" + FIRST
    _apply(database, tenant_id, first)
    _apply(database, tenant_id, FIRST.replace("order.net}", "order.net * 2}"))
    back = _roll_back(database, tenant_id, 1)
    assert (back.version, back.changed) == (3, True)
    with database.transaction(tenant_id) as tx:
        live = get_live(tx, "shop")
        assert (live.source_text, live.canonical) == (first, get_version(tx, "shop", 1).canonical)
        assert [line.version for line in list_versions(tx, "shop")] == [3, 2, 1]
    assert _roll_back(database, tenant_id, 1) == AppliedVersion(back.program_id, "shop", 3, changed=False)
    with pytest.raises(Problem, match="program_version_not_found"):
        _roll_back(database, tenant_id, 7)


def test_rolling_back_keeps_what_people_hold(database: Database) -> None:
    tenant_id = make_tenant(database)
    _apply(database, tenant_id, FIRST)
    _apply(database, tenant_id, FIRST.replace("wallets:\n", "wallets:\n  stars: {}\n"))
    with pytest.raises(Problem, match="wallet_in_use"):
        _roll_back(database, tenant_id, 1, _holds("stars"))
    assert _roll_back(database, tenant_id, 1, _holds("points")).version == 3


def test_yaml_and_json_of_one_definition_are_stored_as_the_same_bytes(database: Database) -> None:
    tenant_id = make_tenant(database)
    as_json = json.dumps(json.loads(canonical_bytes(load_definition(FIRST))), indent=2)
    loose = as_json.replace('"2"', "2")
    assert loose != as_json
    assert _apply(database, tenant_id, FIRST).version == 1
    for text in (as_json, loose, format_document(FIRST), format_document(as_json)):
        assert _apply(database, tenant_id, text) == _apply(database, tenant_id, FIRST), text
    with database.transaction(tenant_id) as tx:
        assert len(list_versions(tx, "shop")) == 1
        assert get_live(tx, "shop").canonical == canonical_bytes(load_definition(loose))


@pytest.mark.parametrize("as_json", [False, True])
def test_what_is_exported_imports_as_the_same(database: Database, as_json: bool) -> None:
    tenant_id = make_tenant(database)
    sent = FIRST + "# with a remark\n"
    if as_json:
        sent = json.dumps(json.loads(canonical_bytes(load_definition(FIRST))))
    _apply(database, tenant_id, sent)
    with database.transaction(tenant_id) as tx:
        exported = exported_text(get_live(tx, "shop"))
    assert exported.strip().startswith("program: shop")
    assert "campaigns:\n  base" in exported
    assert (exported == sent) is not as_json
    assert _apply(database, tenant_id, exported).changed is False
