"""Keys of a condition: found where something simple must be true, and never wrong."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.rules.expressions import BOOL, EvaluationError, compile_expression
from guerdon.rules.expressions.keys import index_keys
from guerdon.rules.index import CampaignIndex
from tests.rules.expressions.scopes import ENVIRONMENT, line, scope


def shown(source: str) -> list[str]:
    found = []
    for key in index_keys(compile_expression(source, ENVIRONMENT, BOOL)):
        if key.values is None:
            found.append(f"{key.path} {key.sign} {key.bound}")
        else:
            found.append(f"{key.path} in {sorted(map(str, key.values))}")
    return found


@pytest.mark.parametrize(
    ("source", "keys"),
    [
        ("order.channel == 'pos'", ["order.channel in ['pos']"]),
        (
            "'pos' == order.channel && order.net >= 50",
            ["order.channel in ['pos']", "order.net >= 50"],
        ),
        (
            "order.channel in ['pos', 'app'] && order.paid",
            ["order.channel in ['app', 'pos']", "order.paid in ['True']"],
        ),
        ("!order.paid", ["order.paid in ['False']"]),
        ("100 < order.net", ["order.net > 100"]),
        ("!(order.net < 100 || order.channel != 'pos')", ["order.net >= 100", "order.channel in ['pos']"]),
        ("order.channel == 'pos' || order.channel == 'app'", ["order.channel in ['app', 'pos']"]),
        ("order.net > 100 || order.net >= 50", ["order.net >= 50"]),
        ("order.net < 10 || order.net < 20 && order.paid", ["order.net < 20"]),
        ("order.channel == 'pos' || order.net > 1", []),
        ("order.lines.exists(l, 'pen' in l.categories)", ["order.lines[].categories[] in ['pen']"]),
        (
            "order.lines.exists(l, l.brand == 'Trail' && l.net >= 50)",
            ["order.lines[].brand in ['Trail']", "order.lines[].net >= 50"],
        ),
        ("order.lines.all(l, l.brand == 'Trail')", []),
        ("!order.lines.exists(l, l.brand == 'Trail')", []),
        (
            "event.data.sku == 'A-1' && event.data.grams >= 5",
            ["event.data.sku in ['A-1']", "event.data.grams >= 5"],
        ),
        ("'a' in event.data.tags", ["event.data.tags[] in ['a']"]),
        (
            "metrics.visits == 12 && wallets.points.available > 1",
            ["metrics.visits in ['12']", "wallets.points.available > 1"],
        ),
        ("default(order.channel, 'pos') == 'pos'", []),
        ("has(event.data.sku)", []),
        ("order.net * 2 > 100", []),
        ("decimal(event.data.sku) > 1", []),
        ("now >= timestamp('2027-01-01T00:00:00Z')", ["now >= 2027-01-01 00:00:00+00:00"]),
    ],
)
def test_the_keys_of(source: str, keys: list[str]) -> None:
    assert shown(source) == keys


_texts = st.sampled_from(["'pos'", "'web'", "'app'"])
_numbers = st.sampled_from(["0", "1", "2", "1.5"])
_signs = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
_paths = st.sampled_from(
    ["order.net", "order.count", "event.data.n", "metrics.visits", "wallets.points.held"]
)
_facts = st.one_of(
    st.builds("{} {} {}".format, _paths, _signs, _numbers),
    st.builds("{} {} {}".format, _numbers, _signs, _paths),
    st.builds("{} {} {}".format, st.sampled_from(["order.channel", "event.data.t"]), _signs, _texts),
    st.builds("order.channel in [{}, {}]".format, _texts, _texts),
    st.builds("{} in event.data.l".format, st.one_of(_texts, _numbers)),
    st.builds("order.lines.exists(l, l.brand == {} && l.net > {})".format, _texts, _numbers),
    st.builds("order.lines.exists_one(l, {} in l.categories)".format, _texts),
    st.builds("order.lines.exists(l, l.brand == {0} || l.net {1} event.data.n)".format, _texts, _signs),
    st.builds("now {} timestamp('2027-01-01T00:00:00Z')".format, _signs),
    st.sampled_from(["order.paid", "event.data.b", "has(event.data.n)", "1 / event.data.n > 0"]),
)
_conditions = st.recursive(
    _facts.map("({})".format),
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!{}".format, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
    ),
    max_leaves=5,
)
_words = st.sampled_from(["pos", "web", "app"])
_amounts = st.sampled_from([Decimal(0), Decimal(1), Decimal("1.5"), Decimal(2), Decimal(3)])
_free = st.one_of(_words, _amounts, st.booleans(), st.none(), st.lists(_words, max_size=2))


@st.composite
def scopes(draw: st.DrawFn) -> SimpleNamespace:
    lines = st.builds(
        lambda net, brand, kinds: line(str(net), "1", brand, *kinds), _amounts, _words, st.lists(_words)
    )
    made = scope(
        net=draw(_amounts),
        count=draw(st.integers(0, 3)),
        channel=draw(st.one_of(_words, st.none())),
        paid=draw(st.one_of(st.booleans(), st.none())),
        lines=draw(st.lists(lines, max_size=3)),
    )
    made.event.data = draw(st.fixed_dictionaries({}, optional=dict.fromkeys("ntlb", _free)))
    made.metrics["visits"] = draw(st.integers(0, 3))
    made.wallets["points"].held = draw(_amounts)
    made.now = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(hours=draw(st.integers(-1, 1)))
    return made


def _is_true(condition: Any, at: Any) -> bool:
    try:
        return bool(condition.evaluate_alone(at))
    except EvaluationError:
        return False


class Ruled(SimpleNamespace):
    """The least that can be indexed."""

    when: Any


@settings(max_examples=400)
@given(st.lists(_conditions, min_size=1, max_size=6), st.lists(scopes(), min_size=1, max_size=4))
def test_what_is_true_has_all_its_keys_and_is_a_candidate(sources: list[str], seen: list[Any]) -> None:
    campaigns = [Ruled(when=compile_expression(source, ENVIRONMENT, BOOL)) for source in sources]
    index = CampaignIndex(campaigns, roots=frozenset(ENVIRONMENT.roots.fields))
    for at in seen:
        true = [campaign for campaign in campaigns if _is_true(campaign.when, at)]
        found = index.candidates(at)
        assert [campaign for campaign in campaigns if campaign in found] == list(found)
        for campaign in true:
            assert all(key.holds(at) for key in index_keys(campaign.when)), campaign.when.source
            assert any(one is campaign for one in found), campaign.when.source


def _bands(count: int) -> Iterable[Ruled]:
    for number in range(count):
        source = f"order.net >= {number} && order.net < {number + 1}"
        yield Ruled(number=number, when=compile_expression(source, ENVIRONMENT, BOOL))


@pytest.mark.parametrize(("count", "most"), [(1, 1), (1000, 2), (2500, 8)])
def test_few_campaigns_remain(count: int, most: int) -> None:
    index = CampaignIndex(list(_bands(count)))
    for net in (0, Decimal("0.5"), count - 1, Decimal(count) / 2):
        found = index.candidates(scope(net=Decimal(net)))
        assert int(net) in [one.number for one in found]
        assert len(found) <= most
    assert index.candidates(scope(net=Decimal(-1))) == ()


def test_a_campaign_without_a_condition_is_always_a_candidate() -> None:
    index = CampaignIndex([Ruled(when=None), *_bands(3)])
    assert [one.when is None for one in index.candidates(scope(net=Decimal(-5)))] == [True]


def test_what_changes_during_the_evaluation_is_not_read() -> None:
    condition = compile_expression("wallets.points.available >= 900", ENVIRONMENT, BOOL)
    index = CampaignIndex([Ruled(when=condition)])
    assert len(index.candidates(SimpleNamespace())) == 1
