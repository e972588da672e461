"""Photos of posts, sealed with their author's key."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from guerdon.infra.tx import Tx
from guerdon.members.crypto import MemberKey


class Photo(NamedTuple):
    """A photo as it was written anew."""

    hash: bytes
    """Keyed, of the file."""
    width: int
    height: int
    sealed: bytes


def insert_photo(tx: Tx, place: tuple[int, int], one: Photo) -> None:
    """Store a photo.

    Args:
        tx: bound to the tenant.
        place: program and post.
        one: the photo.
    """
    done = tx.execute(
        "insert into post_photos (program_id, post_id, hash, width, height, sealed)"
        " values (%s, %s, %s, %s, %s, %s) on conflict do nothing",
        (*place, *one),
    ).rowcount
    assert done == 1, "its post is new"


def find_photo(tx: Tx, place: tuple[int, int]) -> Photo | None:
    """Read the photo of a post.

    Args:
        tx: bound to the tenant.
        place: program and post.

    Returns:
        The photo, None where there is none.
    """
    row = tx.execute(
        "select hash, width, height, sealed from post_photos where program_id = %s and post_id = %s", place
    ).fetchone()
    return Photo(bytes(row[0]), row[1], row[2], bytes(row[3])) if row is not None else None


def load_sizes(tx: Tx, program_id: int, post_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """Tell how large photos are, without reading them.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        post_ids: of which posts.

    Returns:
        By post: width and height in pixels; those without a photo are not there.
    """
    rows = tx.execute(
        "select post_id, width, height from post_photos"
        " where program_id = %s and post_id = any(%s::bigint[])",
        (program_id, sorted(post_ids)),
    )
    return {post_id: (width, height) for post_id, width, height in rows}


def remove_photo(tx: Tx, place: tuple[int, int]) -> None:
    """Forget a photo.

    Args:
        tx: bound to the tenant.
        place: program and post.
    """
    tx.execute("delete from post_photos where program_id = %s and post_id = %s", place)


def seal_photo(key: MemberKey, post_id: int, data: bytes) -> bytes:
    """Seal a photo with its author's key.

    Args:
        key: the author's.
        post_id: of which post.
        data: the file.

    Returns:
        What is stored.
    """
    return key.seal(f"photo:{post_id}", data)


def open_photo(key: MemberKey, post_id: int, sealed: bytes) -> bytes:
    """Read a photo again.

    Args:
        key: the author's.
        post_id: of which post.
        sealed: as stored.

    Returns:
        The file.

    Raises:
        Problem: `sealed_data_unreadable`.
    """
    return key.open(f"photo:{post_id}", sealed)
