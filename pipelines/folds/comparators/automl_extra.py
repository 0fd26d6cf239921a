"""Whether the extra `automl` is there, known without loading anything of it."""

from __future__ import annotations

from importlib.metadata import packages_distributions, version
from importlib.util import find_spec

from clinical.errors import ConfigError

PACKAGES = ("flaml", "lightgbm", "xgboost")


def require_automl(trials: int) -> None:
    """See that what a study asks for is there, before anything is read.

    Raises:
        ConfigError: if it asks for trials and the extra is not installed.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if trials and missing:
        raise ConfigError(
            f"evaluation.automl is {trials}, and {', '.join(missing)} cannot be found.",
            remedy='pip install "triptych[automl]"',
        )


def automl_versions() -> dict[str, str]:
    """Distribution to its version, of the installed extra; XGBoost comes under two names."""
    found = packages_distributions()
    return {found[name][0]: version(found[name][0]) for name in PACKAGES}
