package cases

import (
	"strconv"
	"strings"
	"time"

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
// each line claimed against assessed. The attempts are those of $sync-status.
func (c Case) Bundle(docs []*resource.Document) []byte {
	var lines list
	for _, l := range c.Lines {
		p := texts(nil, "valueString", "sequence", strconv.Itoa(l.Sequence), "table", l.Table, "STT", l.STT, "code", l.Code, "name", l.Name)
		p = monies(p, "submitted", l.Submitted, "eligible", l.Eligible, "requested", l.Requested, "copay", l.Copay, "paid", l.Paid, "reduced", l.Reduced)
		p = texts(p, "valueString", "reason", l.Reason, "reason-text", l.ReasonText)
		lines = append(lines, object{"name", "line", "part", p})
	}
	about := append(list{object{"name", "case", "part", c.parts()}}, lines...)
	b := []byte(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":`)
	b = resource.AppendJSON(b, object{"resourceType", "Parameters", "parameter", about})
	for _, d := range docs {
		b = append(append(b, `},{"resource":`...), d.Root().Raw()...)
	}
	return append(b, "}]}"...)
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
