"""How a backbone is taught further: the table [training.fine_tuning] of a study file."""

from __future__ import annotations

from dataclasses import dataclass

from clinical.errors import ConfigError


@dataclass(frozen=True)
class FineTuningConfig:
    """How the layers that `fine_tune` names are taught.

    Attributes:
        patients: about this share of the patients to learn from teach the backbone; the others
            teach the readers with their films, so that no reader learns from features that have
            seen the outcome.
        epochs: looks at each of their films; in the first, only what stands behind the backbone
            learns.
        batch_size: films in one step, over all processes.
        learning_rate: of the layer next to the features, by AdamW.
        layer_decay: factor from each layer to the one before it.
        bfloat16: mixed precision on the processor, too; a GPU has it always.
    """

    patients: float = 0.5
    epochs: int = 6
    batch_size: int = 32
    learning_rate: float = 1e-4
    layer_decay: float = 0.75
    bfloat16: bool = False


def check(config: FineTuningConfig, where: str) -> None:
    """Refuse what cannot be.

    Raises:
        ConfigError: naming the key as `where` and a remedy.
    """
    inside = {"patients": config.patients, "learning_rate": config.learning_rate}
    for name, value in inside.items():
        if not 0 < value < 1:
            raise ConfigError(f"{where}.{name} is {value}.", remedy="choose above 0 and below 1")
    if not 0 < config.layer_decay <= 1:
        raise ConfigError(
            f"{where}.layer_decay is {config.layer_decay}.", remedy="choose above 0, up to 1"
        )
    for name, number in {"epochs": config.epochs, "batch_size": config.batch_size}.items():
        if number < 2:
            raise ConfigError(f"{where}.{name} is {number}.", remedy="choose 2 or more")
