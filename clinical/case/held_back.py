"""Why what is said of an input is not shown: it did not stand the test of `clinical.assess.gate`.

An assessment keeps these words (`Explanation.held_back`).
"""

from __future__ import annotations

AGAINST = "as a whole it speaks against this, and a heat map would show what speaks for it"
AS_A_WHOLE = "it counts as a whole, and no part of it stands out"
LITTLE = "taking away what would be shown hardly changes this"
NO_MORE = "taking away what would be shown changes this no more than taking away anything else"
