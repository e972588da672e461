# pragma version 0.4.3
# pragma evm-version paris
"""
@title Anchors of logs
@license Apache-2.0
@notice Heads of append-only Merkle logs (RFC 9162), told to everybody: how many leaves a log has, and their root.
    Only the owner anchors, a log's sizes only grow, and nothing that was anchored can be changed. Whoever has a
    proof that a leaf is in a log can have it checked here.
@dev A log is named by the SHA-256 of its origin, the first line of its checkpoints.
"""

struct Anchor:
    root: bytes32
    follows: uint64        # the size that was anchored before, 0 for the first
    block_number: uint64
    timestamp: uint64      # of the block, seconds since 1970

event Anchored:
    log_id: indexed(bytes32)
    size: indexed(uint64)
    root: bytes32
    follows: uint64

event OwnerOffered:
    owner: indexed(address)
    heir: indexed(address)

event OwnerChanged:
    before: indexed(address)
    owner: indexed(address)

owner: public(address)
# Who may take over, once they say so themselves.
heir: public(address)
last_size: public(HashMap[bytes32, uint64])
anchors: public(HashMap[bytes32, HashMap[uint64, Anchor]])


@deploy
def __init__():
    self.owner = msg.sender
    log OwnerChanged(before=empty(address), owner=msg.sender)


@external
def anchor(log_id: bytes32, size: uint64, root: bytes32):
    """
    @notice Anchor the head of a log.
    @param log_id SHA-256 of the log's origin.
    @param size Leaves; more than were ever anchored of this log.
    @param root Root of the tree of these leaves.
    """
    assert msg.sender == self.owner, "only the owner anchors"
    before: uint64 = self.last_size[log_id]
    assert size > before, "sizes only grow"
    assert root != empty(bytes32), "a root is not empty"
    self.last_size[log_id] = size
    self.anchors[log_id][size] = Anchor(
        root=root,
        follows=before,
        block_number=convert(block.number, uint64),
        timestamp=convert(block.timestamp, uint64),
    )
    log Anchored(log_id=log_id, size=size, root=root, follows=before)


@external
def offer(heir: address):
    """
    @notice Offer the ownership to another address, which has to take it; the zero address takes the offer back.
    @param heir Who may take it.
    """
    assert msg.sender == self.owner, "only the owner offers"
    self.heir = heir
    log OwnerOffered(owner=msg.sender, heir=heir)


@external
def take():
    """
    @notice Become the owner, where it was offered to you.
    """
    assert msg.sender == self.heir, "only the heir takes"
    log OwnerChanged(before=self.owner, owner=msg.sender)
    self.owner = msg.sender
    self.heir = empty(address)


@external
@view
def verify(
    log_id: bytes32, size: uint64, leaf_hash: bytes32, position: uint64, path: DynArray[bytes32, 64]
) -> bool:
    """
    @notice Check a proof that a leaf is in a log (RFC 9162, 2.1.3.2).
    @param log_id SHA-256 of the log's origin.
    @param size Leaves of the head that the proof leads to, which must be anchored.
    @param leaf_hash SHA-256 of a zero byte and the leaf.
    @param position The leaf's place in the log, from 0.
    @param path Hashes beside the way from the leaf to the root.
    @return Whether it proves that.
    """
    root: bytes32 = self.anchors[log_id][size].root
    if root == empty(bytes32) or position >= size:
        return False
    node: uint64 = position
    last: uint64 = size - 1
    found: bytes32 = leaf_hash
    for step: bytes32 in path:
        if last == 0:
            return False
        if node % 2 == 1 or node == last:
            found = sha256(concat(0x01, step, found))
            for _: uint256 in range(64):
                if node % 2 == 1 or node == 0:
                    break
                node = node // 2
                last = last // 2
        else:
            found = sha256(concat(0x01, found, step))
        node = node // 2
        last = last // 2
    return last == 0 and found == root
