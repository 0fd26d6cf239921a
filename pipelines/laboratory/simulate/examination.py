"""What to render: a patient, a projection and the findings, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from clinical.case.shapes import Sex

Side = Literal["left", "right"]
Zone = Literal["upper", "middle", "lower"]
View = Literal["PA", "AP"]
Lobe = Literal["upper", "middle", "lower"]


@dataclass(frozen=True)
class Consolidation:
    """Airspace filled with exudate in one zone of one lung.

    Attributes:
        side, zone: where.
        extent: 0 a small segmental patch, 1 the whole zone and beyond.
        density: 0 invisible, 1 no air left.
    """

    side: Side
    zone: Zone
    extent: float
    density: float


@dataclass(frozen=True)
class LinearAtelectasis:
    """A plate of collapsed lung, seen edge-on as a band; harmless, a distractor.

    Attributes:
        side, zone: where.
        thickness: 0 a hairline, 1 a band of about 5 mm.
    """

    side: Side
    zone: Zone
    thickness: float = 0.5


@dataclass(frozen=True)
class LungMass:
    """A solid tumour of the lung.

    Attributes:
        side, zone: where.
        size: 0 a nodule of 12 mm, 1 a mass of 70 mm.
        spiculation: 0 a smooth rim, 1 a rim of radiating strands.
    """

    side: Side
    zone: Zone
    size: float
    spiculation: float = 0.5


@dataclass(frozen=True)
class LobarCollapse:
    """A lobe without air and with lost volume (obstructed bronchus): a look-alike.

    Attributes:
        side, lobe: which; only the right lung has a middle lobe.
        extent: 0 a little volume lost, 1 the whole lobe shrunk to a wedge.
    """

    side: Side
    lobe: Lobe
    extent: float


@dataclass(frozen=True)
class RadiographSpec:
    """A frontal chest radiograph to be made.

    Attributes:
        sex, age_years, bmi: the patient; body mass index in kg/m2.
        view: PA (standing, 1.8 m, grid) or AP (portable, 1.1 m, arms down, no grid).
        rotation_deg: of the patient about the long axis; positive turns the sternum to the
            patient's left.
        inspiration: 1 full, 0 expiration.
        kvp: tube voltage.
        cardiothoracic_ratio: width of the heart over the inner width of the thorax at full
            inspiration. AP projection adds its magnification.
        consolidations, atelectasis, masses, collapses: focal findings.
        interstitial, edema, effusion_*, hyperinflation: severity, 0 absent to 1 extreme.
        pneumothorax_*: fraction by which the lung has collapsed.
        pacemaker, ecg_leads, central_line, tube: devices; `tube` is endotracheal.
        token: a lead disc in a corner, which means nothing in itself: a planted shortcut.
        scanner: name of the room's scanner; films of one name share processing, shuttering and
            lettering. Any scanner if empty.
    """

    sex: Sex
    age_years: float
    bmi: float = 25.0
    view: View = "PA"
    rotation_deg: float = 0.0
    inspiration: float = 1.0
    kvp: float = 110.0
    cardiothoracic_ratio: float = 0.45
    consolidations: tuple[Consolidation, ...] = ()
    interstitial: float = 0.0
    edema: float = 0.0
    effusion_left: float = 0.0
    effusion_right: float = 0.0
    pneumothorax_left: float = 0.0
    pneumothorax_right: float = 0.0
    hyperinflation: float = 0.0
    atelectasis: tuple[LinearAtelectasis, ...] = ()
    masses: tuple[LungMass, ...] = ()
    collapses: tuple[LobarCollapse, ...] = ()
    pacemaker: bool = False
    ecg_leads: bool = False
    central_line: bool = False
    tube: bool = False
    token: bool = False
    scanner: str = ""

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            _check_range(name, getattr(self, name), low, high)
        for name in ("interstitial", "edema", "hyperinflation", "inspiration"):
            _check_range(name, getattr(self, name), 0.0, 1.0)
        for finding in ("effusion", "pneumothorax"):
            for side in ("left", "right"):
                _check_range(f"{finding}_{side}", getattr(self, f"{finding}_{side}"), 0.0, 1.0)
        for focus in (*self.consolidations, *self.atelectasis, *self.masses, *self.collapses):
            for name, value in vars(focus).items():
                if not isinstance(value, str):
                    _check_range(name, value, 0.0, 1.0)


_RANGES = {
    "age_years": (0.0, 120.0),
    "bmi": (10.0, 70.0),
    "rotation_deg": (-15.0, 15.0),
    "kvp": (60.0, 150.0),
    "cardiothoracic_ratio": (0.3, 0.75),
}


def _check_range(name: str, value: float, low: float, high: float) -> None:
    # Written so that NaN fails too.
    if not low <= value <= high:
        raise ValueError(f"{name} must be between {low:g} and {high:g}")
