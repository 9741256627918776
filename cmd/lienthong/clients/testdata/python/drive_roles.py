"""Drives a server with fhirpy as each role. Usage: python drive_roles.py BASE; the tokens come as JSON in LIENTHONG_TOKENS"""

import json
import os
import sys

from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import AuthorizationError, ForbiddenError, ResourceNotFound

from checks import check, equal, raises

base = sys.argv[1]
tokens = json.loads(os.environ["LIENTHONG_TOKENS"])
anyone = SyncFHIRClient(base)
roles = {role: SyncFHIRClient(base, authorization=f"Bearer {token}") for role, token in tokens.items()}
everybody = [p["id"] for p in anyone.resources("Patient").fetch_all()]


def visible(role, kind="Patient"):
    return [r["id"] for r in roles[role].resources(kind).fetch_all()]


def denied(call, kind=ForbiddenError):
    """the server says no in words"""
    error = raises(kind, call)
    outcome = json.loads(str(error))
    equal(outcome["resourceType"], "OperationOutcome")


@check
def _():
    """all five roles have a token"""
    equal(sorted(roles), ["auditor", "citizen", "clinic", "hospital", "operator"])


@check
def _():
    """a citizen sees the own Patient and nobody else's, also by its id"""
    mine = visible("citizen")
    equal(len(mine), 1)
    for other in everybody:
        if other not in mine:
            raises(ResourceNotFound, lambda: roles["citizen"].get("Patient", other))
            break
    for dose in roles["citizen"].resources("Immunization").fetch_all():
        equal(dose["patient"]["reference"], "Patient/" + mine[0])


@check
def _():
    """an auditor reads claims, and Patients without names"""
    equal(len(visible("auditor", "Claim")) > 0, True)
    for patient in roles["auditor"].resources("Patient").fetch_all():
        equal("name" in patient, False)
    denied(lambda: roles["auditor"].resources("Patient").search(name="N").fetch())


@check
def _():
    """an auditor writes nothing"""
    denied(lambda: roles["auditor"].resource("Patient", gender="female").save())


@check
def _():
    """a hospital writes, and reads what it sent"""
    patient = roles["hospital"].resource("Patient", gender="female", birthDate="1999-01-01")
    patient.save()
    equal(roles["hospital"].get("Patient", patient["id"])["gender"], "female")
    raises(ResourceNotFound, lambda: roles["citizen"].get("Patient", patient["id"]))


@check
def _():
    """a clinic reads no claims"""
    denied(lambda: roles["clinic"].resources("Claim").fetch())


@check
def _():
    """an operator sees no record, whether it is there or not"""
    for kind in ["Patient", "Encounter", "Immunization", "Claim", "Consent", "AuditEvent"]:
        denied(lambda: roles["operator"].resources(kind).fetch())
    for patient in [everybody[0], "nobody"]:
        denied(lambda: roles["operator"].get("Patient", patient))


@check
def _():
    """a token that was changed is refused"""
    token = tokens["clinic"]
    changed = SyncFHIRClient(base, authorization="Bearer " + token[:-6] + ("AAAAAA" if token[-6:] != "AAAAAA" else "BBBBBB"))
    denied(lambda: changed.resources("Patient").fetch(), AuthorizationError)


print("done")
