"""Maps to better probabilities, and how one is chosen."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression

from clinical.errors import ModelError
from clinical.model.calibration import platt
from pipelines.statistics.metrics import expected_calibration_error, log_loss
from pipelines.study.recalibration import (
    MAPS,
    CalibrationMap,
    apply,
    choose,
    fit,
    from_json,
    to_json,
)


def draw(
    cases: int, slope: float = 1.0, intercept: float = 0.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    generator = np.random.default_rng(seed)
    z = generator.normal(-0.5, 1.5, cases)
    labels = (generator.random(cases) < expit(slope * z + intercept)).astype(float)
    return expit(z), labels, [str(i) for i in range(cases)]


def test_known_distortions_are_undone() -> None:
    p, y, _ = draw(20_000, slope=0.5)
    assert fit("temperature", p, y).numbers[0] == pytest.approx(2, abs=0.1)
    p, y, _ = draw(20_000, slope=0.5, intercept=1.0)
    assert fit("platt", p, y).numbers == pytest.approx((0.5, 1.0), abs=0.06)
    assert fit("platt", p, y).numbers == platt(logit(p), y)
    assert fit("beta", p, y).numbers == pytest.approx((0.5, 0.5, 1.0), abs=0.12)


def test_beta_with_equal_powers_is_platt_and_with_ones_the_identity() -> None:
    p = np.array([0.01, 0.3, 0.9])
    np.testing.assert_allclose(apply(CalibrationMap("beta", (1.0, 1.0, 0.0)), p), p)
    np.testing.assert_allclose(
        apply(CalibrationMap("beta", (0.7, 0.7, 0.2)), p),
        apply(CalibrationMap("platt", (0.7, 0.2)), p),
    )


def test_isotonic_is_scikit_learns_but_never_certain() -> None:
    p, y, _ = draw(300)
    steps = IsotonicRegression(y_min=1 / 302, y_max=301 / 302, out_of_bounds="clip").fit(p, y)
    found = apply(fit("isotonic", p, y), np.linspace(0.001, 0.999, 50))
    np.testing.assert_allclose(found, steps.predict(np.linspace(0.001, 0.999, 50)))
    assert 0 < found.min() < found.max() < 1


@pytest.mark.parametrize("kind", MAPS)
@pytest.mark.parametrize("seed", range(3))
def test_every_map_keeps_the_order_and_the_gaps(kind: str, seed: int) -> None:
    p, y, _ = draw(60, slope=-0.5, seed=seed)  # worse than chance: nothing may be turned round
    found = apply(fit(kind, p, y), np.array([[0.0, 0.1, 0.5], [np.nan, 0.9, 1.0]]))
    assert np.isnan(found[1, 0])
    rising = found[~np.isnan(found)]
    assert (np.diff(rising) >= -1e-12).all()
    assert ((rising >= 0) & (rising <= 1)).all()


@pytest.mark.parametrize("kind", MAPS)
def test_a_map_survives_json_to_the_last_bit(kind: str) -> None:
    p, y, _ = draw(120)
    fitted = fit(kind, p, y)
    again = from_json(json.loads(json.dumps(to_json(fitted))))
    assert again == fitted
    np.testing.assert_array_equal(apply(again, p), apply(fitted, p))


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"kind": "magic"},
        {"kind": ["platt"]},
        {"numbers": [1.0, 10**400]},
        {"numbers": [1.0, float("inf")]},
        {"numbers": "1"},
        {"numbers": [1.0, float("nan")]},
        {"numbers": [1.0]},
        {"numbers": [-1.0, 0.0]},
        {"kind": "temperature", "numbers": [0.0]},
        {"kind": "isotonic", "numbers": [0.5, 0.2, 0.1, 0.2]},
        {"kind": "isotonic", "numbers": []},
        {"kind": "isotonic", "numbers": [0.1, 0.2, 0.1, 7.0]},
    ],
)
def test_what_no_map_can_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="cannot be used"):
        from_json({**to_json(CalibrationMap("platt", (1.0, 0.0))), **change})


def test_a_calibrated_forecast_is_left_alone_or_nearly_so() -> None:
    p, y, people = draw(400)
    found = choose(p, y, people)
    assert found.losses[found.chosen.kind] <= found.losses["none"]
    assert found.losses["none"] - found.losses[found.chosen.kind] < 0.005
    assert expected_calibration_error(apply(found.chosen, p), y) < 0.12


def test_a_bent_forecast_is_put_right_on_new_patients() -> None:
    p, y, people = draw(600, slope=0.4, intercept=1.5)
    found = choose(p, y, people)
    assert found.chosen.kind != "none"
    assert found.chosen == fit(found.chosen.kind, p, y)
    fresh, truth, _ = draw(5000, slope=0.4, intercept=1.5, seed=1)
    assert log_loss(apply(found.chosen, fresh), truth) < log_loss(fresh, truth) - 0.1
    assert expected_calibration_error(apply(found.chosen, fresh), truth) < 0.04


def test_steps_win_where_the_truth_has_steps() -> None:
    generator = np.random.default_rng(0)
    p = generator.random(2000)
    truth = np.select([p < 0.3, p < 0.7], [0.05, 0.5], 0.6)
    y = (generator.random(2000) < truth).astype(float)
    assert choose(p, y, [str(i) for i in range(2000)]).chosen.kind == "isotonic"


def test_copies_of_a_patient_do_not_make_steps_look_good() -> None:
    p, y, people = draw(60, slope=1.0, seed=4)
    found = choose(np.tile(p, 20), np.tile(y, 20), people * 20)
    assert found.losses["isotonic"] > found.losses["none"]


def test_nothing_known_changes_nothing() -> None:
    p, y, _ = draw(20)
    assert fit("isotonic", p, y * np.nan) == CalibrationMap("none")


def test_what_is_not_tried_is_said() -> None:
    p, y, people = draw(100)
    few = choose(p, y, people)
    assert set(few.left_out) == {"isotonic"}
    assert "isotonic" not in few.losses
    assert not choose(p, y, people, least_for_isotonic=20).left_out
    rare = choose(p, 0 * y, people)
    assert rare.chosen == CalibrationMap("none")
    assert set(rare.left_out) == set(MAPS) - {"none"}
    crowd = choose(p, y, ["one", "two"] * 50)
    assert crowd.chosen.kind == "none"
    assert "2 validation patients" in crowd.left_out["platt"]
