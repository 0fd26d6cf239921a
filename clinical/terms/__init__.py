"""LOINC terms, UCUM units, plausible and reference ranges: normalise a value or refuse it."""
