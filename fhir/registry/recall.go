package registry

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/history"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/tabular"
)

// RecallQuery says which lot is recalled.
type RecallQuery struct {
	Lot     string // the whole number, whatever its case
	Vaccine string // system|code or a CVX code; "" = any: lots of two makers can be called the same
	Limit   int    // doses on a page
	After   string // Recall.Next of the page before
}

// Recall is a page of who had a lot, in the order in which the doses were recorded.
type Recall struct {
	Doses []RecalledDose
	Next  string // "" = the end

	schedules *immunization.Set
}

// RecalledDose is a dose of the lot that was given. Its person is empty where the caller may see the dose and not the person.
type RecalledDose struct {
	contact
	Record  history.Record
	Patient resource.Value // zero = not to be seen
}

// Recall finds who had a lot among the doses that the caller may see. All pages are as of the first one. What was not given,
// or entered in error, is not in it.
func (r *Registry) Recall(ctx context.Context, q RecallQuery) (*Recall, error) {
	lot := strings.TrimSpace(q.Lot)
	query := "status=completed&_total=none&_count=" + strconv.Itoa(q.Limit) + "&lot-number=" + url.QueryEscape(search.EscapeValue(lot))
	if q.Vaccine != "" {
		system, code, ok := strings.Cut(q.Vaccine, "|")
		if !ok {
			system, code = history.CVX, q.Vaccine
		}
		query += "&vaccine-code=" + url.QueryEscape(search.EscapeValue(system)+"|"+search.EscapeValue(code))
	}
	m, err := r.read(ctx, query, q.After)
	if err != nil {
		return nil, err
	}
	page, err := r.Interactions.Search(ctx, "Immunization", query, interaction.SearchOptions{AsOf: m.AsOf, After: m.Place})
	if err != nil {
		return nil, err
	}
	out := &Recall{schedules: r.Schedules}
	persons := map[fhir.Key]resource.Value{}
	for _, f := range page.Matches {
		doc, err := parsed(f)
		if err != nil {
			return nil, err
		}
		d := RecalledDose{Record: history.Read(doc)}
		if !strings.EqualFold(d.Record.Lot, lot) { // the search finds what begins so
			continue
		}
		to := fhir.ParseReference(doc.Get("patient").Get("reference").Text()).Key
		if to.Type == "Patient" && to.ID != "" {
			if d.Patient, err = r.inUse(ctx, to, page.AsOf, persons); err != nil {
				return nil, err
			}
		}
		if d.Patient.Kind() == resource.Object {
			d.contact = contactOf(d.Patient)
		}
		out.Doses = append(out.Doses, d)
	}
	if page.Next != nil {
		out.Next, err = r.write(ctx, mark{Of: query, AsOf: page.AsOf, Place: page.Next})
	}
	return out, err
}

// inUse reads a Patient, or the one that stands for it since a merge; zero if the caller may not see it.
func (r *Registry) inUse(ctx context.Context, key fhir.Key, t fhir.T, have map[fhir.Key]resource.Value) (resource.Value, error) {
	if v, ok := have[key]; ok {
		return v, nil
	}
	v, err := r.patient(ctx, key, t)
	if err != nil {
		return v, err
	}
	for l := range v.Get("link").Elements() {
		if to := r.Interactions.Here(l.Get("other").Get("reference").Text()); l.Get("type").Text() == "replaced-by" && to.Type == "Patient" {
			if other, err := r.patient(ctx, to, t); err != nil {
				return v, err
			} else if other.Kind() == resource.Object {
				v = other
			}
			break
		}
	}
	have[key] = v
	return v, nil
}

func (r *Registry) patient(ctx context.Context, key fhir.Key, t fhir.T) (v resource.Value, err error) {
	f, err := r.Store.Read(ctx, key, t)
	if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone || e.Kind == fhir.Denied) {
		return v, nil
	} else if err != nil {
		return v, err
	}
	return parsed(f)
}

func parsed(f store.Found) (resource.Value, error) {
	doc, err := resource.New(f.Stored.Append(nil, f.Version, f.At))
	if err != nil {
		return resource.Value{}, err
	}
	return doc.Root(), nil
}

// Bundle writes the page as a searchset of Immunizations, with the Patients.
func (c *Recall) Bundle(self, next string) resource.ObjectOf {
	links := resource.ListOf{resource.ObjectOf{"relation", "self", "url", self}}
	if next != "" {
		links = append(links, resource.ObjectOf{"relation", "next", "url", next})
	}
	var entries, included resource.ListOf
	seen := map[fhir.ID]bool{}
	for i := range c.Doses {
		d := &c.Doses[i]
		entries = append(entries, resource.ObjectOf{"resource", resource.Literal(d.Record.Doc.Raw()), "search", resource.ObjectOf{"mode", "match"}})
		if d.Patient.Kind() == resource.Object && !seen[d.contact.Patient] {
			seen[d.contact.Patient] = true
			included = append(included, resource.ObjectOf{"resource", resource.Literal(d.Patient.Raw()), "search", resource.ObjectOf{"mode", "include"}})
		}
	}
	return resource.ObjectOf{"resourceType", "Bundle", "type", "searchset", "link", links, "entry", append(entries, included...)}
}

// Table writes the page for a spreadsheet: a row for each record of a dose.
func (c *Recall) Table(l outcome.Language) *tabular.Table {
	t := &tabular.Table{Name: l.Pick("Thu hồi lô", "Recall"), Head: words(l,
		"Họ tên", "Name", "Ngày sinh", "Birth date", "Điện thoại", "Phone", "Người giám hộ", "Guardian", "Địa chỉ", "Address", "Xã, phường", "Commune",
		"Vắc xin", "Vaccine", "Số lô", "Lot", "Hạn dùng", "Expires", "Ngày tiêm", "Given on", "Nơi tiêm", "Given by", "Mã hồ sơ", "Patient", "Mã mũi tiêm", "Immunization")}
	for i := range c.Doses {
		d := &c.Doses[i]
		performer := d.Record.Doc.Get("performer").At(0).Get("actor")
		by := performer.Get("display").Text()
		if by == "" {
			by = performer.Get("reference").Text()
		}
		patient := ""
		if d.contact.Patient != "" {
			patient = "Patient/" + string(d.contact.Patient)
		}
		t.Rows = append(t.Rows, []string{d.Name, d.Birth, d.Phones, d.Guardian, d.Address, d.Commune, history.Writer{Language: l}.Vaccine(c.schedules, &d.Record), d.Record.Lot, date(d.Record.Expiry),
			date(d.Record.On), by, patient, d.Record.Ref})
	}
	return t
}
