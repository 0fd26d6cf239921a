"""The tree against the published vectors and, for any size, against its definition."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.audit import merkle
from clinical.audit.merkle import Edge

# Vectors of the reference implementation of RFC 6962: eight leaves, the root after each, proofs.
DATA = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {  # (index, size)
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
}
CONSISTENCY = {  # (first size, second size)
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
}
LEAVES = [merkle.leaf_hash(data) for data in DATA]


def hexed(path: list[bytes]) -> list[str]:
    return [node.hex() for node in path]


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = max(2**n for n in range(20) if 2**n < len(leaves))
    both = by_definition(leaves[:k]) + by_definition(leaves[k:])
    return hashlib.sha256(b"\x01" + both).digest()


def made(size: int) -> list[bytes]:
    return [merkle.leaf_hash(str(number).encode()) for number in range(size)]


def spoilt(path: list[bytes], place: int) -> list[bytes]:
    return [bytes(32) if number == place else node for number, node in enumerate(path)]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_published_vectors(size: int) -> None:
    assert merkle.root_of(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_proofs_are_those_of_the_published_vectors(index: int, size: int) -> None:
    path = merkle.inclusion_path(LEAVES[:size], index)
    assert hexed(path) == INCLUSION[index, size]
    top = bytes.fromhex(ROOTS[size])
    assert merkle.proves_inclusion(LEAVES[index], index, size, path, top)


@pytest.mark.parametrize(("first", "second"), CONSISTENCY)
def test_consistency_proofs_are_those_of_the_published_vectors(first: int, second: int) -> None:
    path = merkle.consistency_path(LEAVES[:second], first)
    assert hexed(path) == CONSISTENCY[first, second]
    old, new = (bytes.fromhex(ROOTS[size]) for size in (first, second))
    assert merkle.proves_consistency((first, old), (second, new), path)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 200))
def test_a_tree_that_grew_leaf_by_leaf_is_the_tree_of_the_definition(size: int) -> None:
    leaves = made(size)
    edge = Edge()
    for leaf in leaves:
        edge = merkle.grown(edge, leaf)
    assert merkle.root(edge) == by_definition(leaves)
    assert edge.size == size
    assert len(edge.peaks) == size.bit_count()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 120), st.data())
def test_a_proof_of_inclusion_fits_one_leaf_at_one_place_only(
    size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = made(size)
    top = by_definition(leaves)
    path = merkle.inclusion_path(leaves, index)
    assert merkle.proves_inclusion(leaves[index], index, size, path, top)
    assert not merkle.proves_inclusion(merkle.leaf_hash(b"other"), index, size, path, top)
    assert not merkle.proves_inclusion(leaves[index], index, size, [*path, bytes(32)], top)
    other = data.draw(st.integers(-1, size).filter(lambda n: n != index))
    assert not merkle.proves_inclusion(leaves[index], other, size, path, top)
    if path:
        place = data.draw(st.integers(0, len(path) - 1))
        assert not merkle.proves_inclusion(leaves[index], index, size, spoilt(path, place), top)
        assert not merkle.proves_inclusion(leaves[index], index, size, path[:-1], top)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 120), st.data())
def test_a_proof_of_consistency_fits_two_trees_only(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, size))
    leaves = made(size)
    old, new = by_definition(leaves[:first]), by_definition(leaves)
    path = merkle.consistency_path(leaves, first)
    assert merkle.proves_consistency((first, old), (size, new), path)
    assert not merkle.proves_consistency((first, bytes(32)), (size, new), path)
    assert not merkle.proves_consistency((first, old), (size, bytes(32)), path)
    assert not merkle.proves_consistency((first, old), (size, new), [*path, bytes(32)])
    assert not merkle.proves_consistency((size + 1, old), (size, new), path)
    if path:
        place = data.draw(st.integers(0, len(path) - 1))
        assert not merkle.proves_consistency((first, old), (size, new), spoilt(path, place))
        assert not merkle.proves_consistency((first, old), (size, new), path[:-1])


def test_a_rewritten_beginning_is_not_consistent() -> None:
    honest, forged = made(20), made(20)
    forged[3] = merkle.leaf_hash(b"forged")
    path = merkle.consistency_path(forged, 9)
    assert not merkle.proves_consistency(
        (9, by_definition(honest[:9])), (20, by_definition(forged)), path
    )


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion_path(made(3), index)


@pytest.mark.parametrize("size", [0, 4])
def test_there_is_no_proof_from_a_tree_that_never_was(size: int) -> None:
    with pytest.raises(ValueError, match="no tree"):
        merkle.consistency_path(made(3), size)
