package audit

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Systems of codes in an AuditEvent.
// Source: https://hl7.org/fhir/R4/auditevent.html, https://profiles.ihe.net/ITI/BALP/
const (
	eventTypes   = "http://terminology.hl7.org/CodeSystem/audit-event-type"
	interactions = "http://hl7.org/fhir/restful-interaction"
	dicom        = "http://dicom.nema.org/resources/ontology/DCM"
	participants = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
	actReasons   = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	objectTypes  = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
	objectRoles  = "http://terminology.hl7.org/CodeSystem/object-role"
	sourceTypes  = "http://terminology.hl7.org/CodeSystem/security-source-type"
	requestIDs   = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
)

// profiles of BALP by interaction.
var profiles = map[string]string{
	"create": "IHE.BasicAudit.PatientCreate", "read": "IHE.BasicAudit.PatientRead", "vread": "IHE.BasicAudit.PatientRead",
	"update": "IHE.BasicAudit.PatientUpdate", "patch": "IHE.BasicAudit.PatientUpdate", "delete": "IHE.BasicAudit.PatientDelete",
	"search": "IHE.BasicAudit.PatientQuery",
}

// actions of DICOM by interaction; what is not here is executed.
var actions = map[string]string{"create": "C", "read": "R", "vread": "R", "history": "R", "update": "U", "patch": "U", "delete": "D"}

// Event is an entry as a FHIR AuditEvent with its text in words; origin is the journal's name.
func (e *Entry) Event(origin string, words resource.ObjectOf) resource.ObjectOf {
	profile := ""
	if p := profiles[e.Do]; p != "" && len(e.People) > 0 {
		profile = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/" + p
	}
	action := actions[e.Do]
	if action == "" {
		action = "E"
	}
	return resource.ObjectOf{
		"resourceType", "AuditEvent",
		"meta", resource.ObjectOf{"profile", resource.ListOf{profile}},
		"text", words,
		"type", coding(eventTypes, "rest", "RESTful Operation"),
		"subtype", resource.ListOf{coding(interactions, e.Do, "")},
		"action", action,
		"recorded", e.At.UTC().Format("2006-01-02T15:04:05.000Z"),
		"outcome", outcomeOf(e.Status),
		"purposeOfEvent", resource.ListOf{e.purpose()},
		"agent", e.agents(),
		"source", resource.ObjectOf{
			"observer", resource.ObjectOf{"display", origin},
			"type", resource.ListOf{coding(sourceTypes, "4", "Application Server")},
		},
		"entity", e.entities(),
	}
}

// outcomeOf gives the code of audit-event-outcome: success, a fault of the caller, a fault of ours.
func outcomeOf(status int) string {
	switch {
	case status < 400:
		return "0"
	case status < 500:
		return "4"
	}
	return "8"
}

func coding(system, code, display string) resource.ObjectOf {
	return resource.ObjectOf{"system", system, "code", code, "display", display}
}

func (e *Entry) purpose() resource.ObjectOf {
	if e.Agent.Purpose == "" {
		return nil
	}
	return resource.ObjectOf{"coding", resource.ListOf{coding(actReasons, e.Agent.Purpose, "")}}
}

// agents are who asked and for whom: the software or person first, then the organization and the patient it acts for.
func (e *Entry) agents() resource.ListOf {
	a := &e.Agent
	kind := coding(participants, "IRCP", "information recipient")
	if a.System {
		kind = coding(dicom, "110153", "Source Role ID")
	}
	who := resource.ObjectOf{"identifier", resource.ObjectOf{"system", a.Issuer, "value", a.Who}}
	switch {
	case a.Practitioner != "":
		who = append(resource.ObjectOf{"reference", "Practitioner/" + a.Practitioner}, who...)
	case a.Who == "" && a.Role != "":
		who = resource.ObjectOf{"display", a.Role}
	case a.Who == "":
		who = resource.ObjectOf{"display", "not identified"}
	}
	network := resource.ObjectOf{}
	if a.Address != "" {
		network = resource.ObjectOf{"address", a.Address, "type", "2"}
	}
	list := resource.ListOf{resource.ObjectOf{
		"type", resource.ObjectOf{"coding", resource.ListOf{kind}},
		"role", resource.ListOf{resource.ObjectOf{"text", a.Role}},
		"who", who, "requestor", true, "network", network,
		"purposeOfUse", resource.ListOf{e.purpose()},
	}}
	if a.Organization != "" {
		list = append(list, resource.ObjectOf{
			"type", resource.ObjectOf{"coding", resource.ListOf{coding(participants, "CST", "custodian")}},
			"who", resource.ObjectOf{"reference", "Organization/" + a.Organization}, "requestor", false,
		})
	}
	if a.Patient != "" && a.Practitioner == "" {
		list = append(list, resource.ObjectOf{
			"type", resource.ObjectOf{"coding", resource.ListOf{coding(participants, "IRCP", "information recipient")}},
			"who", resource.ObjectOf{"reference", "Patient/" + a.Patient}, "requestor", false,
		})
	}
	return list
}

// entitiesMost bounds the resources that an event lists one by one; the journal has them all.
const entitiesMost = 200

func (e *Entry) entities() resource.ListOf {
	var list resource.ListOf
	for _, id := range e.People {
		list = append(list, entity("Patient/"+id, "1", "Person", "1", "Patient"))
	}
	versions := slices.Concat(e.Wrote, e.Gave)
	for _, v := range versions[:min(len(versions), entitiesMost)] {
		list = append(list, entity(v, "2", "System Object", "4", "Domain Resource"))
	}
	if e.Query != "" {
		list = append(list, resource.ObjectOf{
			"type", coding(objectTypes, "2", "System Object"), "role", coding(objectRoles, "24", "Query"),
			"query", base64.StdEncoding.EncodeToString([]byte(e.On + "?" + e.Query)),
		})
	}
	if e.Request != "" {
		list = append(list, resource.ObjectOf{
			"what", resource.ObjectOf{"identifier", resource.ObjectOf{"value", e.Request}},
			"type", coding(requestIDs, "XrequestId", ""),
		})
	}
	return list
}

func entity(reference, typ, typDisplay, role, roleDisplay string) resource.ObjectOf {
	return resource.ObjectOf{
		"what", resource.ObjectOf{"reference", reference},
		"type", coding(objectTypes, typ, typDisplay), "role", coding(objectRoles, role, roleDisplay),
	}
}

// types counts the resources that an entry names, by type; a server may look at one several times to answer once.
func (e *Entry) types() map[fhir.Type]int {
	out := map[fhir.Type]int{}
	seen := map[string]bool{}
	for _, v := range slices.Concat(e.Wrote, e.Gave) {
		t, _, _ := strings.Cut(v, "/")
		if name, _, _ := strings.Cut(v, "/_history/"); !seen[name] {
			seen[name] = true
			out[fhir.Type(t)]++
		}
	}
	return out
}
