"""Parses what a server serves with two public model libraries, and writes it again. Usage: python models.py BASE

fhirclient has the models of R4, fhir.resources those of R4B; both refuse elements that they do not know, cardinalities
and types that are wrong, and required elements that are missing.
"""

import json
import re
import sys
from decimal import Decimal

import requests
from fhir.resources.R4B import get_fhir_model_class
from fhirclient.models.fhirelementfactory import FHIRElementFactory

from checks import check, equal

base = sys.argv[1]


def instant(text):
    """Gives an instant without the zeros at the end of its fraction, any other text as it is."""
    return re.sub(r"(T\d\d:\d\d:\d\d(?:\.\d*[1-9])?)\.?0+(Z|[+-]\d\d:\d\d)$", r"\1\2", text)


for written, same in (("58.000Z", "58Z"), ("58.100000Z", "58.1Z"), ("58.458Z", "58.458Z"), ("50Z", "50Z"), ("50.0+07:00", "50+07:00"), ("58.010Z", "58.01Z")):
    equal(instant("2026-11-28T18:25:" + written), "2026-11-28T18:25:" + same)


def load(text):
    """Reads JSON with exact numbers. Instants lose the zeros at the end of their fraction, and the point with the last
    digit, for the library writes microseconds and leaves out a fraction of zero."""

    def instants(pairs):
        return {k: instant(v) if isinstance(v, str) else v for k, v in pairs}

    return json.loads(text, parse_float=Decimal, object_pairs_hook=instants)


def pages(path):
    """Gives the text of a bundle and of all that its next links lead to."""
    url = f"{base}/{path}"
    while url:
        text = requests.get(url, timeout=30).text
        yield text
        url = next((l["url"] for l in json.loads(text).get("link", []) if l["relation"] == "next"), None)


def parses(path, least):
    """Makes the two checks of a path; least is how many entries must come at least."""

    def fhirclient():
        entries = 0
        for text in pages(path):
            doc = json.loads(text)
            equal(FHIRElementFactory.instantiate(doc["resourceType"], doc).as_json(), doc)
            entries += len(doc.get("entry", []))
        equal(entries >= least, True)

    def resources():
        for text in pages(path):
            doc = load(text)
            model = get_fhir_model_class(doc["resourceType"]).model_validate_json(text)
            equal(load(model.model_dump_json()), doc)

    fhirclient.__doc__ = f"fhirclient parses and writes {path}"
    resources.__doc__ = f"fhir.resources parses and writes {path}"
    check(fhirclient)
    check(resources)


for resource in ("Patient", "Immunization", "Claim", "ClaimResponse", "Task", "Organization", "Practitioner", "Encounter", "Coverage", "Condition"):
    parses(f"{resource}?_count=50", 1)
parses("Claim?_include=Claim:patient&_revinclude=ClaimResponse:request&_count=20", 3)
parses("Patient/_history?_count=50", 1)
parses("Task/_history?_count=50", 1)
parses("metadata", 0)
parses("Patient/no-such-patient", 0)
parses("Patient?no-such-parameter=x", 0)
print("done")
