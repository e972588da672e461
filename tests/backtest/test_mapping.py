"""Mapping files: rows become events exactly, or say where and why they do not."""

from __future__ import annotations

import gzip
import json
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guerdon.base.errors import Problem
from guerdon.connect.imports.mapping import load_mapping, map_files
from guerdon.infra.linefiles import LineFile

ORDERS = """
event: order.paid
source: till
id: {column: order, prefix: "o-"}
time: {column: at, zone: America/New_York}
subject: card
store: shop
currency: USD
order: {id: order}
line: {sku: sku, quantity: pieces, subtotal: money}
"""
EVENTS = """
event: {column: kind}
source: app
id: number
time: {column: at}
subject: {column: who, prefix: "email:"}
data:
  grams: {column: weight, as: number}
  clean: {column: clean, as: truth}
  place: place
"""
NAIVE = datetime.fromisoformat("2025-03-01T12:00:00.000005")
HEAD = "order,at,card,shop,sku,pieces,money\n"


def mapped(folder: Path, mapping: str, *names: Path) -> list[LineFile]:
    return map_files(load_mapping(mapping.encode(), "map.yaml"), [str(name) for name in names], folder, None)


def events(file: LineFile) -> list[dict[str, Any]]:
    return [json.loads(line) for _, line in file.lines()]


def csv_file(folder: Path, text: str, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def parquet_file(folder: Path, name: str = "rows.parquet", **columns: Any) -> Path:
    path = folder / name
    pq.write_table(pa.table(columns), path, row_group_size=3)
    return path


def refused(file: LineFile) -> list[tuple[int, str, str]]:
    return [(one.line, one.column, one.code) for one in file.unread]


def test_rows_become_lines_of_orders_wherever_they_stand(tmp_path: Path) -> None:
    text = HEAD + (
        "7,2025-07-01T09:30:00,anna,S1,A,1,10.00\n"
        "8,2025-01-01T09:30:00,,S2,B,0.5,3\n"
        '7,2025-07-01T09:30:00,anna,S1,"C ""x""",,0.10\n'
    )
    (file,) = mapped(tmp_path, ORDERS, csv_file(tmp_path, text))
    assert events(file) == [
        {
            "specversion": "1.0",
            "type": "order.paid",
            "source": "till",
            "id": "o-8",
            "time": "2025-01-01T14:30:00Z",
            "store": "S2",
            "data": {
                "id": "8",
                "currency": "USD",
                "lines": [{"id": "1", "sku": "B", "quantity": "0.5", "subtotal": "3"}],
            },
        },
        {
            "specversion": "1.0",
            "type": "order.paid",
            "source": "till",
            "id": "o-7",
            "time": "2025-07-01T13:30:00Z",
            "subject": "anna",
            "store": "S1",
            "data": {
                "id": "7",
                "currency": "USD",
                "lines": [
                    {"id": "1", "sku": "A", "quantity": "1", "subtotal": "10"},
                    {"id": "2", "sku": 'C "x"', "subtotal": "0.1"},
                ],
            },
        },
    ]
    assert [place.number for place, _ in file.lines()] == [3, 2]
    assert not file.unread


def test_one_row_is_one_event(tmp_path: Path) -> None:
    text = (
        "number,kind,at,who,weight,clean,place\n"
        "1,item.recycled,2025-01-01T10:00:00+01:00,a@example.org,1.50,yes,Berlin\n"
        "2,box.opened,2025-01-01T10:00:00Z,b@example.org,,,\n"
    )
    (file,) = mapped(tmp_path, EVENTS, csv_file(tmp_path, text))
    first, second = events(file)
    assert (first["type"], first["time"], first["subject"]) == (
        "item.recycled",
        "2025-01-01T09:00:00Z",
        "email:a@example.org",
    )
    assert b'"data":{"grams":1.5,"clean":true,"place":"Berlin"}' in file.path.read_bytes()
    assert second["data"] == {}


def test_bad_rows_say_where_and_why_and_spare_the_others(tmp_path: Path) -> None:
    text = HEAD + (
        "1,2025-01-01T10:00:00,anna,S,A,1,1.00\n"
        "1,2025-01-01T10:00:00,anna,S,A,one,1.00\n"
        "2,noon,anna,S,A,1,1.00\n"
        "3,2025-01-01T10:00:00,anna,S,A,1,1.00\n"
        "3,2025-01-01T10:00:00,bob,S,A,1,1.00\n"
        ",2025-01-01T10:00:00,anna,S,A,1,1.00\n"
        "4,2025-01-01T10:00:00,anna\n"
        '5,2025-01-01T10:00:00,anna,S,"two\nlines",1,1.00\n'
        "6,,anna,S,A,1,1.00\n"
    )
    (file,) = mapped(tmp_path, ORDERS, csv_file(tmp_path, text))
    assert [one["data"]["id"] for one in events(file)] == ["5"]
    assert [place.number for place, _ in file.lines()] == [9]
    assert refused(file) == [
        (8, "", "cells_differ"),
        (3, "pieces", "not_a_number"),
        (4, "at", "time_invalid"),
        (6, "", "rows_disagree"),
        (7, "order", "value_missing"),
        (11, "at", "value_missing"),
    ]


def test_parquet_keeps_what_its_columns_hold(tmp_path: Path) -> None:
    rows = {
        "order": [9, 9, 10, 11],
        "at": pa.array([NAIVE] * 4, pa.timestamp("ns")),
        "card": pa.array(["a", "a", None, "c"]).dictionary_encode(),
        "shop": [1, 1, 2, 3],
        "sku": ["x", "y", "z", "u"],
        "pieces": pa.array([Decimal("1.250"), None, Decimal("2.000"), Decimal("1.000")]),
        "money": [0.1, 2.675, 1.776357e-15, float("nan")],
    }
    mapping = ORDERS.replace("money}", "{column: money, from: float}}")
    (file,) = mapped(tmp_path, mapping, parquet_file(tmp_path, **rows))
    first, second = events(file)
    assert (first["time"], first["store"], first["subject"]) == ("2025-03-01T17:00:00.000005Z", "1", "a")
    assert [line["subtotal"] for line in first["data"]["lines"]] == ["0.10", "2.68"]
    assert [line.get("quantity") for line in first["data"]["lines"]] == ["1.25", None]
    assert second["data"]["lines"][0]["subtotal"] == "0.00"
    assert "subject" not in second
    assert refused(file) == [(4, "money", "not_a_number")]


def test_floats_are_read_only_where_that_is_asked_for(tmp_path: Path) -> None:
    rows: dict[str, Any] = {name: ["x"] for name in ("order", "card", "shop", "sku")}
    rows |= {"at": ["2025-01-01"], "pieces": [1]}
    (file,) = mapped(tmp_path, ORDERS, parquet_file(tmp_path, money=[1.5], **rows))
    assert refused(file) == [(1, "money", "float_not_asked_for")]


@given(cents=st.integers(0, 10**12))
def test_each_amount_of_cents_survives_a_float(cents: int) -> None:
    cell = load_mapping(ORDERS.replace("money}", "{column: money, from: float}}").encode(), "m").line
    assert cell is not None
    assert cell.subtotal is not None
    from guerdon.connect.imports.mapping.cells import to_number

    convert = to_number(cell.subtotal, decimal_comma=False, digits=2)
    assert convert(cents / 100) == f'"{cents // 100}.{cents % 100:02}"'


def test_dates_and_aware_timestamps(tmp_path: Path) -> None:
    mapping = "event: box.opened\nsource: app\nid: n\ntime: {column: at, zone: Europe/Berlin}\nsubject: who\n"
    days = parquet_file(tmp_path, "a.parquet", n=[1], at=[date(2025, 7, 1)], who=["a"])
    aware = pa.array([datetime(2025, 7, 1, 3, tzinfo=UTC)], pa.timestamp("ms", "Asia/Kolkata"))
    zoned = parquet_file(tmp_path, "b.parquet", n=[2], at=aware, who=["a"])
    one, two = mapped(tmp_path, mapping, days, zoned)
    assert events(one)[0]["time"] == "2025-06-30T22:00:00Z"
    assert events(two)[0]["time"] == "2025-07-01T03:00:00Z"


def test_tables_lists_formats_and_commas(tmp_path: Path) -> None:
    mapping = """
event: order.paid
source: till
id: nr
time: {column: at, zone: utc, format: "%d.%m.%Y %H:%M"}
currency: EUR
csv: {delimiter: ";", encoding: latin-1, decimal_comma: true}
order: {id: nr, discount: off, shipping: post, coupons: {column: codes, split: "|"}, attributes: {till: till}}
line:
  id: line
  sku: sku
  price: price
  name: {table: goods, column: name}
  categories: [{table: goods, column: kind}, {table: goods, column: more}]
  attributes: {weight: {table: goods, column: grams, as: number}}
tables: {goods: {file: goods.csv, key: code, on: sku}}
"""
    mapping = mapping.replace(
        'coupons: {column: codes, split: "|"}', 'coupons: [{column: codes, split: "|"}]'
    )
    (tmp_path / "goods.csv").write_bytes(
        "code;name;kind;more;grams\nA;Möhre;veg;;12,5\nB;Tee;drink;hot;\n".encode("latin-1")
    )
    text = (
        "nr;at;line;sku;price;off;post;codes;till\n"
        "1;24.12.2025 18:05;a;A;1.234,50;0,50;4,90;X|Y ;3\n"
        "1;24.12.2025 18:05;b;C;1;0,50;4,90;X|Y ;3\n"
    )
    (file,) = mapped(tmp_path, mapping, csv_file(tmp_path, text))
    (event,) = events(file)
    assert event["time"] == "2025-12-24T18:05:00Z"
    data = event["data"]
    assert (data["discounts"], data["shipping"], data["coupons"], data["attributes"]) == (
        [{"amount": "0.5"}],
        {"amount": "4.9"},
        ["X", "Y"],
        {"till": "3"},
    )
    assert data["lines"] == [
        {
            "sku": "A",
            "name": "Möhre",
            "categories": ["veg"],
            "attributes": {"weight": 12.5},
            "price": "1234.5",
            "id": "a",
        },
        {"sku": "C", "price": "1", "id": "b"},
    ]


def test_many_rows_cross_batches(tmp_path: Path) -> None:
    count = 140_000
    text = HEAD + "".join(f"{n % 70_000},2025-01-01T10:00:00,c,S,A{n},1,1\n" for n in range(count))
    packed = tmp_path / "rows.csv.gz"
    packed.write_bytes(gzip.compress(text.encode(), 1))
    (file,) = mapped(tmp_path, ORDERS, packed)
    assert (len(file.rows), len(file.unread)) == (70_000, 0)
    last = json.loads(file.path.read_bytes().splitlines()[-1])
    assert [line["sku"] for line in last["data"]["lines"]] == ["A69999", "A139999"]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (("event: order.paid\n", ""), "invalid_mapping", "map.yaml:2:1: the key 'event' is missing"),
        (("subject: card", "subjekt: card"), "invalid_mapping", "did you mean 'subject'?"),
        (("zone: America/New_York", "zone: Mars"), "invalid_mapping", "'Mars' is not an IANA time zone"),
        (("currency: USD\n", ""), "invalid_mapping", "orders need their currency"),
        (("line: {", "lines: {"), "invalid_mapping", "unknown key 'lines'; did you mean 'line'?"),
        (("sku: sku", "sku: {column: sku, value: x}"), "invalid_mapping", "a column or a value"),
        (("sku: sku", "sku: {table: goods, column: x}"), "table_unknown", "'goods'"),
        (("event: order.paid", "event: box.opened"), "invalid_mapping", "order and line"),
        (("event:", "event: ["), "invalid_mapping", "map.yaml:"),
        (("subtotal: money", "subtotal: mony"), "column_missing", "did you mean 'money'?"),
    ],
)
def test_a_wrong_mapping_has_its_place(
    tmp_path: Path, change: tuple[str, str], code: str, words: str
) -> None:
    rows = csv_file(tmp_path, HEAD + "1,2025-01-01T10:00:00,a,S,A,1,1\n")
    assert change[0] in ORDERS
    with pytest.raises(Problem) as caught:
        mapped(tmp_path, ORDERS.replace(*change), rows)
    assert (caught.value.code, words in caught.value.detail) == (code, True), caught.value.detail


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_lines"),
        (b"a,a\n", "column_repeats"),
        (HEAD.encode() + b"\xff", "text_undecodable"),
        (HEAD.encode() + b'"1"x,2\n', "file_broken"),
        (b"PAR1 and then nothing", "file_broken"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    with pytest.raises(Problem) as caught:
        mapped(tmp_path, ORDERS, path)
    assert caught.value.code == code
    assert "rows.csv" in caught.value.detail


def test_a_table_with_one_key_twice(tmp_path: Path) -> None:
    csv_file(tmp_path, "code,name\nA,x\nA,y\n", "goods.csv")
    mapping = ORDERS.replace("sku: sku", "sku: {table: goods, column: name}")
    mapping += "tables: {goods: {file: goods.csv, key: code, on: sku}}\n"
    with pytest.raises(Problem, match="table_key_repeats"):
        mapped(tmp_path, mapping, csv_file(tmp_path, HEAD))


def test_a_column_of_lists_is_no_cell(tmp_path: Path) -> None:
    mapping = "event: box.opened\nsource: app\nid: n\ntime: at\nsubject: who\n"
    rows = parquet_file(tmp_path, n=[1], at=["2025-01-01T00:00:00Z"], who=[["a"]])
    with pytest.raises(Problem, match="column_type_unsupported"):
        mapped(tmp_path, mapping, rows)


def test_parquet_without_its_package_says_the_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = parquet_file(tmp_path, order=[1])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "guerdon.infra.parquetfiles", raising=False)
    with pytest.raises(Problem) as caught:
        mapped(tmp_path, ORDERS, rows)
    assert caught.value.code == "parquet_not_installed"
    assert "pip install 'guerdon[parquet]'" in caught.value.detail
