"""Trees of hashes, against the definition in RFC 9162 written out, and against published vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guerdon.rules.proofs.merkle import (
    EMPTY_ROOT,
    Edge,
    Span,
    Subtree,
    complete_parts,
    consistency_spans,
    hash_spans,
    inclusion_spans,
    is_consistent,
    is_included,
)

PUBLISHED = "- 00 10 2021 3031 40414243 5051525354555657 606162636465666768696a6b6c6d6e6f"
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Roots of the first 1, 2, … of those leaves, as the tests of Certificate Transparency have them."""


def leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + root(leaves[:split]) + root(leaves[split:])).digest()


def grown(leaves: Sequence[bytes]) -> tuple[Edge, dict[Subtree, bytes]]:
    edge = Edge()
    stored: dict[Subtree, bytes] = {}
    for one in leaves:
        stored.update(edge.append(one))
    return edge, stored


LEAVES = [leaf(b"%d" % number) for number in range(200)]


def test_roots_are_those_that_others_published() -> None:
    leaves = [leaf(bytes.fromhex(text.strip("-"))) for text in PUBLISHED.split()]
    assert [grown(leaves[:size])[0].root.hex() for size in range(1, 9)] == ROOTS
    assert Edge().root == EMPTY_ROOT == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("size", [*range(71), 127, 128, 129, 200])
def test_each_leaf_has_a_proof_that_no_other_leaf_has(size: int) -> None:
    leaves = LEAVES[:size]
    edge, stored = grown(leaves)
    assert edge.root == root(leaves)
    for position in range(size):
        path = hash_spans(inclusion_spans(position, size), stored.__getitem__)
        assert is_included(leaves[position], (position, size), path, edge.root)
        other = (position + 1) % size
        if other != position:
            assert not is_included(leaves[other], (position, size), path, edge.root)
            assert not is_included(leaves[position], (other, size), path, edge.root)
            assert not is_included(leaves[position], (position, size), path[:-1], edge.root)
        assert not is_included(leaves[position], (position, size), [*path, edge.root], edge.root)
    assert not is_included(LEAVES[0], (size, size), [], edge.root)


@pytest.mark.parametrize("size", [*range(40), 64, 65, 100])
def test_a_tree_that_grew_begins_with_what_it_was(size: int) -> None:
    leaves = LEAVES[:size]
    edge, stored = grown(leaves)
    for old in range(size + 1):
        proof = hash_spans(consistency_spans(old, size), stored.__getitem__)
        was = (old, root(leaves[:old]))
        assert is_consistent(was, (size, edge.root), proof)
        if 0 < old < size:
            assert not is_consistent((old, root(LEAVES[1 : old + 1])), (size, edge.root), proof)
            assert not is_consistent(was, (size, root(LEAVES[1 : size + 1])), proof)
            assert not is_consistent(was, (size, edge.root), proof[:-1])
            assert not is_consistent(was, (size, edge.root), [*proof, edge.root])
    assert not is_consistent((size + 1, edge.root), (size, edge.root), [])


@given(st.integers(0, 199), st.integers(0, 199))
def test_a_tree_is_taken_up_where_it_stood(first: int, more: int) -> None:
    past = min(first + more, 200)
    whole, stored = grown(LEAVES[:past])
    half = Edge(first, [stored[part] for part in complete_parts(Span(0, first))])
    for one in LEAVES[first:past]:
        half.append(one)
    assert half.root == whole.root


def test_an_edge_knows_how_many_hashes_it_has() -> None:
    with pytest.raises(ValueError, match="2 complete subtrees"):
        Edge(5, [b"\0" * 32])
    with pytest.raises(ValueError, match="none at 3"):
        inclusion_spans(3, 3)
    with pytest.raises(ValueError, match="does not begin"):
        consistency_spans(4, 3)
