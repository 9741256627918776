package delivery

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// StatusParameters is Status as a FHIR Parameters resource: a parameter for each version of the claim, oldest first, with
// a part for each attempt to send it. Times are instants in UTC, hashes SHA-256 in lower-case hex.
func (o *Outbox) StatusParameters(ctx context.Context, claim fhir.ID) ([]byte, error) {
	st, err := o.Status(ctx, claim)
	if err != nil {
		return nil, err
	}
	w := &writer{}
	w.open('{').member("resourceType").text("Parameters").member("parameter").open('[')
	w.open('{').member("name").text("claim").member("valueReference").open('{').member("reference").text("Claim/" + string(claim)).close('}').close('}')
	if st.Called != "" {
		w.part("called-off", "valueCode", st.Called)
	}
	for _, v := range st.Versions {
		w.open('{').member("name").text("version").member("part").open('[')
		w.count("version", uint64(v.Version)).count("PB", v.PB)
		w.part("state", "valueCode", string(v.State)).when("since", v.Since).when("next", v.Due)
		w.part("assessment", "valueCode", string(v.Assessment))
		if p := v.Payment; p != nil {
			w.part("settlement", "valueString", p.Settlement).part("paid", "valueString", p.Amount).part("paid-on", "valueDate", p.Date)
		}
		w.part("MA_CSKCB", "valueString", v.Facility).part("MA_LK", "valueString", v.Episode)
		w.part("maGiaoDich", "valueString", v.MaGiaoDich)
		for _, other := range v.Others {
			w.part("other-maGiaoDich", "valueString", other)
		}
		w.when("not-received", v.Missing).when("clock-runs-out", v.RunsOut)
		for _, c := range v.Overdue {
			w.part("overdue", "valueCode", string(c))
		}
		if v.Reason != nil {
			w.reason("reason", *v.Reason)
		}
		for _, f := range v.Findings {
			w.reason("finding", f)
		}
		if d := v.Decided; d != nil {
			w.open('{').member("name").text("decided").member("part").open('[')
			w.part("decision", "valueCode", string(d.Decision)).part("who", "valueString", d.By).part("reason", "valueString", d.Reason).when("at", d.At)
			w.close(']').close('}')
		}
		for _, a := range v.Attempts {
			w.attempt(a)
		}
		w.close(']').close('}')
	}
	w.close(']').close('}')
	return w.b, nil
}

// AttemptParameters tells as a FHIR Parameters resource what was sent about a resource that is no claim, and why it waits (nil = it does
// not), with the same parts for each attempt as StatusParameters.
func AttemptParameters(reference, facility, episode, state string, why *Reason, attempts []Attempt) []byte {
	w := &writer{}
	w.open('{').member("resourceType").text("Parameters").member("parameter").open('[')
	w.open('{').member("name").text("about").member("valueReference").open('{').member("reference").text(reference).close('}').close('}')
	w.part("state", "valueCode", state).part("MA_CSKCB", "valueString", facility).part("MA_LK", "valueString", episode)
	if why != nil {
		w.reason("reason", *why)
	}
	for _, a := range attempts {
		w.attempt(a)
	}
	w.close(']').close('}')
	return w.b
}

func (w *writer) attempt(a Attempt) {
	w.open('{').member("name").text("attempt").member("part").open('[')
	w.count("number", uint64(a.N)).when("start", a.Started).when("end", a.Ended).when("deadline", a.Deadline)
	w.part("outcome", "valueCode", string(a.Outcome))
	if a.HTTPStatus > 0 {
		w.count("http-status", uint64(a.HTTPStatus))
	}
	w.part("maKetQua", "valueString", a.MaKetQua).part("maGiaoDich", "valueString", a.MaGiaoDich).part("thongDiep", "valueString", a.Text)
	w.part("file-sha256", "valueString", a.SHA256).part("reply-sha256", "valueString", a.ReplySHA256)
	if a.Bytes > 0 {
		w.count("file-bytes", uint64(a.Bytes))
	}
	w.part("slot", "valueString", a.Slot).part("lease", "valueString", a.Lease).part("server", "valueString", a.Holder)
	w.count("fencing-token", a.Token)
	if a.Late {
		w.open('{').member("name").text("late").member("valueBoolean").yes().close('}')
	}
	w.close(']').close('}')
}

// reason writes a reason of ours, or of the other side, in both languages.
func (w *writer) reason(name string, r Reason) {
	w.open('{').member("name").text(name).member("part").open('[')
	w.part("code", "valueCode", r.Code).part("vi", "valueString", r.VI).part("en", "valueString", r.EN)
	w.part("field", "valueString", r.Path).part("element", "valueString", r.Element)
	w.close(']').close('}')
}

// part writes a named value, unless that is "".
func (w *writer) part(name, kind, value string) *writer {
	if value == "" {
		return w
	}
	return w.open('{').member("name").text(name).member(kind).text(value).close('}')
}

func (w *writer) count(name string, n uint64) *writer {
	return w.open('{').member("name").text(name).member("valueInteger").number(n).close('}')
}

func (w *writer) when(name string, at fhir.Instant) *writer {
	if at == 0 {
		return w
	}
	return w.part(name, "valueInstant", at.String())
}

func (w *writer) yes() *writer {
	w.value()
	w.b = append(w.b, "true"...)
	return w
}

// ClaimOf gives the claim that a Task follows. Kind NotFound, code "delivery-task-unknown", if it is none of ours.
func (o *Outbox) ClaimOf(ctx context.Context, task fhir.ID) (fhir.ID, error) {
	key := fhir.Key{Type: "Task", ID: task}
	unknown := fhir.Errorf(fhir.NotFound, "delivery-task-unknown", "", key.String())
	f, err := o.store.Read(ctx, key, 0)
	if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone) {
		return "", unknown
	}
	if err != nil {
		return "", err
	}
	doc, err := resource.New(f.Stored.Append(nil, f.Version, f.At))
	if err != nil {
		return "", err
	}
	claim, ok := strings.CutPrefix(doc.Root().Get("focus").Get("reference").Text(), "Claim/")
	if !ok || TaskID(fhir.ID(claim)) != task {
		return "", unknown
	}
	return fhir.ID(strings.Clone(claim)), nil
}

// ResolveParameters is Resolve for a claim's Task, with the order as a FHIR Parameters resource: decision (accepted,
// rejected, not-received, withdraw or send), reason, who, maGiaoDich for accepted, and version, which may be left out: then
// it is the one that is unknown, if there is just one, else the newest. Further errors: Unprocessable "delivery-parameter",
// NotFound "delivery-task-unknown".
func (o *Outbox) ResolveParameters(ctx context.Context, task fhir.ID, p resource.Value) (Row, error) {
	claim, err := o.ClaimOf(ctx, task)
	if err != nil {
		return Row{}, err
	}
	if p.ResourceType() != "Parameters" {
		return Row{}, fhir.Errorf(fhir.Unprocessable, "delivery-parameter", "", "decision")
	}
	given := map[string]string{}
	for e := range p.Get("parameter").Elements() {
		for name, v := range e.Members() {
			if strings.HasPrefix(name, "value") {
				given[strings.Clone(e.Get("name").Text())] = strings.Clone(v.Text())
			}
		}
	}
	f, err := o.family(ctx, claim)
	if err != nil {
		return Row{}, err
	}
	version := f.head.Version
	if text, ok := given["version"]; ok {
		n, err := strconv.ParseUint(text, 10, 63)
		if err != nil {
			return Row{}, fhir.Errorf(fhir.Unprocessable, "delivery-parameter", "", "version")
		}
		version = fhir.Version(n)
	} else {
		var open []fhir.Version
		for _, r := range f.rows {
			if r.State == Unknown {
				open = append(open, r.Version)
			}
		}
		if len(open) == 1 {
			version = open[0]
		}
	}
	return o.Resolve(ctx, Key{claim, version}, Order{Decision: Decision(given["decision"]), Reason: given["reason"], Who: given["who"], MaGiaoDich: given["maGiaoDich"]})
}
