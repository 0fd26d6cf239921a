"""The Merkle tree of RFC 9162, section 2.1 (the same tree as RFC 6962): heads and proofs.

A leaf is hashed as SHA-256(0x00 || data), a node as SHA-256(0x01 || left || right), so that a leaf
can never be passed off as a node. Nothing here knows what a leaf means, and nothing is stored: an
`Edge` is all that is needed to go on from a head, and proofs are made from the leaf hashes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

EMPTY_ROOT = hashlib.sha256().digest()


class Edge(NamedTuple):
    """The right edge of a tree: what it takes to append a leaf and to tell the root.

    Attributes:
        size: number of leaves.
        peaks: roots of the full subtrees, widest first; one for each bit that is set in `size`.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()


def leaf_hash(data: bytes) -> bytes:
    """Hash of a leaf that holds `data`, 32 bytes."""
    return hashlib.sha256(b"\0" + data).digest()


def grown(edge: Edge, leaf: bytes) -> Edge:
    """The edge after one more leaf, given its hash; on average it hashes one node."""
    peaks = list(edge.peaks)
    rest = edge.size
    while rest & 1:
        leaf = _node(peaks.pop(), leaf)
        rest >>= 1
    return Edge(edge.size + 1, (*peaks, leaf))


def root(edge: Edge) -> bytes:
    """Root of the tree, 32 bytes; that of no leaves is the SHA-256 of nothing."""
    if not edge.peaks:
        return EMPTY_ROOT
    *left, top = edge.peaks
    for peak in reversed(left):
        top = _node(peak, top)
    return top


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf hashes."""
    edge = Edge()
    for leaf in leaves:
        edge = grown(edge, leaf)
    return root(edge)


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Proof that leaf `index` (from 0) is in the tree of `leaves` (RFC 9162, section 2.1.3.1).

    Raises:
        ValueError: if there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise ValueError(f"there is no leaf {index} among {len(leaves)}")
    path: list[bytes] = []
    low, high = 0, len(leaves)
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(root_of(leaves[middle:high]))
            high = middle
        else:
            path.append(root_of(leaves[low:middle]))
            low = middle
    return path[::-1]


def consistency_path(leaves: Sequence[bytes], size: int) -> list[bytes]:
    """Proof that the first `size` leaves are still what they were (RFC 9162, section 2.1.4.1).

    Raises:
        ValueError: if there were no leaves then, or more than there are.
    """
    if not 0 < size <= len(leaves):
        raise ValueError(f"there is no tree of {size} among {len(leaves)} leaves")
    path: list[bytes] = []
    low, high, known = 0, len(leaves), True
    while size < high:
        middle = low + _split(high - low)
        if size <= middle:
            path.append(root_of(leaves[middle:high]))
            high = middle
        else:
            path.append(root_of(leaves[low:middle]))
            low, known = middle, False
    if not known:
        path.append(root_of(leaves[low:high]))
    return path[::-1]


def proves_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], top: bytes) -> bool:
    """Whether `path` shows that a leaf of this hash is number `index` (from 0) under root `top`.

    Source: RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    place, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            node = _node(sibling, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = _node(node, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and node == top


def proves_consistency(
    first: tuple[int, bytes], second: tuple[int, bytes], path: Sequence[bytes]
) -> bool:
    """Whether `path` shows that the tree `second` (size, root) begins with the tree `first`.

    Source: RFC 9162, section 2.1.4.2.
    """
    (size, old), (grown_size, new) = first, second
    if not 0 < size <= grown_size:
        return False
    if size == grown_size:
        return not path and old == new
    steps = list(path)
    if size & (size - 1) == 0:  # a full tree is a node of the new one, so the path leaves it out
        steps.insert(0, old)
    if not steps:
        return False
    place, last = size - 1, grown_size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = _node(sibling, before), _node(sibling, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = _node(after, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and (before, after) == (old, new)


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _split(size: int) -> int:
    """The largest power of two below `size`, which is at least 2."""
    return 1 << (size - 1).bit_length() - 1
