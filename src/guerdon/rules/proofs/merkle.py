"""Merkle trees of RFC 9162 (and so of RFC 6962): roots, paths, and what a verifier does with them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
"""Root of a tree without leaves (RFC 9162, 2.1.1)."""
_NODE: Final = b"\x01"


class Subtree(NamedTuple):
    """A complete subtree: 2**level leaves from `place * 2**level` on."""

    level: int
    place: int

    @property
    def start(self) -> int:
        """Position of its first leaf, from 0."""
        return self.place << self.level


class Span(NamedTuple):
    """Leaves that stand under one node of the tree of a size."""

    start: int
    """Position of the first, from 0."""
    end: int
    """Position after the last."""


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two nodes into their parent (RFC 9162, 2.1.1).

    Args:
        left: 32 bytes.
        right: 32 bytes.

    Returns:
        32 bytes.
    """
    return hashlib.sha256(_NODE + left + right).digest()


def complete_parts(span: Span) -> list[Subtree]:
    """Take the leaves under one node apart into complete subtrees.

    Args:
        span: as it stands under a node: it begins at a multiple of the least power of two that is not below
            its length.

    Returns:
        The subtrees from left to right, each smaller than the one before.
    """
    parts, start = [], span.start
    while start < span.end:
        level = (span.end - start).bit_length() - 1
        parts.append(Subtree(level, start >> level))
        start += 1 << level
    return parts


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Hash the complete subtrees of a tree into its root.

    Args:
        hashes: from left to right, each of a smaller subtree than the one before.

    Returns:
        32 bytes; `EMPTY_ROOT` where there are none.
    """
    if not hashes:
        return EMPTY_ROOT
    found = hashes[-1]
    for left in reversed(hashes[:-1]):
        found = node_hash(left, found)
    return found


class Edge:
    """The right edge of a tree that grows: the hashes of its complete subtrees, and nothing else of it."""

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """Take a tree up where it stands.

        Args:
            size: how many leaves it has.
            hashes: of `complete_parts(Span(0, size))`, in that order.

        Raises:
            ValueError: where there are more or fewer hashes than such a tree has.
        """
        self.size = size
        self.hashes = list(hashes)
        if len(self.hashes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} complete subtrees")

    def append(self, leaf: bytes) -> list[tuple[Subtree, bytes]]:
        """Add a leaf.

        Args:
            leaf: its hash, 32 bytes.

        Returns:
            Each subtree that it makes complete, with its hash: the leaf itself first.
        """
        done = [(Subtree(0, self.size), leaf)]
        level, found = 0, leaf
        while self.size >> level & 1:
            found = node_hash(self.hashes.pop(), found)
            level += 1
            done.append((Subtree(level, self.size >> level), found))
        self.hashes.append(found)
        self.size += 1
        return done

    @property
    def root(self) -> bytes:
        """Root of the tree as it is, 32 bytes."""
        return root_of(self.hashes)


def inclusion_spans(position: int, size: int) -> list[Span]:
    """Name the nodes that prove that a leaf is in a tree (RFC 9162, 2.1.3.1).

    Args:
        position: the leaf's, from 0.
        size: leaves of the tree.

    Returns:
        What stands under each node of the path, from the leaf upwards.

    Raises:
        ValueError: where the tree has no such leaf.
    """
    if not 0 <= position < size:
        raise ValueError(f"a tree of {size} leaves has none at {position}")
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if position < middle:
            path.append(Span(middle, end))
            end = middle
        else:
            path.append(Span(start, middle))
            start = middle
    return path[::-1]


def consistency_spans(old: int, size: int) -> list[Span]:
    """Name the nodes that prove that one tree begins with another (RFC 9162, 2.1.4.1).

    Args:
        old: leaves of the earlier tree.
        size: leaves of the later one.

    Returns:
        What stands under each node of the proof, in its order; nothing where either is empty or both are one.

    Raises:
        ValueError: where the earlier tree is the larger one.
    """
    if not 0 <= old <= size:
        raise ValueError(f"a tree of {size} leaves does not begin with one of {old}")
    if old in (0, size):
        return []
    proof, start, end, whole = [], 0, size, True
    while old < end:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(Span(middle, end))
            end = middle
        else:
            proof.append(Span(start, middle))
            start, whole = middle, False
    # Whoever has the earlier root needs no node for what is all of that tree.
    return [*([] if whole else [Span(start, end)]), *reversed(proof)]


def hash_spans(spans: Iterable[Span], hash_of: Callable[[Subtree], bytes]) -> list[bytes]:
    """Work out the hashes of nodes.

    Args:
        spans: what stands under each.
        hash_of: gives the hash of a complete subtree.

    Returns:
        A hash for each, 32 bytes.
    """
    return [root_of([hash_of(part) for part in complete_parts(span)]) for span in spans]


def is_included(leaf: bytes, place: tuple[int, int], path: Sequence[bytes], root: bytes) -> bool:
    """Check a proof that a leaf is in a tree (RFC 9162, 2.1.3.2).

    Args:
        leaf: its hash.
        place: its position from 0, and the leaves of the tree.
        path: the proof, from the leaf upwards.
        root: of the tree.

    Returns:
        Whether it proves that.
    """
    position, size = place
    if not 0 <= position < size:
        return False
    node, last, found = position, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(step, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(old: tuple[int, bytes], new: tuple[int, bytes], proof: Sequence[bytes]) -> bool:
    """Check a proof that one tree begins with another (RFC 9162, 2.1.4.2).

    Args:
        old: leaves and root of the earlier tree.
        new: leaves and root of the later one.
        proof: the nodes, in order.

    Returns:
        Whether it proves that. Every tree begins with the empty one.
    """
    (old_size, old_root), (size, root) = old, new
    if not 0 <= old_size <= size:
        return False
    if old_size in (0, size):
        return not proof and old_root == (root if old_size == size else EMPTY_ROOT)
    # An earlier tree that is complete stands in the later one as a node, which its verifier knows.
    nodes = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    return bool(nodes) and _climb(old_size, size, nodes) == (old_root, root)


def _climb(old_size: int, size: int, nodes: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Work out both roots from a proof; None where it is too short or too long."""
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_root = root = nodes[0]
    for step in nodes[1:]:
        if last == 0:
            return None
        if node & 1 or node == last:
            old_root, root = node_hash(step, old_root), node_hash(step, root)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            root = node_hash(root, step)
        node, last = node >> 1, last >> 1
    return (old_root, root) if last == 0 else None


def _split(leaves: int) -> int:
    """Give the greatest power of two below a number of leaves."""
    return 1 << (leaves - 1).bit_length() - 1
