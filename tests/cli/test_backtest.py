"""`guerdon backtest` as people and programs meet it."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from guerdon.cli.options import spread_out
from tests.backtest.tries import order, write
from tests.cli.conftest import DEFINITION, Run

GUERDON = Path(sys.executable).with_name("guerdon")


def commanded(definition: Path, events: object, folder: Path) -> list[str]:
    words = (GUERDON, "backtest", definition, "--events", events, "--report", folder / "out", "--json")
    return [str(word) for word in words]


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return write(
        tmp_path / "events.ndjson",
        [order("anna", "2025-01-01T12:00:00Z"), order("bob", "2025-01-02T12:00:00Z", "5.50")],
    )


def test_report_and_table(guerdon: Run, definition: Path, events: Path, tmp_path: Path) -> None:
    said = guerdon("backtest", definition, "--events", events, "--report", tmp_path / "out", "--timings")
    assert said.code == 0
    assert "2 events, 2 accounts, 2 orders, revenue 15.50 USD" in said.out
    assert "parse" in said.out
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["program"] == "club"
    assert report["wallets"]["points"]["issued"] == "15"
    assert report["wallets"]["points"]["by_month"]["2025-01"]["outstanding"] == "15"


def test_several_files_follow_one_option(
    guerdon: Run, definition: Path, events: Path, tmp_path: Path
) -> None:
    more = tmp_path / "more.ndjson.gz"
    more.write_bytes(gzip.compress(json.dumps(order("carl", "2025-01-01T10:00:00Z")).encode()))
    said = guerdon("backtest", definition, "--events", events, more, "--report", tmp_path / "out", "--json")
    assert said.code == 0
    report = json.loads(said.out)
    assert (report["events"], report["accounts"]) == (3, 3)
    assert report["order"]["input_was_sorted"] is False


def test_two_definitions_side_by_side(guerdon: Run, definition: Path, events: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(DEFINITION.replace("order.net", "order.net * 3"), encoding="utf-8")
    folder = tmp_path / "out"
    said = guerdon("backtest", definition, other, "--events", events, "--report", folder)
    assert said.code == 0
    first = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    second = json.loads((folder / "second" / "report.json").read_text(encoding="utf-8"))
    issued = [report["wallets"]["points"]["issued"] for report in (first, second)]
    assert issued == ["15", "46"]
    assert first["comparison"]["accounts"]["points"]["issued"] == {"more": 2, "less": 0, "same": 0}
    assert (folder / "second" / "accounts.csv").is_file()


def test_rows_by_a_mapping(guerdon: Run, definition: Path, tmp_path: Path) -> None:
    mapping, rows, folder = tmp_path / "map.yaml", tmp_path / "rows.csv", tmp_path / "out"
    mapping.write_text(
        "event: order.paid\nsource: till\nid: nr\ntime: {column: at, zone: utc}\nsubject: who\n"
        "currency: USD\norder: {id: nr}\nline: {sku: sku, subtotal: sum}\n"
    )
    rows.write_text(
        "nr,at,who,sku,sum\n1,2025-01-01T10:00:00,anna,A,7.00\n1,2025-01-01T10:00:00,anna,B,3.50\n"
        "2,2025-01-01T11:00:00,anna,A,much\n3,2025-01-01T11:00:00,anna,A,-1\n"
    )
    asked = ["backtest", definition, "--events", rows, "--report", folder]
    said = guerdon(*asked)
    assert (said.code, "[mapping_missing]" in said.err) == (1, True)
    said = guerdon(*asked, "--map", mapping, "--json")
    assert said.code == 0
    report = json.loads(said.out)
    assert (report["orders"], report["rejected"]) == (1, 2)
    assert report["wallets"]["points"]["issued"] == "10"
    assert f"{rows}:4: column sum: subtotal: expected a number, not 'much' [not_a_number]" in said.err
    assert f"{rows}:5: expected an amount of 0 or more [negative_amount]" in said.err
    mapping.write_text(mapping.read_text().replace("subtotal", "subtotl"))
    said = guerdon(*asked, "--map", mapping)
    assert said.code == 1
    assert "did you mean 'subtotal'?" in said.err
    assert "^" in said.err


def test_refused_lines_are_told_and_listed(guerdon: Run, definition: Path, tmp_path: Path) -> None:
    broken = write(tmp_path / "b.ndjson", [order("anna", "2025-01-01T12:00:00Z"), "{", *["[]"] * 150])
    said = guerdon("backtest", definition, "--events", broken, "--report", tmp_path / "out")
    assert said.code == 0
    assert "b.ndjson:2:" in said.err
    assert "[invalid_json]" in said.err
    assert "151 in all" in said.err
    listed = (tmp_path / "out" / "rejects.ndjson").read_text(encoding="utf-8").splitlines()
    assert len(listed) == 100
    assert json.loads(listed[0])["line"] == 2


@pytest.mark.parametrize(
    ("content", "code"), [("", "no_lines"), ("\n\n", "no_lines"), ("{}\n[]\n", "no_events")]
)
def test_nothing_to_run(guerdon: Run, definition: Path, tmp_path: Path, content: str, code: str) -> None:
    empty = tmp_path / "empty.ndjson"
    empty.write_text(content, encoding="utf-8")
    said = guerdon("backtest", definition, "--events", empty, "--report", tmp_path / "out")
    assert said.code == 1
    assert f"[{code}]" in said.err
    assert "empty.ndjson" in said.err
    assert not (tmp_path / "out").exists()


def test_what_is_wrong_with_a_definition_has_a_caret(guerdon: Run, events: Path, tmp_path: Path) -> None:
    for text, word in (
        (DEFINITION.replace("campaigns", "campains"), "campains"),
        (DEFINITION.replace("order.net", "order.nett"), "nett"),
    ):
        wrong = tmp_path / "wrong.yaml"
        wrong.write_text(text, encoding="utf-8")
        said = guerdon("backtest", wrong, "--events", events, "--report", tmp_path / "out")
        assert said.code == 1
        lines = said.err.splitlines()
        caret = next(place for place, line in enumerate(lines) if line.strip(" |") == "^")
        assert lines[caret - 1][lines[caret].index("^") :].startswith(word)
        assert "wrong.yaml:" in said.err
        assert "[invalid_definition]" in said.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("none.yaml", "--events", "e", "--report", "r"), "there is no file none.yaml [file_not_found]"),
        (("{def}", "--events", "none.ndjson", "--report", "r"), "there is no file none.ndjson"),
        (("{def}", "{def}", "{def}", "--events", "e", "--report", "r"), "[too_many_definitions]"),
        (("{def}", "--events", "{events}", "--report", "r", "--until", "soon"), "[time_invalid]"),
        (("{def}", "--events", "{events}", "--report", "r", "--until", "2025-01-01T00:00"), "with an offset"),
        (("{def}", "--events", "{events}", "--report", "{events}"), "[report_not_written]"),
        (("{def}", "--report", "r"), "--events"),
        (("{def}", "--events", "{events}", "--report", "r", "--jobs", "0"), "--jobs"),
        (("{def}", "--eventz", "e"), "--eventz"),
        ((), "DEF"),
    ],
)
def test_wrong_arguments_get_a_sentence(
    guerdon: Run, definition: Path, events: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    names = {"{def}": definition, "{events}": events}
    said = guerdon("backtest", *(names.get(word, word) for word in arguments))
    assert said.code == 1
    assert sentence in said.err
    assert said.err.count("error:") == 1
    assert not said.out


def test_help_teaches(guerdon: Run) -> None:
    said = guerdon("backtest", "--help")
    assert said.code == 0
    for word in ("--events", "--until", "--report", "--jobs", "Examples:"):
        assert word in said.out
    for verb in ("serve", "plan", "apply", "import", "backtest", "verify", "keys"):
        assert verb in guerdon("--help").out
        assert guerdon(verb, "--help").code == 0
    assert guerdon("bactest").code == 1


def test_an_interruption_is_no_stack_trace(definition: Path, tmp_path: Path) -> None:
    command = commanded(definition, "-", tmp_path)
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdin is not None
        assert running.stderr is not None
        # More than a pipe holds: once it is through, the command has begun to read.
        running.stdin.write(b"\n" * 300_000)
        running.stdin.flush()
        # A signal between two system calls is heard after the next one, so ask until it is.
        while running.poll() is None:
            running.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                running.wait(1)
        said = running.stderr.read()
    assert running.returncode == 130
    assert said.strip() == b"interrupted"


def test_a_reader_that_leaves_is_no_stack_trace(definition: Path, events: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = commanded(definition, events, tmp_path)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(writing)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("d --events a b --report r", "d --events a --events b --report r"),
        ("--events a --events b c d", "--events a --events b --events c d"),
        ("--events - a --json", "--events - --events a --json"),
        ("d --report r x", "d --report r x"),
        ("--events a -- b c", "--events a -- b c"),
        ("", ""),
    ],
)
def test_values_are_spread_over_options(given: str, said: str) -> None:
    expected = said.replace("--events c d", "--events c --events d")
    assert spread_out("--events", given.split()) == expected.split()
