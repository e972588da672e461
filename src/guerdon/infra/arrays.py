"""PostgreSQL arrays, packed in binary at once, for a fraction of what psycopg's own lists cost."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_FIRST_DAY = date(2000, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
_HEADER = struct.Struct(">iiIii")
_LENGTH = struct.Struct(">i")
_NULL = _LENGTH.pack(-1)


class Packed:
    """An array as it goes over the wire."""

    __slots__ = ("data",)
    array_oid = 0

    def __init__(self, data: bytes) -> None:
        """Keep the bytes.

        Args:
            data: PostgreSQL's binary form.
        """
        self.data = data


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Packed) -> Buffer:
        return obj.data


class _NumericsDumper(Dumper):
    format = Format.TEXT

    def dump(self, obj: Packed) -> Buffer:
        return obj.data


def _kind(name: str, array_oid: int, dumper: type[Dumper] = _PackedDumper) -> type[Packed]:
    kind = type(name, (Packed,), {"__slots__": (), "array_oid": array_oid})
    psycopg.adapters.register_dumper(kind, type(f"{name}Dumper", (dumper,), {"oid": array_oid}))
    return kind


_Bigints = _kind("Bigints", 1016)
_Integers = _kind("Integers", 1007)
_Smallints = _kind("Smallints", 1005)
_Booleans = _kind("Booleans", 1000)
_Texts = _kind("Texts", 1009)
_Byteas = _kind("Byteas", 1001)
_Uuids = _kind("Uuids", 2951)
_Instants = _kind("Instants", 1185)
_Dates = _kind("Dates", 1182)
_Numerics = _kind("Numerics", 1231, _NumericsDumper)


def bigints(values: Sequence[int | None]) -> Packed:
    """Pack a `bigint[]`.

    Args:
        values: 64-bit integers or None.

    Returns:
        A query's argument.

    Raises:
        psycopg.errors.NumericValueOutOfRange: as PostgreSQL itself would.
    """
    return _Bigints(_fixed(20, (8, "q"), values))


def integers(values: Sequence[int | None]) -> Packed:
    """Pack an `integer[]`.

    Args:
        values: 32-bit integers or None.

    Returns:
        A query's argument.
    """
    return _Integers(_fixed(23, (4, "i"), values))


def smallints(values: Sequence[int | None]) -> Packed:
    """Pack a `smallint[]`.

    Args:
        values: 16-bit integers or None.

    Returns:
        A query's argument.
    """
    return _Smallints(_fixed(21, (2, "h"), values))


def booleans(values: Sequence[bool]) -> Packed:
    """Pack a `boolean[]`.

    Args:
        values: true or false.

    Returns:
        A query's argument.
    """
    return _Booleans(_fixed(16, (1, "?"), values))


def instants(values: Sequence[datetime | None]) -> Packed:
    """Pack a `timestamptz[]`.

    Args:
        values: aware instants or None.

    Returns:
        A query's argument.
    """
    # Within a batch the same few instants come again and again.
    known: dict[datetime | None, int | None] = {None: None}
    micros = []
    for value in values:
        micro = known.get(value, known)
        if micro is known:
            micro = known[value] = (value - _EPOCH) // _MICROSECOND  # type: ignore[operator]  # None is known
        micros.append(micro)
    return _Instants(_fixed(1184, (8, "q"), micros))


def dates(values: Sequence[date]) -> Packed:
    """Pack a `date[]`.

    Args:
        values: days.

    Returns:
        A query's argument.
    """
    return _Dates(_fixed(1082, (4, "i"), [value.toordinal() - _FIRST_DAY for value in values]))


def uuids(values: Sequence[UUID | None]) -> Packed:
    """Pack a `uuid[]`.

    Args:
        values: UUIDs or None.

    Returns:
        A query's argument.
    """
    return _Uuids(_fixed(2950, (16, "16s"), [value and value.bytes for value in values]))


def texts(values: Sequence[str | None]) -> Packed:
    """Pack a `text[]`.

    Args:
        values: texts without U+0000, or None.

    Returns:
        A query's argument.
    """
    return _Texts(_varying(25, [None if value is None else value.encode() for value in values]))


def byteas(values: Sequence[bytes | None]) -> Packed:
    """Pack a `bytea[]`.

    Args:
        values: bytes or None.

    Returns:
        A query's argument.
    """
    return _Byteas(_varying(17, values))


def numerics(values: Sequence[Decimal | None]) -> Packed:
    """Pack a `numeric[]`.

    Args:
        values: finite decimals or None.

    Returns:
        A query's argument.
    """
    return _Numerics(
        ("{" + ",".join("null" if value is None else str(value) for value in values) + "}").encode()
    )


def columns(rows: Sequence[tuple[object, ...]], packers: Sequence[Callable[[Any], Packed]]) -> list[Packed]:
    """Turn rows into one array for each column.

    Args:
        rows: at least one; all as long as `packers`.
        packers: what packs each column.

    Returns:
        Arguments for `unnest`.
    """
    return [pack(column) for pack, column in zip(packers, zip(*rows, strict=True), strict=True)]


def _fixed(oid: int, form: tuple[int, str], values: Sequence[object]) -> bytes:
    length, letter = form
    count = len(values)
    try:
        if None in values:
            one = struct.Struct(f">i{letter}").pack
            body = b"".join([_NULL if value is None else one(length, value) for value in values])
            return _header(oid, count, nulls=True) + body
        flat: list[object] = [length] * (2 * count)
        flat[1::2] = values
        return _header(oid, count) + struct.pack(">" + f"i{letter}" * count, *flat)
    except struct.error as error:
        raise psycopg.errors.NumericValueOutOfRange("an integer is out of range") from error


def _varying(oid: int, values: Sequence[bytes | None]) -> bytes:
    parts: list[bytes] = []
    nulls = False
    length = _LENGTH.pack
    for value in values:
        if value is None:
            nulls = True
            parts.append(_NULL)
        else:
            parts.append(length(len(value)))
            parts.append(value)
    return _header(oid, len(values), nulls=nulls) + b"".join(parts)


def _header(oid: int, count: int, *, nulls: bool = False) -> bytes:
    return _HEADER.pack(1, nulls, oid, count, 1) if count else struct.pack(">iiI", 0, 0, oid)
