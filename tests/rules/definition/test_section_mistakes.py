"""What people get wrong in challenges, quizzes, draws, boards, referral, segments, journeys, surveys."""

from __future__ import annotations

import pytest

from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import DefinitionError, load_definition_with_positions, render
from guerdon.rules.program import Program

BASE = """\
program: shop
currency: USD
timezone: America/New_York
languages: [en, bn]
wallets:
  points: {pending: 14d}
metrics:
  bags: {event: order.paid, value: order.quantity}
  visits: {event: order.paid, window: month}
rewards:
  mug: {kind: product, price: {points: 500}}
  school: {kind: donation, price: {points: 5}, cause: bags-for-school}
badges:
  star: {name: Star, metric: bags, levels: [1, 10]}
challenges:
  five: {metric: bags, every: 5, prize: [{grant: mug}]}
  tour:
    steps: [{event: review.posted, when: event.channel == 'web'}, {quiz: know}]
    within: 30d
    prize: [{badge: star}]
quizzes:
  know:
    pass: 2
    questions:
      - {ask: Which?, answers: [A, B], right: 0}
      - {ask: Heavy?, right: true}
    prize: [{award: {wallet: points, amount: event.data.points * 10}}]
draws:
  wheel: {trigger: order.paid, prizes: [{odds: 1 in 50, prize: [{grant: mug}]}]}
leaderboards:
  top: {metric: visits, shows: 50, team: crew, prizes: [{rank: 1, prize: [{grant: mug}]}]}
teams:
  crew: {size: 5}
referral:
  friend: [{grant: mug}]
  advocate: {when: order.net >= 30, then: [{award: {wallet: points, amount: 200}}]}
  ladder: [{from: 5, then: [{badge: star}]}]
causes:
  bags-for-school: {target: 1000}
segments:
  quiet: metrics.bags < 1
journeys:
  back:
    enter: segment.quiet
    exit: order.returned
    steps: [{message: we_miss_you}, {wait: 7d}, {unless: order.paid, then: [{grant: mug}]}]
surveys:
  after: {kind: nps, trigger: order.paid, questions: [How likely?]}
"""

# What is written, what somebody writes instead, what is said, and what the caret points at.
MISTAKES = [
    # challenges
    (
        "metric: bags, every",
        "metric: bag, every",
        "there is no metric 'bag'; did you mean 'bags'? [unknown_metric]",
        "bag, every",
    ),
    (
        "every: 5, prize",
        "goal: 5, every: 5, prize",
        "a challenge has either goal or every [one_of_these]",
        "{metric: bag",
    ),
    ("every: 5", "every: 0", "a number greater than 0 was expected, not '0' [out_of_range]", "0, prize"),
    (
        "every: 5",
        "every: five",
        "a number was expected, such as 1 or 0.01, not 'five' [expected_number]",
        "five",
    ),
    ("every: 5", "evry: 5", "unknown key 'evry'; did you mean 'every'? [unknown_key]", "evry: 5"),
    (
        "[{grant: mug}]}\n  tour",
        "{grant: mug}}\n  tour",
        "a list was expected, not a map; put it into [ ] [expected_list]",
        "{grant: mug}",
    ),
    (
        "[{grant: mug}]}\n  tour",
        "[{grant: mugg}]}\n  tour",
        "there is no reward 'mugg'; did you mean 'mug'? [unknown_reward]",
        "mugg",
    ),
    ("[{grant: mug}]}\n  tour", "[]}\n  tour", "at least 1 of these were expected, not 0 [too_few]", "[]"),
    (
        "[{grant: mug}]}\n  tour",
        "[{discount: {percent: 5}}]}\n  tour",
        (
            "discount works on a cart, and here is none; use one of award, grant, redeem, badge, message "
            "[effect_not_possible]"
        ),
        "discount: {p",
    ),
    (
        "[{grant: mug}]}\n  tour",
        "[{multiply: {wallet: points, by: 2}}]}\n  tour",
        (
            "multiply works on the awards of a campaign, and here is none; use one of award, grant, redeem, "
            "badge, message [effect_not_possible]"
        ),
        "multiply: {w",
    ),
    (
        ", prize: [{grant: mug}]}\n  tour",
        "}\n  tour",
        "the key 'prize' is missing here [missing_key]",
        "five:",
    ),
    (
        "every: 5,",
        "goal: {personal: metrics.bag + 1},",
        "there is no name metrics.bag; did you mean metrics.bags? [unknown_name]",
        "bag + 1",
    ),
    (
        "every: 5,",
        "goal: {personal: \"'7'\"},",
        "this must be a decimal, but it is a string [type_mismatch]",
        "'7'",
    ),
    (
        "every: 5,",
        "goal: {personal: '7', at_least: 3, at_most: 2},",
        "at_most is less than at_least [out_of_range]",
        "2}",
    ),
    (
        "every: 5,",
        "every: 5, team: crww,",
        "there is no team 'crww'; did you mean 'crew'? [unknown_team]",
        "crww",
    ),
    (
        "every: 5,",
        "every: 5, repeatable: true,",
        "`every` repeats by itself; leave `repeatable` out [one_of_these]",
        "true",
    ),
    (
        "every: 5,",
        "every: 5, starts: 2027-02-02, ends: 2027-02-01,",
        "this ends before it starts [ends_before_start]",
        "2027-02-01",
    ),
    ("every: 5,", "every: 5, audience: order.net > 3,", "there is no name order…", "order.net > "),
    ("within: 30d", "within: 0d", "a length of time longer than nothing was expected [out_of_range]", "0d"),
    (
        "within: 30d",
        "within: 30",
        (
            "a length of time was expected, such as 14d, 12mo, 2y, 6h, 2w or 30min, "
            "not '30'; did you mean '30d'? [bad_span]"
        ),
        "30",
    ),
    (
        "{quiz: know}",
        "{quiz: knows}",
        "there is no quiz 'knows'; did you mean 'know'? [unknown_quiz]",
        "knows",
    ),
    (
        "{quiz: know}",
        "{quiz: know, metric: bags}",
        "a step has one of metric, event, quiz, survey, not metric and quiz [one_of_these]",
        "{quiz: know,",
    ),
    ("{quiz: know}", "{metric: bags}", "the key 'goal' is missing here [missing_key]", "bags}"),
    (
        "event.channel == 'web'",
        "event.chanel == 'web'",
        "there is no field event.chanel; did you mean event.channel? [unknown_field]",
        "chanel == 'w",
    ),
    (
        "[{grant: mug}]}\n  tour",
        "[{award: {wallet: points, amount: 5, expires: {after: 1y, from: last_activity}}}]}\n  tour",
        (
            "expiry from the last activity holds for a whole wallet, and an award cannot change it "
            "[expiry_of_wallet]"
        ),
        "{after: 1y, ",
    ),
    # badges
    (
        "levels: [1, 10]",
        "levels: [10, 1]",
        ("levels stand from low to high, and 1 is not above 10 [levels_not_increasing]"),
        "[10, 1]",
    ),
    (
        "metric: bags, levels",
        "levels",
        "the key 'metric' is missing here: levels are reached by a metric [missing_key]",
        "[1, 10]",
    ),
    (
        "{name: Star,",
        "{name: {en: Star, fr: Etoile},",
        "there is no language 'fr'; known are en, bn [unknown_language]",
        "fr: Etoile",
    ),
    # quizzes
    (
        "right: 0",
        "right: 2",
        "answers are counted from 0, and the last of these is 1, not 2 [unknown_answer]",
        "2}",
    ),
    (
        "right: 0",
        "kind: sngle, right: 0",
        (
            "'sngle' is not one of single, multiple, true_false, number, text, ordering; "
            "did you mean 'single'? [unknown_kind]"
        ),
        "sngle",
    ),
    ("right: 0", "rigth: 0", "unknown key 'rigth'; did you mean 'right'? [unknown_key]", "rigth: 0"),
    (
        "answers: [A, B], right: 0",
        "answers: [A], right: 0",
        "at least 2 of these were expected, not 1 [too_few]",
        "[A]",
    ),
    (
        "answers: [A, B], right: 0",
        "answers: [A, B], right: [0, 0]",
        "one answer stands here twice [duplicate_answer]",
        "[0, 0]",
    ),
    ("ask: Which?", "ask: {en: '', bn: খ}", "a text was expected, and it is empty [empty_text]", "''"),
    (
        "ask: Which?",
        "ask: {bn: কোনটা?}",
        ("the text in 'en', the program's first language, is missing [missing_translation]"),
        "{bn: ",
    ),
    (
        "ask: Which?",
        "ask: Which?, picture: javascript:alert(1)",
        "a picture was expected, https://… or the name of a file, not 'javascript:alert(1)' [bad_picture]",
        "javascript:",
    ),
    ("pass: 2", "pass: 0", "a number from 1 was expected, not '0' [out_of_range]", "0"),
    ("event.data.points * 10", "event.data.pints * 10", "there is no name event.data.pints; …", "pints * 10"),
    # draws
    (
        "odds: 1 in 50",
        "odds: sometimes",
        "odds such as '1 in 50' were expected, not 'sometimes' [bad_odds]",
        "sometimes",
    ),
    (
        "odds: 1 in 50",
        "odds: 3 in 2",
        "odds such as '1 in 50' were expected, not '3 in 2' [bad_odds]",
        "3 in 2",
    ),
    ("odds: 1 in 50, ", "", "prize 1 of this instant needs `odds` [missing_key]", "[{prize: [{g"),
    (
        "{trigger: order.paid, prizes",
        "{kind: raffle, trigger: order.paid, prizes",
        "prize 1 of this raffle needs `winners` [missing_key]",
        "[{odds: 1 in",
    ),
    # leaderboards and teams
    ("shows: 50", "shows: 5000", "a number up to 1000 was expected, not '5000' [out_of_range]", "5000"),
    (
        "rank: 1,",
        "rank: first,",
        "a rank such as 1, or ranks such as 2-10, were expected, not 'first' [bad_ranks]",
        "first",
    ),
    (
        "{rank: 1, prize: [{grant: mug}]}",
        "{rank: 1-3, prize: [{grant: mug}]}, {rank: 3, prize: [{grant: mug}]}",
        "ranks stand from high to low and each once, and 3 comes after rank 3 [ranks_overlap]",
        "[{rank: 1-3,",
    ),
    (
        "metric: visits, shows",
        "metric: bags, shows",
        (
            "prizes come when a board closes, and this one never does; give it `ends` or a `window` "
            "[board_never_closes]"
        ),
        "[{rank: 1, p",
    ),
    ("size: 5", "size: 1", "a number from 2 was expected, not '1' [out_of_range]", "1}"),
    # referral
    ("advocate:", "advocat:", "unknown key 'advocat'; did you mean 'advocate'? [unknown_key]", "advocat:"),
    (
        "order.net >= 30",
        "order.nett >= 30",
        "there is no field order.nett; did you mean order.net? [unknown_field]",
        "nett >= 30",
    ),
    (
        "ladder: [{from: 5, then",
        "minimum: 0.001\n  ladder: [{from: 5, then",
        "USD has 2 decimal places [too_many_decimals]",
        "0.001",
    ),
    (
        "[{from: 5, then: [{badge: star}]}]",
        "[{from: 5, then: [{badge: star}]}, {from: 5, then: [{badge: star}]}]",
        "the ladder goes from few to many, and 5 is not above 5 [levels_not_increasing]",
        "[{from: 5, t",
    ),
    # causes
    (
        "cause: bags-for-school",
        "cause: bags-for-scool",
        "there is no cause 'bags-for-scool'; did you mean 'bags-for-school'? [unknown_cause]",
        "bags-for-sco",
    ),
    # segments
    (
        "quiet: metrics.bags < 1",
        "quiet: metrics.bags",
        "this must be a bool, but it is a decimal [type_mismatch]",
        "bags",
    ),
    (
        "quiet: metrics.bags < 1",
        "quiet: {name: Quiet}",
        "the key 'when' is missing here [missing_key]",
        "quiet:",
    ),
    ("quiet: metrics.bags < 1", "quiet: member.language == 'en'", "there is no name member…", "member.langu"),
    (
        "quiet: metrics.bags < 1",
        "quiet: \"'loud' in account.segments\"",
        "there is no field account.segments…",
        "segments",
    ),
    # journeys
    (
        "enter: segment.quiet",
        "enter: segment.quite",
        "there is no segment 'quite'; did you mean 'quiet'? [unknown_segment]",
        "segment.quit",
    ),
    (
        "enter: segment.quiet",
        "enter: segments.quiet",
        "a segment is written as segment.name here; did you mean 'segment.quiet'? [bad_signal]",
        "segments.qui",
    ),
    (
        "enter: segment.quiet",
        "enter: metrics.bags < 1",
        "a journey begins with an event or with segment.x; put the condition into a segment [one_of_these]",
        "metrics.bags",
    ),
    (
        "{wait: 7d}",
        "{wait: 7 days}",
        (
            "a length of time was expected, such as 14d, 12mo, 2y, 6h, 2w or 30min, "
            "not '7 days'; did you mean '7d'? [bad_span]"
        ),
        "7 days",
    ),
    ("{wait: 7d}", "{wiat: 7d}", "unknown key 'wiat'; did you mean 'wait'? [unknown_key]", "wiat: 7d"),
    (
        "{wait: 7d}",
        "{wait: 7d, message: hello}",
        "a step is a map with one key; write several steps as several items [one_step_each]",
        "{wait: 7d, m",
    ),
    (
        "{wait: 7d}",
        "wait",
        (
            "a step was expected, a map with one of wait, if, unless, then, else, exit, award, "
            "multiply, redeem, grant, badge, discount, gift, message, not 'wait' [expected_step]"
        ),
        "wait, {unles",
    ),
    (
        "{unless: order.paid, then",
        "{unless: order.paid, if: order.paid, then",
        "a branch has either if or unless [one_of_these]",
        "{unless: ord",
    ),
    (
        "{unless: order.paid, then",
        "{unless: 'wallets.pints.held > 3', then",
        "there is no name wallets.pints; did you mean wallets.points? [unknown_name]",
        "pints.held >",
    ),
    (
        "then: [{grant: mug}]}]",
        "then: [{grant: mgu}]}]",
        ("there is no reward 'mgu'; did you mean 'mug'? [unknown_reward]"),
        "mgu",
    ),
    # surveys
    (
        "kind: nps, ",
        "",
        "question 1 has no `kind`, and the survey has none either [missing_key]",
        "[How likely?",
    ),
    (
        "kind: nps",
        "kind: npss",
        "'npss' is not one of nps, csat, text, choice; did you mean 'nps'? [unknown_choice]",
        "npss",
    ),
    (
        "[How likely?]",
        "[{ask: Why?, kind: choice}]",
        "question 1 is a choice: it needs `answers` [missing_key]",
        "[{ask: Why?,",
    ),
    (
        "trigger: order.paid, questions",
        "wait: 3d, questions",
        "`wait` is about the event, and needs `trigger` [key_without_event]",
        "3d",
    ),
]


def _compiled(text: str) -> Program:
    definition, positions = load_definition_with_positions(text, "shop.yaml")
    return compile_program(definition, 1, positions)


def _first_line(text: str) -> int:
    return next(
        at
        for at, (new, old) in enumerate(zip(text.split("\n"), BASE.split("\n"), strict=False), 1)
        if new != old
    )


@pytest.mark.parametrize(("right", "wrong", "said", "pointed_at"), MISTAKES, ids=lambda text: text[:28])
def test_a_mistake_is_explained_where_it_is(right: str, wrong: str, said: str, pointed_at: str) -> None:
    assert BASE.count(right) >= 1, right
    text = BASE.replace(right, wrong, 1)
    with pytest.raises(DefinitionError) as caught:
        _compiled(text)
    head, line, caret = render(caught.value.errors, text, "shop.yaml").split("\n")[:3]
    name, row, column, detail = head.split(":", 3)
    assert name == "shop.yaml"
    # The words of the expression language are tried by its own tests.
    assert detail.strip() == said or (said.endswith("…") and detail.strip().startswith(said[:-1]))
    assert line[caret.index("^") :].startswith(pointed_at)
    assert abs(int(row) - _first_line(text)) <= 1
    assert text.split("\n")[int(row) - 1][int(column) - 1 :].startswith(pointed_at)
    assert len(caught.value.errors) == 1
    for jargon in ("block end", "token", "mapping", "scalar", "Input should", "ValidationError"):
        assert jargon not in head


def test_the_base_of_the_tour_is_right() -> None:
    assert _compiled(BASE).key == "shop"
    assert len(MISTAKES) >= 60
