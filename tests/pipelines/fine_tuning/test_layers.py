"""Layers from the input to the features, and rates that fall towards the input."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tiny_backbone import TINY

from clinical.modalities.radiograph.backbones import (
    OWN,
    Recipe,
    measured,
    network_of,
    recipe_named,
)
from pipelines.fine_tuning.layers import groups, layers, taught

SMALL_DINO = replace(
    recipe_named("dinov2-small"),
    arguments={"hidden_size": 32, "num_hidden_layers": 9, "num_attention_heads": 2},
)


@pytest.mark.parametrize("recipe", [OWN, SMALL_DINO, recipe_named("torchxrayvision-densenet121")])
def test_every_parameter_is_in_one_layer(recipe: Recipe) -> None:
    network = network_of(recipe)
    found = [id(one) for layer in layers(recipe, network) for one in layer]
    assert sorted(found) == sorted(id(one) for one in network.parameters())


def test_a_transformer_has_a_layer_for_each_block_one_before_and_one_behind() -> None:
    network = network_of(SMALL_DINO)
    assert len(layers(SMALL_DINO, network)) == 11
    names = {id(one): name for name, one in network.named_parameters()}
    last = taught(SMALL_DINO, network, "last")
    assert [names[id(layer[0])].split(".")[:3] for layer in last[:-1]] == [
        names[id(layer[0])].split(".")[:3] for layer in layers(SMALL_DINO, network)[7:10]
    ]
    assert names[id(last[-1][0])] == "layernorm.weight"


def test_both_tails_of_the_networks_that_ship_begin_at_one_depth() -> None:
    network = network_of(OWN)
    place = {id(one): depth for depth, layer in enumerate(layers(OWN, network)) for one in layer}
    depth = {name: place[id(one)] for name, one in network.named_parameters()}
    photographs = [n for n in depth if n.startswith("photographs.blocks.0.")]
    assert {depth[n] for n in photographs} == {
        depth[n.replace("photographs", "film")] for n in photographs
    }
    assert depth["first.weight"] == 0
    assert depth["film.top.weight"] == depth["film.norm.weight"] == max(depth.values())


def test_what_lies_behind_the_layer_that_is_read_does_not_count() -> None:
    recipe = measured(TINY)
    network = network_of(recipe)
    found = {id(one) for layer in layers(recipe, network) for one in layer}
    left = {name for name, one in network.named_parameters() if id(one) not in found}
    assert left == {"class_layers.out.weight", "class_layers.out.bias"}


def test_rates_fall_by_one_factor_a_layer() -> None:
    network = network_of(SMALL_DINO)
    rates = [one["lr"] for one in groups(taught(SMALL_DINO, network, "all"), 0.1, 0.5)]
    assert rates == pytest.approx([0.1 * 0.5**n for n in range(10, -1, -1)])
