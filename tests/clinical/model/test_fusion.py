"""Any subset of modalities works, and what is masked has no influence."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch

from clinical.modalities.encoding import Encoding
from clinical.model.fusion import Fusion, joined

NAMES = ("image", "measurements", "history", "notes")


@pytest.fixture
def fusion() -> Fusion:
    torch.manual_seed(0)
    return Fusion(NAMES, 3, width=16, heads=4, layers=2, dropout=0.5).eval()


def encodings(names: tuple[str, ...], cases: int = 2) -> dict[str, Encoding]:
    generator = torch.Generator().manual_seed(1)
    return {
        name: Encoding(
            torch.randn(cases, 5, 16, generator=generator), torch.ones(cases, 5, dtype=torch.bool)
        )
        for name in names
    }


@pytest.mark.parametrize(
    "names", [c for size in range(5) for c in combinations(NAMES, size)], ids="+".join
)
def test_every_subset_gives_finite_logits_and_gradients(
    fusion: Fusion, names: tuple[str, ...]
) -> None:
    tokens = fusion.join(encodings(names), 2)
    logits, attentions = fusion(tokens)
    assert logits.shape == (2, 3)
    assert torch.isfinite(logits).all()
    logits.sum().backward()
    gradients = [p.grad for p in fusion.parameters() if p.grad is not None]
    assert all(torch.isfinite(g).all() for g in gradients)
    for attention in attentions:
        for first, last in tokens.spans.values():
            torch.testing.assert_close(attention[..., first:last].sum(-1), torch.ones(2, 4, 3))


def test_a_case_with_every_token_masked_gives_the_prior(fusion: Fusion) -> None:
    given = encodings(NAMES)
    masked = {n: Encoding(e.tokens, torch.zeros_like(e.mask)) for n, e in given.items()}
    logits, _ = fusion(fusion.join(masked, 2))
    nothing, _ = fusion(fusion.join({}, 2))
    torch.testing.assert_close(logits, nothing)


def test_evidence_of_modalities_adds_up_until_a_correction_is_learnt(fusion: Fusion) -> None:
    tokens = fusion.join(encodings(NAMES), 2)
    evidence = fusion.find(tokens).evidence
    total = fusion.bias + torch.stack([*evidence.values()]).sum(0)
    torch.testing.assert_close(fusion(tokens)[0], total)
    with torch.no_grad():
        fusion.together.head.copy_(torch.randn_like(fusion.together.head))
    assert not torch.allclose(fusion(tokens)[0], total)
    for name in NAMES:
        alone, _ = fusion(tokens.alone(name))
        torch.testing.assert_close(alone, fusion.bias + evidence[name])


def test_an_explanation_can_be_derived_by_attention(fusion: Fusion) -> None:
    with torch.no_grad():
        fusion.together.head.copy_(torch.randn_like(fusion.together.head))
    logits, attentions = fusion(fusion.join(encodings(NAMES), 1 + 1))
    gradients = torch.autograd.grad(logits.sum(), attentions)
    assert all(bool((g.abs().sum(dim=(0, 1, 2)) > 0).all()) for g in gradients)


def test_hidden_modalities_have_no_influence(fusion: Fusion) -> None:
    given = encodings(NAMES)
    tokens = fusion.join(given, 2).keep(["image", "notes"])
    changed = {**given, "image": Encoding(given["image"].tokens * 100, given["image"].mask)}
    other = fusion.join(changed, 2).keep(["image", "notes"])
    torch.testing.assert_close(fusion(tokens)[0], fusion(other)[0])
    only = fusion.join({n: given[n] for n in ("measurements", "history")}, 2)
    torch.testing.assert_close(fusion(tokens)[0], fusion(only)[0])


def test_the_order_of_tokens_does_not_matter(fusion: Fusion) -> None:
    given = encodings(("measurements",))
    turned = {n: Encoding(e.tokens.flip(1), e.mask.flip(1)) for n, e in given.items()}
    torch.testing.assert_close(fusion(fusion.join(given, 2))[0], fusion(fusion.join(turned, 2))[0])


def test_batches_joined_are_read_as_each_by_itself(fusion: Fusion) -> None:
    given = encodings(NAMES)
    short = Encoding(given["notes"].tokens[:, :2], given["notes"].mask[:, :2])
    batches = [fusion.join({**given, "notes": short}, 2), fusion.join({"notes": given["notes"]}, 2)]
    together = joined(batches)
    whole = torch.cat([fusion(batch)[0] for batch in batches])
    torch.testing.assert_close(fusion(together)[0], whole)
    torch.testing.assert_close(fusion(together.of(torch.tensor([3, 0])))[0], whole[[3, 0]])
