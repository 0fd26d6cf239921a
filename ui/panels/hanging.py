"""What stands beside the film: nothing, the prior, the laboratory, or the electrocardiogram."""

from __future__ import annotations

from clinical.case.case import Case
from clinical.modalities.kit import read_by
from ui.panels import choice, ecg_panel, image_panel, inputs
from ui.state.films import films

KEY = "q"


def render(case: Case) -> None:
    """The control; a case without a film has nothing to hang."""
    choice.show(hanging(case))


def hanging(case: Case) -> choice.Choice:
    """What this case has to put beside its film."""
    options = tuple(_offered(case))
    names = [value for value, _, _ in options]
    usual = "labs" if "labs" in names or not names else names[0]
    return choice.Choice("hanging", f"Beside the film (key {KEY.upper()})", options, usual, KEY)


def _offered(case: Case) -> list[tuple[str, str, str]]:
    images = films(case)
    if not images:
        return []
    offered = [("film", "Film", "Film alone, as large as can be")]
    if any(f"{image_panel.PRIOR}{name}" in images for name in images):
        offered.append(("prior", "+ Prior", "Film and the earlier one (key P)"))
    if inputs.given("middle", case) or inputs.given("right", case):
        label = "+ Labs" if inputs.given("middle", case) else "+ Story"
        offered.append(("labs", label, "Film, measurements and story"))
    if any(kit.name in ecg_panel.READS for kit, _, _ in read_by(case)):
        offered.append(("ecg", "+ ECG", "Film and electrocardiogram"))
    return [(value, label, f"{title} (key {KEY.upper()}: next)") for value, label, title in offered]
