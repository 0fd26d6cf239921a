"""LOINC terms, units, specimens, ranges and codes: a value or a code in one form, or why not."""
