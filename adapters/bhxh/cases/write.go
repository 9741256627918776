package cases

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir/resource"
)

type (
	object = resource.ObjectOf
	list   = resource.ListOf
)

// Parameters is a page as FHIR: a parameter "case" for each row, and "next" with the address of the page after it.
func (p Page) Parameters(next string) []byte {
	var out list
	for _, r := range p.Rows {
		out = append(out, object{"name", "case", "part", r.parts()})
	}
	if next != "" {
		out = append(out, object{"name", "next", "valueUri", next})
	}
	return resource.AppendJSON(nil, object{"resourceType", "Parameters", "parameter", out})
}

func part(name, kind string, value any) object { return object{"name", name, kind, value} }

// texts adds a part for each name with a value; a part needs one.
func texts(to list, kind string, pairs ...string) list {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			to = append(to, part(pairs[i], kind, pairs[i+1]))
		}
	}
	return to
}

// monies adds amounts as Money.
func monies(to list, pairs ...string) list {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			to = append(to, part(pairs[i], "valueMoney", object{"value", resource.Literal(pairs[i+1]), "currency", "VND"}))
		}
	}
	return to
}

func (r Row) parts() list {
	out := list{part("claim", "valueReference", object{"reference", r.Claim})}
	out = texts(out, "valueString", "version", strconv.FormatUint(r.Version, 10), "PB", strconv.FormatUint(r.PB, 10),
		"MA_CSKCB", r.MaCSKCB, "MA_LK", r.MaLK, "maGiaoDich", r.MaGiaoDich)
	out = texts(out, "valueCode", "state", string(r.State), "assessment", string(r.Assessment))
	out = append(out, part("since", "valueInstant", r.Since.Format(time.RFC3339Nano)))
	out = texts(out, "valueDate", "discharged", r.Discharged)
	out = monies(out, "submitted", r.Submitted, "requested", r.Requested, "paid", r.Paid, "reduced", r.Reduced)
	if r.Reason != nil {
		out = append(out, object{"name", "reason", "part", texts(nil, "valueString", "code", r.Reason.Code, "vi", r.Reason.VI, "en", r.Reason.EN)})
	}
	for _, f := range r.Findings {
		out = append(out, part("finding", "valueCode", f))
	}
	for _, c := range r.Cuts {
		out = append(out, part("cut", "valueCode", c))
	}
	if r.Response != "" {
		out = append(out, part("response", "valueReference", object{"reference", r.Response}))
	}
	return out
}

// Bundle is a case as FHIR: a collection of the resources that it is made of, and a Parameters with what no resource says:
// each line claimed against assessed, where each version stands and why, and each attempt to send one; $sync-status has more of these.
func (c Case) Bundle(docs []*resource.Document) []byte {
	var lines list
	for _, l := range c.Lines {
		p := texts(nil, "valueString", "sequence", strconv.Itoa(l.Sequence), "table", l.Table, "STT", l.STT, "code", l.Code, "name", l.Name)
		p = monies(p, "submitted", l.Submitted, "eligible", l.Eligible, "requested", l.Requested, "copay", l.Copay, "paid", l.Paid, "reduced", l.Reduced)
		p = texts(p, "valueString", "reason", l.Reason, "reason-text", l.ReasonText)
		lines = append(lines, object{"name", "line", "part", p})
	}
	about := append(list{object{"name", "case", "part", c.parts()}}, lines...)
	about = append(append(about, c.standings()...), c.tries()...)
	b := []byte(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":`)
	b = resource.AppendJSON(b, object{"resourceType", "Parameters", "parameter", about})
	for _, d := range docs {
		b = append(append(b, `},{"resource":`...), d.Root().Raw()...)
	}
	return append(b, "}]}"...)
}

// standings are where each version stands: a parameter for each reason, one at least.
func (c Case) standings() (out list) {
	for _, v := range c.Versions {
		head := texts(nil, "valueString", "version", strconv.FormatUint(v.Version, 10))
		head = texts(head, "valueCode", "state", string(v.State), "assessment", string(v.Assessment))
		head = append(head, part("since", "valueInstant", v.Since.Format(time.RFC3339Nano)))
		why := v.Findings // v.Reason is the first of them
		if len(why) == 0 {
			why = append(why, *cmp.Or(v.Reason, &delivery.Reason{}))
		}
		for _, r := range why {
			p := texts(slices.Clone(head), "valueString", "code", r.Code, "field", r.Path, "element", r.Element)
			if said := texts(nil, "valueString", "vi", r.VI, "en", r.EN); len(said) > 0 {
				p = append(p, object{"name", "reason", "part", said})
			}
			out = append(out, object{"name", "standing", "part", p})
		}
		if d := v.Decided; d != nil {
			p := texts(slices.Clone(head[:1]), "valueCode", "decision", string(d.Decision))
			out = append(out, object{"name", "decided", "part", texts(p, "valueString", "who", d.By, "reason", d.Reason)})
		}
	}
	return out
}

// tries are the attempts to send a version.
func (c Case) tries() (out list) {
	for _, v := range c.Versions {
		for _, a := range v.Attempts {
			p := texts(nil, "valueString", "version", strconv.FormatUint(v.Version, 10), "number", strconv.Itoa(a.N))
			p = append(p, part("start", "valueInstant", a.Started.Format(time.RFC3339Nano)))
			if !a.Ended.IsZero() {
				p = append(p, part("end", "valueInstant", a.Ended.Format(time.RFC3339Nano)))
			}
			p = texts(p, "valueCode", "outcome", string(a.Outcome))
			out = append(out, object{"name", "attempt", "part", texts(p, "valueString", "maKetQua", a.MaKetQua, "thongDiep", a.Text, "maGiaoDich", a.MaGiaoDich,
				"file-sha256", a.FileSHA256, "reply-sha256", a.ReplySHA256, "slot", a.Slot)})
		}
	}
	return out
}

// List is a sample as FHIR: a List of the claims, whose note says how it was drawn.
func (s Sample) List() []byte {
	var by []string
	for _, d := range s.By {
		by = append(by, string(d))
	}
	var entries, notes list
	notes = append(notes, object{"text", s.Method + " seed=" + s.Seed + " by=" + strings.Join(by, ",") + " filter=" + s.Filter +
		" population=" + strconv.Itoa(s.Population) + " sha256=" + s.PopulationSHA256})
	for _, h := range s.Strata {
		notes = append(notes, object{"text", "stratum " + h.Name + ": " + strconv.Itoa(h.Sample) + " of " + strconv.Itoa(h.Population)})
	}
	for _, d := range s.Cases {
		entries = append(entries, object{
			"flag", object{"text", d.Stratum}, "date", s.At.Format(time.RFC3339),
			"item", object{"reference", d.Claim, "identifier", object{"value", d.MaLK}, "display", "SHA-256 " + d.SHA256},
		})
	}
	return resource.AppendJSON(nil, object{
		"resourceType", "List", "status", "current", "mode", "snapshot", "title", "Sample of claims", "date", s.At.Format(time.RFC3339),
		"note", notes, "entry", entries,
	})
}
