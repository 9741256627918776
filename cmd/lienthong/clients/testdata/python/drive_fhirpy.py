"""Drives a server with fhirpy. Usage: python drive_fhirpy.py BASE"""

import json
import sys
import uuid

from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound
from fhirpy.base.searchset import Raw

from checks import check, equal, raises

base = sys.argv[1]
client = SyncFHIRClient(base)
system = f"urn:lienthong:clients:fhirpy:{uuid.uuid4()}"  # so that a run sees only what it made


def person(value, **more):
    return client.resource(
        "Patient",
        identifier=[{"system": system, "value": value}],
        name=[{"family": "Lê", "given": ["Văn", "Cường"]}],
        gender="male",
        birthDate="1988-08-08",
        **more,
    )


patient = person("1")


@check
def _():
    """save creates, and save again updates"""
    patient.save()
    equal(patient["meta"]["versionId"], "1")
    patient["active"] = True
    patient.save()
    equal((patient["meta"]["versionId"], patient["active"]), ("2", True))


@check
def _():
    """reference and to_resource"""
    again = patient.to_reference().to_resource()
    equal(dict(again), dict(patient))
    equal(again.serialize(), patient.serialize())


@check
def _():
    """get by id, and a missing one is ResourceNotFound with an OperationOutcome"""
    equal(client.get("Patient", patient.id)["id"], patient.id)
    e = raises(ResourceNotFound, lambda: client.get("Patient", "no-such-patient"))
    equal(json.loads(str(e))["resourceType"], "OperationOutcome")


@check
def _():
    """refresh sees what another client wrote"""
    other = client.reference("Patient", patient.id).to_resource()
    other["gender"] = "other"
    other.save()
    patient.refresh()
    equal((patient["gender"], patient["meta"]["versionId"]), ("other", "3"))
    patient.refresh()  # nothing new
    equal(patient["meta"]["versionId"], "3")


@check
def _():
    """search: first, get, fetch, fetch_raw, limit, sort"""
    found = client.resources("Patient").search(identifier=f"{system}|1")
    equal(found.first().id, patient.id)
    equal(found.get().id, patient.id)
    equal([p.id for p in found.sort("-_lastUpdated", "family").limit(5).fetch()], [patient.id])
    equal(found.fetch_raw().total, 1)
    equal(client.resources("Patient").search(identifier=f"{system}|none").first(), None)
    raises(ResourceNotFound, client.resources("Patient").search(identifier=f"{system}|none").get)


@check
def _():
    """search with modifiers and prefixes"""
    found = client.resources("Patient").search(
        identifier=f"{system}|1", family__exact="Lê", birthdate__ge="1988-01-01", birthdate__lt="1989"
    )
    equal([p.id for p in found.fetch()], [patient.id])


@check
def _():
    """paging: fetch_all walks every page"""
    ids = {person(f"page-{i}", address=[{"city": system}]).save().id for i in range(23)}
    found = client.resources("Patient").search(address_city=system).limit(7)
    equal(len(found.fetch()), 7)
    walked = [p.id for p in found.fetch_all()]
    equal(len(walked), 23)
    equal(set(walked), ids)


shot = client.resource("Immunization")


@check
def _():
    """references between resources, include, revinclude and chain"""
    dict.update(
        shot,
        status="completed",
        vaccineCode={"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": "19"}]},
        patient=patient.to_reference(),
        occurrenceDateTime="2026-03-04T09:30:00+07:00",
        doseQuantity={"value": 0.05, "unit": "mL"},
    )
    shot.save()
    equal(shot["patient"].to_resource().id, patient.id)
    raw = client.resources("Immunization").search(_id=shot.id).include("Immunization", "patient").fetch_raw()
    equal([(e.resource.resourceType, e.search.mode) for e in raw.entry], [("Immunization", "match"), ("Patient", "include")])
    raw = client.resources("Patient").search(_id=patient.id).revinclude("Immunization", "patient").fetch_raw()
    equal([e.resource.resourceType for e in raw.entry], ["Patient", "Immunization"])
    chain = client.resources("Immunization").search(Raw(**{"patient:Patient.identifier": f"{system}|1"}))
    equal([i.id for i in chain.fetch()], [shot.id])
    equal([i.id for i in client.resources("Immunization").search(patient=patient, date__ge="2026-03-04").fetch()], [shot.id])


@check
def _():
    """elements gives a subset that says so"""
    got = client.resources("Patient").search(_id=patient.id).elements("name").get()
    # active modifies the meaning of all else, so it is never left out
    equal(sorted(got.keys()), ["active", "id", "meta", "name", "resourceType"])
    equal(got["meta"]["tag"][0]["code"], "SUBSETTED")


@check
def _():
    """get_or_create never makes a second one: what it sends, criteria on the URL of a create, is refused by name"""
    found = client.resources("Patient").search(identifier=f"{system}|3")
    for _ in range(2):
        e = raises(OperationOutcome, lambda: found.get_or_create(person("3")))
        equal(e.resource["issue"][0]["details"]["coding"][0]["code"], "create-criteria")
        equal("If-None-Exist" in e.resource["issue"][0]["details"]["text"], True)
    equal(found.fetch(), [])
    made, created = found.update(person("3"))  # what it can do in its place
    equal((created, found.get().id), (True, made.id))


@check
def _():
    """conditional update by a search set, conditional delete"""
    found = client.resources("Patient").search(identifier=f"{system}|2")
    first, created = found.update(person("2"))
    equal(created, True)
    second, created = found.update(person("2", active=False))
    equal((created, second.id, second["active"]), (False, first.id, False))
    found.delete()
    equal(found.fetch(), [])
    raises(MultipleResourcesFound, client.resources("Patient").search(address_city=system).delete)


@check
def _():
    """transaction by execute"""
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": person(f"t{i}").serialize(), "request": {"method": "POST", "url": "/Patient"}} for i in range(3)],
    }
    answer = client.execute("", data=bundle)
    equal([e.response.status[:3] for e in answer.entry], ["201"] * 3)
    equal([e.resource.identifier[0].value if "resource" in e else None for e in answer.entry].count(None) in (0, 3), True)


@check
def _():
    """operation on a resource by execute"""
    everything = patient.execute("$everything", method="get")
    equal(sorted(e.resource.resourceType for e in everything.entry), ["Immunization", "Patient"])


@check
def _():
    """errors are OperationOutcomes"""
    for call in (
        client.resources("Patient").search(no_such="x").fetch,
        client.resources("Patient").search(birthdate="yesterday").fetch,
        client.resource("Patient", gender=5).save,
        client.resource("Patient", nonsense="x").save,
    ):
        e = raises(OperationOutcome, call)
        equal(e.resource["resourceType"], "OperationOutcome")
        equal(e.resource["issue"][0]["severity"], "error")


@check
def _():
    """delete, and it is gone from reads and searches"""
    shot.delete()
    patient.delete()
    raises(ResourceNotFound, lambda: client.get("Patient", patient.id))
    equal(client.resources("Patient").search(identifier=f"{system}|1").fetch(), [])


print("done")
