"""Photos that show deeds, sealed with their member's key."""

from __future__ import annotations

from typing import NamedTuple

from guerdon.infra.tx import Tx
from guerdon.members.crypto import MemberKey


class DeedPhoto(NamedTuple):
    """A photo as it was written anew."""

    data: bytes
    """JPEG."""
    width: int
    height: int


def keep_photo(tx: Tx, key: MemberKey, place: tuple[int, int], one: DeedPhoto) -> None:
    """Store the photo of a deed.

    Args:
        tx: bound to the tenant.
        key: the member's own.
        place: program and deed.
        one: the photo.
    """
    tx.execute(
        "insert into deed_photos (program_id, deed_id, width, height, sealed) values (%s, %s, %s, %s, %s)",
        (*place, one.width, one.height, key.seal(_purpose(place), one.data)),
    )


def open_photo(tx: Tx, key: MemberKey, place: tuple[int, int]) -> DeedPhoto | None:
    """Read the photo of a deed again.

    Args:
        tx: bound to the tenant.
        key: the member's own.
        place: program and deed.

    Returns:
        The photo, None where there is none.

    Raises:
        Problem: `sealed_data_unreadable`.
    """
    row = tx.execute(
        "select width, height, sealed from deed_photos where program_id = %s and deed_id = %s", place
    ).fetchone()
    return DeedPhoto(key.open(_purpose(place), bytes(row[2])), row[0], row[1]) if row is not None else None


def forget_photos(tx: Tx, program_id: int, member_id: int) -> None:
    """Forget all photos of a member's deeds.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        member_id: whose.
    """
    tx.execute(
        "delete from deed_photos where program_id = %s and deed_id in"
        " (select deed_id from deeds where program_id = %s and member_id = %s)",
        (program_id, program_id, member_id),
    )


def _purpose(place: tuple[int, int]) -> str:
    return f"deed photo:{place[1]}"
