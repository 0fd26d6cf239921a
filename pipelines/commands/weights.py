"""`triptych weights ...`: networks that others have taught, for reading images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clinical.errors import ConfigError
from pipelines.commands.options import screen

weights_app = typer.Typer(
    help="Use networks that others have taught, for reading images.", no_args_is_help=True
)


@weights_app.command()
def convert(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Weights as their authors publish them.")
    ],
    out: Annotated[Path, typer.Option("--out", help="File to write: NAME.safetensors.")],
    backbone: Annotated[
        str,
        typer.Option("--backbone", metavar="NAME", help="Which network (`triptych weights list`)."),
    ] = "",
    recipe: Annotated[
        Path | None,
        typer.Option("--recipe", help="Or how a network of MONAI is built: a TOML file."),
    ] = None,
) -> None:
    """Check weights and write them as safetensors; nothing in a file is run."""
    from clinical.modalities.radiograph import converting
    from clinical.modalities.radiograph.backbones import recipe_named

    if (recipe is None) == (not backbone):
        raise ConfigError(
            "The network is named by --backbone or by --recipe, one of the two.",
            remedy="list the networks with `triptych weights list`",
        )
    known = converting.recipe_of_file(recipe) if recipe else recipe_named(backbone)
    found = converting.convert(file, known, out)
    if found.left_out:
        names = ", ".join(found.left_out)
        screen.print(f"left out, since features are read and no answers: {names}")
    screen.print(f"{out}: {found.tensors} tensors, {found.parameters:,} numbers")
    screen.print(f"SHA-256 {found.sha256}")
    screen.print(f"normalisation: {found.recipe.normalisation}")
    screen.print(f"licence, as its authors say: {known.licence or 'not stated here'}")
    screen.print(f'[model.radiograph]\nbackbone = "{known.name}"\nweights = "{out.name}"')


@weights_app.command("list")
def show() -> None:
    """List the networks that can be named, with what each reads."""
    from clinical.modalities.radiograph.backbones import RECIPES, REFUSED

    for name, one in RECIPES.items():
        screen.print(
            f"{name}: images of {one.image_size} pixels, {one.features} features in each cell of"
            f" {one.stride}; {one.normalisation}; {one.licence}"
        )
    for name, why in REFUSED.items():
        screen.print(f"not {name}: {why}")
