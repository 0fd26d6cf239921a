from __future__ import annotations

import numpy as np
import torch

from clinical.modalities.radiograph import encoder, film_network
from clinical.modalities.radiograph.film_network import (
    FILM_CHANNELS,
    IMAGENET_CHANNELS,
    STEM_CHANNELS,
    FilmTail,
)

IMAGE = torch.from_numpy(np.random.default_rng(0).random((1, 3, 96, 96), dtype=np.float32))


def test_both_networks_look_at_the_same_stem() -> None:
    stem, photographs = film_network.imagenet()
    with torch.inference_mode():
        seen = stem(IMAGE)
        assert seen.shape == (1, STEM_CHANNELS, 12, 12)
        assert photographs(seen).shape == (1, IMAGENET_CHANNELS, 3, 3)
        assert film_network.film_tail()(seen).shape == (1, FILM_CHANNELS, 6, 6)


def test_nothing_in_them_is_left_to_learn() -> None:
    stem, photographs = film_network.imagenet()
    for part in (stem, photographs, film_network.film_tail()):
        assert not part.training
        assert not any(parameter.requires_grad for parameter in part.parameters())


def test_an_unfitted_tail_begins_as_the_published_network() -> None:
    _, photographs = film_network.imagenet()
    published = dict(photographs.blocks.named_parameters())
    for name, parameter in FilmTail().blocks.named_parameters():
        assert parameter.requires_grad
        torch.testing.assert_close(parameter, published[name], rtol=0, atol=0)


def test_the_fitted_tail_is_no_longer_that_one() -> None:
    _, photographs = film_network.imagenet()
    published = dict(photographs.blocks.named_parameters())
    fitted = dict(film_network.film_tail().blocks.named_parameters())
    changed = [
        not torch.allclose(fitted[name], value, atol=1e-3) for name, value in published.items()
    ]
    assert any(changed)


def test_a_patch_has_the_mean_and_the_maximum_of_its_finer_cells() -> None:
    features = encoder.features_of(IMAGE)[0]
    assert features.shape == (encoder.CHANNELS, 3, 3)
    mean = features[IMAGENET_CHANNELS : IMAGENET_CHANNELS + FILM_CHANNELS]
    strongest = features[IMAGENET_CHANNELS + FILM_CHANNELS :]
    assert bool((strongest >= mean - 1e-6).all())
