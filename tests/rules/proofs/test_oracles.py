"""Trees and notes of others: pymerkle, vectors of Certificate Transparency, heads of Go's checksums."""

from __future__ import annotations

import hashlib
import random

import pytest
from pymerkle import InmemoryTree, verify_consistency, verify_inclusion

from guerdon.base.errors import Problem
from guerdon.rules.proofs.merkle import (
    Edge,
    Subtree,
    consistency_spans,
    hash_spans,
    inclusion_spans,
    is_consistent,
    is_included,
)
from guerdon.rules.proofs.notes import (
    ID_BYTES,
    NoteKey,
    decoded,
    is_signature,
    public_of,
    read_checkpoint,
)
from tests.rules.proofs.test_merkle import PUBLISHED, ROOTS, grown, leaf

# From the tests of Certificate Transparency: (position, size) → path, and (size, size) → proof, of the tree
# over the eight published leaves.
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (6, 7): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
# The public log of Go's checksums, which anybody can read: its key, and two of its heads.
SUMDB = NoteKey.read("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
HEADS = {
    6_476_701: (
        "mb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=",
        "Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9LM7Us9S+1xbFIGu95949rj4nPRYfvimWEPWL+o3GeoWwOoAw=",
    ),
    65_209_736: (
        "5+uGFjx6xBZG8ip1+wi77v+grwbhhukIrxEUS8PXvRo=",
        "Az3grnbssgK7ubgFX36gVETtNv0U23qxyAhAMai2QUfeGa3nB/akvkMdlUErfcZz7l/R3cVtYspg3dxXABkGZZKdsQ8=",
    ),
}


def test_published_paths_are_ours() -> None:
    leaves = [leaf(bytes.fromhex(text.strip("-"))) for text in PUBLISHED.split()]
    _, stored = grown(leaves)
    for (position, size), expected in INCLUSION.items():
        path = hash_spans(inclusion_spans(position, size), stored.__getitem__)
        assert [step.hex() for step in path] == expected
        assert is_included(leaves[position], (position, size), path, bytes.fromhex(ROOTS[size - 1]))
    for (old, size), expected in CONSISTENCY.items():
        proof = hash_spans(consistency_spans(old, size), stored.__getitem__)
        assert [step.hex() for step in proof] == expected
        roots = bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[size - 1])
        assert is_consistent((old, roots[0]), (size, roots[1]), proof)


@pytest.mark.parametrize("seed", range(6))
def test_pymerkle_has_the_same_roots_and_proofs(seed: int) -> None:
    chance = random.Random(seed)
    theirs = InmemoryTree(algorithm="sha256")
    edge, stored = Edge(), dict[Subtree, bytes]()
    count = chance.randint(2, 2_000)
    leaves = []
    for _ in range(count):
        data = chance.randbytes(chance.randint(0, 40))
        theirs.append_entry(data)
        leaves.append(hashlib.sha256(b"\0" + data).digest())
        stored.update(edge.append(leaves[-1]))
    assert edge.root == theirs.get_root()
    for _ in range(40):
        size = chance.randint(1, count)
        position, old = chance.randrange(size), chance.randint(1, size)
        root, old_root = theirs.get_root(size), theirs.get_root(old)
        path = hash_spans(inclusion_spans(position, size), stored.__getitem__)
        said = theirs.prove_inclusion(position + 1, size)
        # Theirs has the leaf itself as well, where it stands beside its sibling.
        assert {*said.path} == {leaves[position], *path}
        verify_inclusion(leaves[position], root, said)
        assert is_included(leaves[position], (position, size), path, root)
        proof = hash_spans(consistency_spans(old, size), stored.__getitem__)
        said = theirs.prove_consistency(old, size)
        verify_consistency(old_root, root, said)
        # Theirs is of another form, for the same two roots.
        assert is_consistent((old, old_root), (size, root), proof)
        assert old == size or not is_consistent((old, leaves[0]), (size, root), proof) or old == 1


def test_heads_of_the_checksums_of_go_are_read() -> None:
    for size, (root, signature) in HEADS.items():
        note = f"go.sum database tree\n{size}\n{root}\n\n— sum.golang.org {signature}\n"
        head = read_checkpoint(note, [SUMDB])
        assert (head.origin, head.size, head.root) == ("go.sum database tree", size, decoded(root))
        with pytest.raises(Problem, match="something else"):
            read_checkpoint(note.replace(f"\n{size}\n", f"\n{size + 1}\n"), [SUMDB])


def test_the_example_of_gos_signed_notes_is_signed_as_we_sign() -> None:
    # From the documentation of golang.org/x/mod/sumdb/note, its secret key too.
    secret = decoded("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")
    assert secret is not None
    key = NoteKey("PeterNeumann", public_of(secret[1:]))
    assert key.text == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    text = "If you think cryptography is the answer to your problem,\n"
    text += "then you don't know what your problem is.\n"
    packed = decoded(
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    )
    assert packed is not None
    assert packed[:ID_BYTES] == key.key_id
    assert is_signature(key, packed[ID_BYTES:], text.encode())
    assert not is_signature(key, packed[ID_BYTES:], text.upper().encode())
