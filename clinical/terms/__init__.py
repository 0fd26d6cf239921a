"""LOINC terms, UCUM units, plausible and reference ranges: normalise a value or refuse it."""

from clinical.terms.normalise import abnormality, convert, express, measurement
from clinical.terms.table import Term, lookup, reference_range, terms

__all__ = [
    "Term",
    "abnormality",
    "convert",
    "express",
    "lookup",
    "measurement",
    "reference_range",
    "terms",
]
