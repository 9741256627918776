package delivery

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/wording"
)

// Task and ClaimResponse of a claim have ids made from the claim's, so that they are found without a search.
const (
	taskPrefix     = "claim-sync-"
	responsePrefix = "claim-response-"
)

// TaskID is the id of the Task that follows a claim.
func TaskID(claim fhir.ID) fhir.ID { return derivedID(taskPrefix, claim) }

// ResponseID is the id of the ClaimResponse with the newest decision on a claim.
func ResponseID(claim fhir.ID) fhir.ID { return derivedID(responsePrefix, claim) }

// derivedID puts prefix before id, or before a hash of id when both would not fit into 64 characters.
func derivedID(prefix string, id fhir.ID) fhir.ID {
	if len(prefix)+len(id) <= 64 {
		return fhir.ID(prefix) + id
	}
	sum := sha256.Sum256([]byte(id))
	return fhir.ID(prefix + hex.EncodeToString(sum[:16]))
}

// StateSystem and ReasonSystem are the code systems of Task.businessStatus and Task.statusReason.
func (o *Outbox) StateSystem() string  { return o.Base + "/fhir/CodeSystem/delivery-state" }
func (o *Outbox) ReasonSystem() string { return o.Base + "/fhir/CodeSystem/delivery-reason" }

// OutputSystem is the code system of Task.output.type.
func (o *Outbox) OutputSystem() string { return o.Base + "/fhir/CodeSystem/delivery-output" }

// task makes the Task of a claim: the state of its newest version, and as output what became of each earlier one that left
// the house. It depends on these items alone, so each version of the Task is one step of one of them.
func (o *Outbox) task(f family) (*resource.Document, error) {
	told := f.told()
	it, earlier := told[len(told)-1].Item, told[:len(told)-1]
	w := &writer{}
	w.open('{').member("resourceType").text("Task").member("id").text(string(TaskID(it.Claim)))
	if len(it.Overdue) > 0 {
		w.member("meta").open('{').member("tag").open('[')
		for _, c := range it.Overdue {
			w.open('{').member("system").text(o.ClockSystem()).member("code").text(string(c)).member("display").text(wording.Of("delivery-overdue", string(c), outcome.Vietnamese)).close('}')
		}
		w.close(']').close('}')
	}
	findings(w, it.Findings)
	w.member("identifier").open('[').open('{').
		member("system").text(o.Base + "/sid/malk/" + it.Facility).member("value").text(it.Episode).
		close('}').close(']')
	w.member("status").text(taskStatus[it.State])
	if r := it.Reason; r != nil {
		vi := r.VI
		if it.Decided != nil && r.Code == ReasonDecidedByHand {
			vi += ": " + it.Decided.Reason
		}
		w.member("statusReason")
		w.concept(o.ReasonSystem(), r.Code, r.EN, vi)
	}
	w.member("businessStatus")
	o.state(w, it)
	w.member("intent").text("order")
	w.member("code")
	w.concept("http://hl7.org/fhir/CodeSystem/task-code", "fulfill", "Fulfill the focal request", "Gửi hồ sơ đến hệ thống giám định BHYT")
	w.member("focus").open('{').member("reference").text("Claim/" + string(it.Claim)).close('}')
	if it.Patient != "" {
		w.member("for").open('{').member("reference").text(it.Patient).close('}')
	}
	w.member("authoredOn").text(it.Created.String()).member("lastModified").text(it.Since.String())
	if len(it.Findings) > 0 {
		w.member("note").open('[')
		for _, f := range it.Findings {
			w.open('{').member("text").text(findingText(f, f.VI))
			if f.EN != "" {
				w.member("_text").open('{').member("extension").open('[')
				w.translation("en", findingText(f, f.EN))
				w.close(']').close('}')
			}
			w.close('}')
		}
		w.close(']')
	}
	w.member("input").open('[')
	w.parameter("claim-version", "valuePositiveInt").number(uint64(it.Version)).close('}')
	w.parameter("PB", "valuePositiveInt").number(it.PB).close('}')
	w.close(']')
	o.outputs(w, it, earlier)
	w.close('}')
	return resource.New(w.b)
}

// ClockSystem is the code system of Task.meta.tag: the clocks that ran out.
func (o *Outbox) ClockSystem() string { return o.Base + "/fhir/CodeSystem/delivery-overdue" }

// findingsID names the OperationOutcome in the Task of a held claim.
const findingsID = "findings"

// findings writes what holds a claim as a contained OperationOutcome, in Vietnamese with the English as translation.
func findings(w *writer, found []Reason) {
	if len(found) == 0 {
		return
	}
	w.member("contained").open('[').open('{').member("resourceType").text("OperationOutcome").member("id").text(findingsID).member("issue").open('[')
	for _, f := range found {
		w.open('{').member("severity").text("error").member("code").text("business-rule").member("details").open('{')
		w.member("coding").open('[').open('{').member("code").text(f.Code).close('}').close(']')
		if f.VI != "" {
			w.member("text").text(f.VI)
			if f.EN != "" {
				w.member("_text").open('{').member("extension").open('[')
				w.translation("en", f.EN)
				w.close(']').close('}')
			}
		}
		w.close('}')
		if f.Path != "" {
			w.member("diagnostics").text(f.Path)
		}
		if f.Element != "" {
			w.member("expression").open('[').text(f.Element).close(']')
		}
		w.close('}')
	}
	w.close(']').close('}').close(']')
}

// AssessmentSystem is the code system of the second coding of Task.businessStatus.
func (o *Outbox) AssessmentSystem() string { return o.Base + "/fhir/CodeSystem/delivery-assessment" }

// state writes Task.businessStatus. The codes are English words, and the text says in Vietnamese what they mean: displays like the codes
// would be indexed at each step, and tell nobody more.
func (o *Outbox) state(w *writer, it Item) {
	w.open('{').member("coding").open('[').coding(o.StateSystem(), string(it.State), "")
	text := it.State.In(outcome.Vietnamese)
	if it.Assessment != "" && (it.State == Assessed || it.State == Settled) {
		w.coding(o.AssessmentSystem(), string(it.Assessment), "")
		text += ": " + it.Assessment.In(outcome.Vietnamese)
	}
	w.close(']').member("text").text(text).close('}')
}

// outputs writes Task.output, if there is any.
func (o *Outbox) outputs(w *writer, it Item, earlier []Row) {
	response := it.Response
	for i := len(earlier) - 1; i >= 0 && response == ""; i-- {
		response = earlier[i].Response
	}
	if len(earlier) == 0 && it.MaGiaoDich == "" && response == "" && it.Sends == 0 && len(it.Others) == 0 && it.Payment == nil && len(it.Findings) == 0 {
		return
	}
	w.member("output").open('[')
	if len(it.Findings) > 0 {
		w.parameter(findingsID, "valueReference").open('{').member("reference").text("#" + findingsID).close('}').close('}')
	}
	if it.Sends > 0 {
		w.parameter("attempts", "valuePositiveInt").number(uint64(it.Sends)).close('}')
	}
	receipts := func(it Item, of string) {
		if it.MaGiaoDich != "" {
			w.parameter("maGiaoDich"+of, "valueString").text(it.MaGiaoDich).close('}')
		}
		for _, other := range it.Others {
			w.parameter("other-maGiaoDich"+of, "valueString").text(other).close('}')
		}
	}
	receipts(it, "")
	if response != "" {
		w.parameter("response", "valueReference").open('{').member("reference").text(response).close('}').close('}')
	}
	if p := it.Payment; p != nil && it.State == Settled {
		w.parameter("settlement", "valueString").text(p.Settlement).close('}')
		if p.Amount != "" {
			w.parameter("paid", "valueString").text(p.Amount).close('}')
		}
	}
	for _, e := range earlier {
		of := "version " + strconv.FormatUint(uint64(e.Version), 10)
		w.open('{').member("type")
		w.concept(o.OutputSystem(), "earlier-version", "", of)
		text := e.State.In(outcome.Vietnamese)
		if e.Reason != nil && e.Reason.VI != "" {
			text += ": " + e.Reason.VI
		}
		w.member("valueCodeableConcept").open('{').member("coding").open('[')
		w.coding(o.StateSystem(), string(e.State), "")
		if e.Reason != nil {
			w.coding(o.ReasonSystem(), e.Reason.Code, e.Reason.EN)
		}
		w.close(']').member("text").text(text).close('}').close('}')
		receipts(e.Item, " of "+of)
	}
	w.close(']')
}

// findingText is a finding as one line: code, place in the claim file, element of FHIR, text.
func findingText(f Reason, text string) string {
	s := f.Code
	if f.Path != "" {
		s += " " + f.Path
	}
	if f.Element != "" {
		s += " (" + f.Element + ")"
	}
	if text != "" {
		s += ": " + text
	}
	return s
}

// nameOf gives Type/id of a document.
func nameOf(d *resource.Document) string {
	id, _ := d.Root().ID()
	return string(d.Root().ResourceType()) + "/" + id
}

// writer appends JSON; it puts the commas.
type writer struct {
	b    []byte
	some bool // the innermost container has a member already, or a name was just written
	name bool
}

func (w *writer) value() {
	if w.some && !w.name {
		w.b = append(w.b, ',')
	}
	w.some, w.name = true, false
}

func (w *writer) open(c byte) *writer {
	w.value()
	w.b = append(w.b, c)
	w.some = false
	return w
}

func (w *writer) close(c byte) *writer {
	w.b = append(w.b, c)
	w.some = true
	return w
}

func (w *writer) member(name string) *writer {
	w.text(name)
	w.b = append(w.b, ':')
	w.name = true
	return w
}

// text writes a string; what is not UTF-8 in it becomes U+FFFD.
func (w *writer) text(s string) *writer {
	w.value()
	w.b, _ = jsontext.AppendQuote(w.b, s)
	return w
}

func (w *writer) number(n uint64) *writer {
	w.value()
	w.b = strconv.AppendUint(w.b, n, 10)
	return w
}

func (w *writer) coding(system, code, name string) *writer {
	w.open('{').member("system").text(system).member("code").text(code)
	if name != "" {
		w.member("display").text(name)
	}
	return w.close('}')
}

// translation writes an extension with the text in another language.
// Source: http://hl7.org/fhir/R4/extension-translation.html
func (w *writer) translation(lang, text string) *writer {
	w.open('{').member("url").text("http://hl7.org/fhir/StructureDefinition/translation").member("extension").open('[')
	w.open('{').member("url").text("lang").member("valueCode").text(lang).close('}')
	w.open('{').member("url").text("content").member("valueString").text(text).close('}')
	return w.close(']').close('}')
}

func (w *writer) concept(system, code, name, text string) *writer {
	w.open('{').member("coding").open('[').coding(system, code, name).close(']')
	if text != "" {
		w.member("text").text(text)
	}
	return w.close('}')
}

// parameter begins an input or output with its type; the caller writes the value and closes it.
func (w *writer) parameter(name, value string) *writer {
	return w.open('{').member("type").open('{').member("text").text(name).close('}').member(value)
}
