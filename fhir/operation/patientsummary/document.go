package patientsummary

import (
	"context"
	"fmt"
	"html"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization/history"
	"github.com/lienthong/lienthong/fhir/operation/vaccination"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
)

const (
	loinc  = "http://loinc.org"
	absent = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
	hl7    = "http://terminology.hl7.org/CodeSystem/"
)

// Document is the summary of a person as of t (0 = the head): by key, or with an empty one by q.Identifier. base is the FHIR base
// that full URLs begin with. The same state, day and language give the same document but for its time.
// Errors: those of vaccination.Service.Summarize; TooCostly "vaccination-too-many".
func (s *Service) Document(ctx context.Context, key fhir.Key, q vaccination.Query, t fhir.T, base string, language outcome.Language) ([]byte, error) {
	sum, err := s.Vaccinations.Summarize(ctx, key, q, t)
	if err != nil {
		return nil, err
	}
	var doses []entry
	for i := range sum.Doses {
		r := sum.Doses[i].Leading()
		doses = append(doses, entry{key: fhir.ParseReference(r.Ref).Key, doc: r.Doc})
	}
	all, supporting, err := s.gather(ctx, sum.Person, doses)
	if err != nil {
		return nil, err
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	w := writer{base: base, language: language, person: sum.Person, at: now(), sum: &sum}
	w.write(all, supporting)
	return resource.AppendJSON(make([]byte, 0, 32<<10), w.bundle()), nil
}

// writer is one document on its way.
type writer struct {
	base     string
	language outcome.Language
	person   vaccination.Person
	at       time.Time
	sum      *vaccination.Summary
	sections resource.ListOf
	entries  resource.ListOf // but for the Composition
}

func (w *writer) say(vi, en string) string {
	if w.language == outcome.Vietnamese {
		return vi
	}
	return en
}

// name is the id of what exists in this document alone.
func (w *writer) name(part string) string {
	state := fmt.Sprint(w.base, "|", w.person.Lead.Key, "|", w.person.T, "|", w.sum.At.Format(time.DateOnly), "|", w.language, "|ips|", part)
	return "urn:uuid:" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(state)).String()
}

func (w *writer) subject() resource.ObjectOf {
	return resource.ObjectOf{"reference", w.base + "/" + w.person.Lead.Key.String()}
}

func (w *writer) write(all []part, supporting []entry) {
	w.add(entry{key: w.person.Lead.Key, doc: w.person.Lead.Doc})
	seen := map[fhir.Key]bool{}
	for _, p := range all {
		w.section(p)
		for _, e := range p.entries {
			if !seen[e.key] {
				seen[e.key] = true
				w.add(e)
			}
		}
	}
	writer := history.Writer{Language: w.language, Patient: w.person.Lead.Key.String()}
	if len(w.sum.Result.Series) > 0 {
		w.sections = append(w.sections, resource.ObjectOf{"title", w.say("Kế hoạch chăm sóc: dự báo tiêm chủng", "Plan of care: immunization forecast"),
			"code", coded("18776-5", "Plan of care note"), "text", narrative(writer.Planned(&w.sum.Summary))})
	}
	w.entries = append(w.entries, resource.ObjectOf{"fullUrl", w.name("device"), "resource", resource.ObjectOf{
		"resourceType", "Device", "deviceName", resource.ListOf{resource.ObjectOf{"name", "Lienthong", "type", "model-name"}},
	}})
	for _, e := range supporting {
		w.add(e)
	}
}

// add takes a stored resource into the document. Where it refers to a Patient that was merged, it refers to the one in use.
func (w *writer) add(e entry) {
	for ref := range references(e.doc) {
		k := fhir.ParseReference(ref.Text()).Key
		for _, m := range w.person.Merged {
			if m.Key == k && e.key != w.person.Lead.Key {
				ref.ReplaceString(w.person.Lead.Key.String())
			}
		}
	}
	w.entries = append(w.entries, resource.ObjectOf{"fullUrl", w.base + "/" + e.key.String(), "resource", resource.Literal(e.doc.AppendTo(nil))})
}

func (w *writer) section(p part) {
	if len(p.entries) == 0 && !p.required && p.code != immunizations {
		return
	}
	s := resource.ObjectOf{"title", w.say(p.vi, p.en), "code", coded(p.code, p.display)}
	var entries resource.ListOf
	for _, e := range p.entries {
		entries = append(entries, resource.ObjectOf{"reference", w.base + "/" + e.key.String()})
	}
	switch {
	case p.code == immunizations:
		s = append(s, "text", narrative(history.Writer{Language: w.language, Patient: w.person.Lead.Key.String()}.Given(&w.sum.Summary)))
		if len(entries) == 0 {
			s = append(s, "emptyReason", resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", hl7 + "list-empty-reason", "code", "unavailable"}}})
		}
	case len(entries) == 0:
		s = append(s, "text", narrative("<p>"+html.EscapeString(w.say("Không có thông tin.", "There is no information."))+"</p>"))
		name := w.name(p.code)
		entries = append(entries, resource.ObjectOf{"reference", name})
		w.entries = append(w.entries, resource.ObjectOf{"fullUrl", name, "resource", w.nothing(p.code)})
	default:
		s = append(s, "text", narrative(w.table(p)))
	}
	w.sections = append(w.sections, append(s, "entry", entries))
}

// nothing is the entry of a required section of which nothing is known.
func (w *writer) nothing(section string) resource.ObjectOf {
	unknown := func(code, display string) resource.ObjectOf {
		return resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", absent, "code", code, "display", display}}}
	}
	active := func(system string) resource.ObjectOf {
		return resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", hl7 + system, "code", "active"}}}
	}
	switch section {
	case "10160-0":
		return resource.ObjectOf{"resourceType", "MedicationStatement", "status", "unknown",
			"medicationCodeableConcept", unknown("no-medication-info", "No information about medications"), "subject", w.subject(),
			"_effectiveDateTime", resource.ObjectOf{"extension", resource.ListOf{resource.ObjectOf{"url", "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode", "unknown"}}}}
	case "48765-2":
		return resource.ObjectOf{"resourceType", "AllergyIntolerance", "clinicalStatus", active("allergyintolerance-clinical"),
			"code", unknown("no-allergy-info", "No information about allergies"), "patient", w.subject()}
	}
	return resource.ObjectOf{"resourceType", "Condition", "clinicalStatus", active("condition-clinical"),
		"code", unknown("no-problem-info", "No information about problems"), "subject", w.subject()}
}

func coded(code, display string) resource.ObjectOf {
	return resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", loinc, "code", code, "display", display}}}
}

func narrative(table string) resource.ObjectOf {
	return resource.ObjectOf{"status", "generated", "div", `<div xmlns="http://www.w3.org/1999/xhtml">` + table + `</div>`}
}

// table is the narrative of a section: when, what, and what came of it.
func (w *writer) table(p part) string {
	var b strings.Builder
	b.WriteString("<table><tr><th>" + html.EscapeString(w.say("Ngày", "Date")) + "</th><th>" + html.EscapeString(w.say("Nội dung", "What")) + "</th><th>" + html.EscapeString(w.say("Chi tiết", "Detail")) + "</th></tr>")
	for _, e := range p.entries {
		fmt.Fprintf(&b, "<tr><td>%s</td><td>%s</td><td>%s</td></tr>", html.EscapeString(e.on), html.EscapeString(what(e.doc)), html.EscapeString(detail(e.doc)))
	}
	b.WriteString("</table>")
	if p.cut {
		b.WriteString("<p>" + html.EscapeString(fmt.Sprintf(w.say("Chỉ %d mục mới nhất.", "The newest %d alone."), len(p.entries))) + "</p>")
	}
	return b.String()
}

// what names a resource.
func what(doc resource.Value) string {
	for _, name := range []string{"code", "medicationCodeableConcept"} {
		if t := text(doc.Get(name)); t != "" {
			return t
		}
	}
	return doc.Get("medicationReference").Get("display").Text()
}

// detail is the value of a result, the criticality of an allergy, the dosage of a medication, the conclusion of a report.
func detail(doc resource.Value) string {
	var all []string
	for _, t := range []string{
		strings.TrimSpace(doc.Get("valueQuantity").Get("value").Text() + " " + doc.Get("valueQuantity").Get("unit").Text()),
		text(doc.Get("valueCodeableConcept")), doc.Get("valueString").Text(), doc.Get("criticality").Text(), doc.Get("conclusion").Text(),
		doc.Get("dosage").At(0).Get("text").Text(), doc.Get("dosageInstruction").At(0).Get("text").Text(), text(doc.Get("outcome")),
	} {
		if t != "" {
			all = append(all, t)
		}
	}
	return strings.Join(all, "; ")
}

// text is how a CodeableConcept reads.
func text(concept resource.Value) string {
	if t := concept.Get("text").Text(); t != "" {
		return t
	}
	for c := range concept.Get("coding").Elements() {
		if t := c.Get("display").Text(); t != "" {
			return t
		}
	}
	return code(concept)
}

func (w *writer) bundle() resource.ObjectOf {
	at := w.at.UTC().Format(time.RFC3339)
	composition := resource.ObjectOf{"fullUrl", w.name("composition"), "resource", resource.ObjectOf{
		"resourceType", "Composition", "meta", resource.ObjectOf{"profile", resource.ListOf{"http://hl7.org/fhir/uv/ips/StructureDefinition/Composition-uv-ips"}},
		"language", string(w.language), "status", "final", "type", coded("60591-5", "Patient summary Document"),
		"subject", w.subject(), "date", at, "author", resource.ListOf{resource.ObjectOf{"reference", w.name("device"), "display", "Lienthong"}},
		"title", w.say("Tóm tắt hồ sơ bệnh nhân quốc tế", "International Patient Summary"), "confidentiality", "N",
		"event", resource.ListOf{resource.ObjectOf{"code", resource.ListOf{resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", hl7 + "v3-ActClass", "code", "PCPR"}}}},
			"period", resource.ObjectOf{"end", at}}},
		"section", w.sections,
	}}
	return resource.ObjectOf{
		"resourceType", "Bundle", "meta", resource.ObjectOf{"profile", resource.ListOf{vaccination.IPSProfile}}, "language", string(w.language),
		"identifier", resource.ObjectOf{"system", "urn:ietf:rfc:3986", "value", w.name("document")},
		"type", "document", "timestamp", at, "entry", append(resource.ListOf{composition}, w.entries...),
	}
}
