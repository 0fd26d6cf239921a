"""Two validators of FHIR that know nothing of one another, asked about what leaves here.

`fhirkit-rs` has the elements of R4 from the specification; `fhir.resources` has them as models of
R4B, in which the resources that we write are those of R4.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import fhirkit
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError


def problems(made: bytes | str | Mapping[str, Any]) -> list[str]:
    """What either validator finds wrong with a resource, and with each that is in it."""
    resource = made if isinstance(made, Mapping) else json.loads(made)
    text = made if isinstance(made, bytes) else json.dumps(resource).encode()
    found = [str(issue) for issue in fhirkit.validate(text)] + of_models(resource)
    if resource["resourceType"] == "Bundle":
        for entry in resource.get("entry", ()):
            inner = entry["resource"]
            found += [str(issue) for issue in fhirkit.validate(inner)] + of_models(inner)
    return found


def of_models(resource: Mapping[str, Any]) -> list[str]:
    """What `fhir.resources` finds."""
    kind = resource["resourceType"]
    try:
        get_fhir_model_class(kind).model_validate(resource)
    except ValidationError as error:
        return [f"{kind}.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    except ValueError as error:
        return [f"{kind}: {error}"]
    return []
