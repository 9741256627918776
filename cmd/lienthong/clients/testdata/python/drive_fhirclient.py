"""Drives a server with fhirclient, whose models of R4 refuse what they do not know. Usage: python drive_fhirclient.py BASE"""

import sys
import uuid
from decimal import Decimal

from fhirclient import client as smart
from fhirclient.models import bundle, fhirdate, fhirdatetime, fhirreference, humanname, identifier, immunization, patient
from fhirclient.server import FHIRNotFoundException
from requests.exceptions import HTTPError

from checks import check, equal, raises

base = sys.argv[1]
server = smart.FHIRClient(settings={"app_id": "lienthong-test", "api_base": base}).server
system = f"urn:lienthong:clients:fhirclient:{uuid.uuid4()}"  # so that a run sees only what it made


def person(value):
    p = patient.Patient()
    p.identifier = [identifier.Identifier({"system": system, "value": value})]
    p.name = [humanname.HumanName({"family": "Phạm", "given": ["Thị", "Dung"]})]
    p.birthDate = fhirdate.FHIRDate("1975-05-05")
    p.gender = "female"
    return p


known = {}


@check
def _():
    """the CapabilityStatement as a model"""
    server.prepare()
    equal(server.capabilityStatement.fhirVersion, "4.0.1")
    types = [r.type for r in server.capabilityStatement.rest[0].resource]
    for t in ("Patient", "Immunization", "Claim", "ClaimResponse", "Task"):
        equal(t in types, True)


@check
def _():
    """create, read, update"""
    created = person("1").create(server)
    p = patient.Patient(created)
    known["id"] = p.id
    read = patient.Patient.read(p.id, server)
    equal(read.as_json(), created)
    read.active = True
    updated = patient.Patient(read.update(server))
    equal((updated.meta.versionId, updated.active), ("2", True))


@check
def _():
    """a resource with a reference, which the client resolves"""
    i = immunization.Immunization()
    i.status = "completed"
    i.vaccineCode = immunization.codeableconcept.CodeableConcept({"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": "19"}]})
    i.patient = fhirreference.FHIRReference({"reference": f"Patient/{known['id']}"})
    i.occurrenceDateTime = fhirdatetime.FHIRDateTime("2026-03-04T09:30:00+07:00")
    stored = immunization.Immunization(i.create(server))
    known["shot"] = stored.id
    read = immunization.Immunization.read(stored.id, server)
    equal(read.patient.resolved(patient.Patient).id, known["id"])
    equal(read.occurrenceDateTime.as_json(), "2026-03-04T09:30:00+07:00")


@check
def _():
    """search with include, and with a prefix"""
    search = immunization.Immunization.where({"_id": known["shot"]}).include("patient")
    equal([r.resource_type for r in search.perform_resources(server)], ["Immunization", "Patient"])
    found = patient.Patient.where({"identifier": f"{system}|1", "birthdate": "ge1975-05-05"}).perform_resources(server)
    equal([p.id for p in found], [known["id"]])


@check
def _():
    """paging: perform_resources_iter walks every page"""
    ids = {person(f"page-{n}").create(server)["id"] for n in range(12)}
    pages = list(patient.Patient.where({"identifier": f"{system}|", "_count": "5"}).perform_iter(server))
    equal([len(b.entry) for b in pages], [5, 5, 3])
    walked = [p.id for p in patient.Patient.where({"identifier": f"{system}|", "_count": "5"}).perform_resources_iter(server)]
    equal((len(walked), set(walked)), (13, ids | {known["id"]}))


@check
def _():
    """history and transaction as models"""
    h = bundle.Bundle.read_from(f"Patient/{known['id']}/_history", server)
    equal((h.type, [e.resource.meta.versionId for e in h.entry]), ("history", ["2", "1"]))
    b = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": person("t").as_json(), "request": {"method": "POST", "url": "Patient"}}]}
    answer = bundle.Bundle(server.post_json("", bundle.Bundle(b).as_json()).json())
    equal((answer.type, answer.entry[0].response.status[:3]), ("transaction-response", "201"))


@check
def _():
    """amounts keep their digits"""
    answer = server.post_json("Immunization", {
        "resourceType": "Immunization", "status": "completed", "vaccineCode": {"text": "x"}, "patient": {"reference": f"Patient/{known['id']}"},
        "occurrenceDateTime": "2026", "doseQuantity": {"value": 0.5},
    })
    equal(answer.json(parse_float=Decimal)["doseQuantity"]["value"], Decimal("0.5"))


@check
def _():
    """delete, and what is gone or was never there"""
    p = patient.Patient.read(known["id"], server)
    p.delete(server)
    equal(raises(HTTPError, lambda: patient.Patient.read(known["id"], server)).response.status_code, 410)
    raises(FHIRNotFoundException, lambda: patient.Patient.read("no-such-patient", server))


print("done")
