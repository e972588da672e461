"""What helps at writing: fmt, eval, schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

CLUB = Path(__file__).parents[2] / "examples" / "backpack-club.yaml"
ORDER = {"id": "o1", "lines": [{"id": "1", "sku": "A", "price": "129.90", "categories": ["backpack"]}]}
MEMBER = {
    "attributes": {"persona": "student"},
    "tiers": {"club": "gold"},
    "badges": ["trailblazer"],
    "metrics": {"yearly_spend": 1700.5},
    "wallets": {"points": 640},
}


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    order, member = tmp_path / "order.json", tmp_path / "member.json"
    order.write_text(json.dumps(ORDER), encoding="utf-8")
    member.write_text(json.dumps(MEMBER), encoding="utf-8")
    return ["--program", str(CLUB), "--order", str(order), "--member", str(member)]


def test_fmt_changes_a_file_once(guerdon: Run, tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("program:   p   # ours\ncurrency: USD\ntimezone: UTC\nwallets: {a: {scale: 0 }}\n")
    checked = guerdon("fmt", path, "--check")
    assert (checked.code, "the layout differs" in checked.err) == (2, True)
    assert path.read_text().startswith("program:   p"), "--check changes nothing"
    assert guerdon("fmt", path).code == 0
    assert path.read_text().startswith("program: p  # ours\n")
    assert guerdon("fmt", path, "--check").code == 0
    again = guerdon("fmt", path)
    assert (again.code, again.err) == (0, "")


def test_fmt_leaves_what_it_cannot_read_and_json_alone(guerdon: Run, tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("a: [1\n")
    refused = guerdon("fmt", path)
    assert (refused.code, "[invalid_definition]" in refused.err) == (1, True)
    path.write_text('{"program": "p"}')
    refused = guerdon("fmt", path)
    assert (refused.code, "[json_not_formatted]" in refused.err) == (1, True)
    assert path.read_text() == '{"program": "p"}'


VALUES = [
    ("1 + 2", "3  (int)"),
    ("order.net", "129.9  (decimal)"),
    ("order.net / 3 * 3 == order.net", "true  (bool)"),
    ("order.net / 7", "1299/70  (decimal)"),
    ("account.tiers.club.key", '"gold"  (string)'),
    ("order.earning_base * account.tiers.club.rate", "259.8  (decimal)"),
    ("'trailblazer' in account.badges && member.attributes.persona == 'student'", "true  (bool)"),
    ("metrics.yearly_spend - 1500", "200.5  (decimal)"),
    ("wallets.points.available", "640  (decimal)"),
    ("order.lines.map(l, l.sku)", '["A"]  (list of string)'),
    ("metrics.backpacks", "0  (decimal)"),
]


@pytest.mark.parametrize(("expression", "shown"), VALUES)
def test_eval_prints_value_and_type(guerdon: Run, files: list[str], expression: str, shown: str) -> None:
    said = guerdon("eval", expression, *files)
    assert (said.code, said.out.strip()) == (0, shown)


def test_eval_needs_no_file_and_speaks_json(guerdon: Run) -> None:
    said = guerdon("eval", "0.29 * 100 == 29", "--json")
    assert json.loads(said.out) == {"value": True, "type": "bool"}


MISTAKES = [
    ("order.nett >= 5", "unknown_field", "  order.nett >= 5\n        ^^^^\n", "net"),
    ("order.net >= ", "syntax_error", "  order.net >= \n", ""),
    ("order.net && true", "type_mismatch", "^", ""),
    ("1 / (order.net - order.net)", "division_by_zero", "  1 / (order.net - order.net)\n    ^\n", ""),
    ("member.attributes.allergy", "missing_value", "^", "has("),
]


@pytest.mark.parametrize(("expression", "code", "picture", "hint"), MISTAKES)
def test_eval_puts_a_caret_under_what_is_wrong(
    guerdon: Run, files: list[str], expression: str, code: str, picture: str, hint: str
) -> None:
    said = guerdon("eval", expression, *files)
    assert said.code == 1
    assert said.out == ""
    assert f"[{code}]" in said.err
    assert picture in said.err
    assert hint in said.err


def test_eval_without_an_order_says_that_it_is_absent(guerdon: Run) -> None:
    said = guerdon("eval", "order.net")
    assert (said.code, "[missing_value]" in said.err) == (1, True)


def test_eval_knows_what_the_program_declares(guerdon: Run, tmp_path: Path) -> None:
    event, member = tmp_path / "event.json", tmp_path / "member.json"
    sent = {
        "id": "1",
        "source": "till",
        "type": "item.recycled",
        "subject": "anna",
        "time": "2026-11-21T10:00:00Z",
    }
    event.write_text(json.dumps({**sent, "data": {"sku": "A", "grams": 250}}))
    said = guerdon("eval", "event.data.grams * 2", "--program", CLUB, "--event", event)
    assert (said.code, said.out.strip()) == (0, "500  (int)")
    member.write_text('{"tiers": {"club": "golden"}}')
    said = guerdon("eval", "1", "--program", CLUB, "--member", member)
    assert (said.code, "there is no tier 'golden'" in said.err, "did you mean 'gold'?" in said.err) == (
        1,
        True,
        True,
    )
    member.write_text('{"tier": 1}')
    said = guerdon("eval", "1", "--program", CLUB, "--member", member)
    assert (said.code, "[member_invalid]" in said.err) == (1, True)


def test_schema_is_printed(guerdon: Run) -> None:
    schema = json.loads(guerdon("schema").out)
    assert schema["$schema"].endswith("2020-12/schema")
    assert "campaigns" in schema["properties"]
