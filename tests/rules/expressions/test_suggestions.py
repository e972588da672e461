"""What people write by habit is refused where it stands, with the sentence that helps."""

from __future__ import annotations

import pytest

from guerdon.rules.definition import load_definition_with_positions
from guerdon.rules.expressions import BOOL, ExpressionError, compile_expression
from guerdon.rules.scope import environment_for

DEFINITION = b"""
program: habits
currency: USD
timezone: UTC
attributes:
  persona: {type: string}
events:
  item.recycled: {data: {grams: decimal}}
metrics:
  spend: {event: order.paid, value: order.net, window: year}
ladders:
  status: {metric: spend, tiers: {silver: {from: 0}, gold: {from: 100}}}
wallets:
  points: {unit: point}
"""
_LOADED, _ = load_definition_with_positions(DEFINITION, "habits")
ORDER = environment_for(_LOADED, "order.paid")
RECYCLED = environment_for(_LOADED, "item.recycled")

CASES = [
    ("order.net => 100", 11, "write >="),
    ("order.net =< 100", 11, "write <="),
    ("order.net = 100", 11, "write =="),
    ("order.net === 1", 11, "write =="),
    ("order.net !== 1", 11, "write !="),
    ("order.net <> 1", 11, "write !="),
    ("order.net ≥ 1", 11, "write >="),
    ("order.net > 1 & true", 15, "write &&"),
    ("order.net > 1 | true", 15, "write ||"),
    ("order.net > 1 and order.net < 2", 15, "write &&"),
    ("order.net > 1 AND true", 15, "write &&"),
    ("order.net > 1 or true", 15, "write ||"),
    ("not order.net > 1", 1, "write !"),
    ("if order.net > 5 then true else false", 1, "condition ? value : other"),
    ("if(order.net > 5, true, false)", 1, "condition ? value : other"),
    ("order.net between 1 and 5", 11, "x >= 1 && x <= 5"),
    ("now > 2027-01-01", 5, "timestamp('2027-01-01')"),
    ("'2027-01-01' < now", 14, "timestamp('2027-01-01')"),
    ("now - member.joined_at > 30", 24, "duration('30d')"),
    ("now - member.joined_at > '30d'", 24, "duration('30d')"),
    ("order.paid == yes", 7, "order."),
    ("true == yes", 9, "did you mean true"),
    ("true != no", 9, "did you mean false"),
    ("True", 1, "did you mean true"),
    ("order.channel == None", 18, "did you mean null"),
    ("order.channel == ‘pos’", 18, "straight ones"),
    ("order.channel == “pos”", 18, "straight ones"),
    ("order.channel == `pos`", 18, "'pos'"),
    ("order.channel == pos", 18, "in quotes: 'pos'"),
    ("order.channel == 5", 15, "in quotes: '5'"),
    ("order.net > '100'", 11, "without quotes: 100"),
    ("order.net > 1,000", 14, "no comma"),
    ("order.net > $5", 13, "plain numbers"),
    ("order.net > 10%", 15, "0.1"),
    ("order.net * 10% > 5", 15, "0.1"),
    ("order.lines.quantity > 2", 13, "order.lines.map(x, x.quantity).sum()"),
    ("order.lines.brand == 'x'", 13, "order.lines.exists(x, x.brand == …)"),
    ("order.lines.length > 2", 13, "size(order.lines)"),
    ("member.persona == 'a'", 8, "member.attributes.persona"),
    ("account.persona == 'a'", 9, "account.attributes.persona"),
    ("account.tier == 'gold'", 9, "account.tiers.status.key"),
    ("account.tiers.status == 'gold'", 22, "such as key"),
    ("tier == 'gold'", 1, "account.tiers"),
    ("wallets.points > 100", 16, "such as available"),
    ("points > 100", 1, "wallets.points"),
    ("net > 100", 1, "order.net"),
    ("order.channel.startswith('p')", 15, "did you mean startsWith"),
    ("order.channel.STARTSWITH('p')", 15, "did you mean startsWith"),
    ("order.channel.contain('p')", 15, "did you mean contains"),
    ("order.channel contains 'p'", 15, "text.contains('part')"),
    ("len(order.lines) > 2", 1, "size(x)"),
    ("order.lines.any(l, l.net > 2)", 13, "list.exists(x, …)"),
    ("order.channel.toLowerCase() == 'x'", 15, "text.lower()"),
    ("date('2027-01-01') < now", 1, "timestamp("),
    ("today() > now", 1, "now, without brackets"),
    ("order.channel ?? 'x'", 15, "default(a.b, fallback)"),
    ("order?.net > 1", 6, "write .?"),
    ("account.badges == 'vip'", 16, "value in list"),
    ("account.badges.contains('vip')", 16, "item in list"),
    ("'pos' in order.channel", 7, "text.contains(part)"),
    ("1 < order.net < 5", 15, "join them with &&"),
    ("member.attributes.shoe == 'a'", 19, "attributes: {shoe: string}"),
    ("order.net > 5;", 14, "without a sign"),
    ("# true", 1, "//"),
    ("member.?language == 'en'", 18, "orValue"),
]


@pytest.mark.parametrize(("source", "column", "help_given"), CASES, ids=[case[0] for case in CASES])
def test_the_sentence_helps(source: str, column: int, help_given: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source, ORDER, BOOL)
    assert (caught.value.line, caught.value.column) == (1, column)
    assert help_given in caught.value.detail


def test_undeclared_data_says_how_to_declare_it() -> None:
    assert compile_expression("event.data.grams > 3", RECYCLED, BOOL).reads == {"event.data.grams"}
    with pytest.raises(ExpressionError) as caught:
        compile_expression("event.data.weight > 3", RECYCLED, BOOL)
    assert (caught.value.code, caught.value.column) == ("unknown_name", 12)
    assert "event.data.weight" in caught.value.detail
    assert "events: … data: {weight: string}" in caught.value.detail


def test_what_is_suggested_compiles() -> None:
    for source in (
        "order.net >= 100 && now > timestamp('2027-01-01') && now - member.joined_at > duration('30d')",
        "order.lines.map(x, x.quantity).sum() > 2 && size(order.lines) > 1",
        "account.tiers.status.key == 'gold' && wallets.points.available > 100",
        "member.attributes.persona == 'a' && 'vip' in account.badges && !(order.channel.contains('p'))",
        "default(order.channel, 'x') == 'x' && order.channel.lower().startsWith('p')",
        "member.?language.orValue('en') == 'en'",
    ):
        assert compile_expression(source, ORDER, BOOL).type == BOOL
