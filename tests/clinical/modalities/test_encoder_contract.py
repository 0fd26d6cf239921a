"""What holds for every encoder; a new folder in clinical/modalities is picked up by itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch

from clinical.modalities.catalogue import EncoderModule, catalogue
from clinical.modalities.encoding import Encoding, Prepared, collate
from clinical.modalities.kit import kit_of, kits

ENCODERS = sorted(catalogue())


def fitted_settings(module: EncoderModule) -> Any:
    small = {"width": 16, "components": 8, "image_size": 96, "least": 1}
    known = module.Settings.__dataclass_fields__
    settings = module.Settings(**{k: v for k, v in small.items() if k in known})
    return module.fit([module.EXAMPLE], settings)


def example(name: str) -> tuple[EncoderModule, Any, Prepared]:
    module = catalogue()[name]
    settings = fitted_settings(module)
    return module, settings, module.prepare(module.EXAMPLE, settings)


def encode(module: EncoderModule, settings: Any, inputs: list[Prepared | None]) -> Encoding:
    torch.manual_seed(0)
    network = module.Encoder(settings).eval()
    # The same training input whatever the batch, so that only the batch differs.
    network.adapt([next(item for item in inputs if item is not None)])  # type: ignore[operator]
    batch = collate(inputs)
    assert batch is not None
    with torch.inference_mode():
        encoding: Encoding = network(batch)
    return encoding


@pytest.mark.parametrize("name", ENCODERS)
def test_one_row_and_one_source_per_token(name: str) -> None:
    _, _, prepared = example(name)
    assert prepared.sources
    assert {len(rows) for rows in prepared.features.values()} == {len(prepared.sources)}


@pytest.mark.parametrize("name", ENCODERS)
def test_tokens_are_finite_and_as_wide_as_asked(name: str) -> None:
    module, settings, prepared = example(name)
    encoding = encode(module, settings, [prepared])
    assert encoding.tokens.shape == (1, len(prepared.sources), 16)
    assert torch.isfinite(encoding.tokens).all()
    assert encoding.mask.all()


@pytest.mark.parametrize("name", ENCODERS)
def test_a_batch_equals_one_by_one_and_padding_is_masked(name: str) -> None:
    module, settings, prepared = example(name)
    together = encode(module, settings, [prepared, None, prepared])
    alone = encode(module, settings, [prepared])
    torch.testing.assert_close(together.tokens[2], alone.tokens[0])
    assert not together.mask[1].any()


@pytest.mark.parametrize("name", ENCODERS)
def test_the_frozen_part_may_be_done_before(name: str) -> None:
    module, settings, prepared = example(name)
    torch.manual_seed(0)
    network = module.Encoder(settings).eval()
    network.adapt([prepared])  # type: ignore[operator]
    tokens = []
    for item in (prepared, network.reduced(prepared)):  # type: ignore[operator]
        batch = collate([item])
        assert batch is not None
        tokens.append(network(batch).tokens)
    torch.testing.assert_close(*tokens)


@pytest.mark.parametrize("name", ENCODERS)
def test_preparing_twice_gives_the_same_bits(name: str) -> None:
    module, settings, prepared = example(name)
    again = module.prepare(module.EXAMPLE, settings)
    for key, rows in prepared.features.items():
        np.testing.assert_array_equal(rows, again.features[key])


@pytest.mark.parametrize("name", ENCODERS)
def test_augmentation_is_seeded(name: str) -> None:
    module, settings, _ = example(name)
    first, second = (
        module.prepare(module.EXAMPLE, settings, rng=np.random.default_rng(4)) for _ in range(2)
    )
    for key, rows in first.features.items():
        np.testing.assert_array_equal(rows, second.features[key])


@pytest.mark.parametrize("name", ENCODERS)
def test_settings_survive_json(name: str) -> None:
    import json

    module = catalogue()[name]
    settings = fitted_settings(module)
    again = module.Settings(**json.loads(json.dumps(asdict(settings))))
    first, second = (module.prepare(module.EXAMPLE, s) for s in (settings, again))
    assert first.sources == second.sources


@pytest.mark.parametrize("name", ENCODERS)
def test_the_example_is_of_its_modality(name: str) -> None:
    module, kit = catalogue()[name], kits()[name]
    assert isinstance(module.EXAMPLE, module.SHAPE)
    assert module.SHAPE is kit.shape
    assert all(kit_of(known, module.EXAMPLE) is kit for known in kit.inputs)


@pytest.mark.parametrize("name", ENCODERS)
def test_relevance_becomes_evidence_about_every_token(name: str) -> None:
    module, _, prepared = example(name)
    part = np.linspace(-1, 1, len(prepared.sources))
    heat_maps, items = module.evidence("input", part, prepared, 0.5)
    assert len(items) == (0 if heat_maps else len(part))
    assert len(heat_maps) == len(prepared.boxes)
    if not heat_maps:
        assert [item.relevance for item in items] == pytest.approx(part / 2)


@pytest.mark.parametrize("name", ENCODERS)
def test_comparators_get_a_row_of_what_has_no_columns(name: str) -> None:
    module, _, prepared = example(name)
    row = module.pooled(prepared)
    assert bool(kits()[name].columns(module.EXAMPLE)) or (row is not None and row.ndim == 1)
