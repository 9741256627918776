package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/access/accesstest"
	"github.com/lienthong/lienthong/fhir/facility"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// covered are the routes that the matrix asks by, or whose answer is about no resource. A new route has no place here:
// whoever adds one adds what asks by it, too.
var covered = map[string]string{
	"GET /metadata": "no resource", "POST ": "batch", "GET ": "search of all", "POST /_search": "as search of all", "GET /_search": "as search of all",
	"GET /_history": "history", "GET /:type": "search", "POST /:type": "create", "PUT /:type": "conditional", "PATCH /:type": "conditional",
	"DELETE /:type": "conditional", "POST /:type/_search": "form", "GET /:type/_search": "as search", "GET /:type/_history": "history",
	"GET /:type/:id": "read", "PUT /:type/:id": "update", "PATCH /:type/:id": "patch", "DELETE /:type/:id": "delete",
	"GET /:type/:id/_history": "history", "GET /:type/:id/_history/:version": "vread", "GET /:type/:id/:compartment": "compartment",
	"POST /:type/:id/:compartment/_search": "as compartment",
}

// Every route is in the matrix, or an operation that a policy can name: those are asked with and without leave.
func TestEveryRouteIsInTheMatrix(t *testing.T) {
	h, _ := matrixServer(t)
	for _, r := range h.Routes() {
		if _, name, is := strings.Cut(r, "$"); is {
			if !slices.Contains(access.Operations, name) {
				t.Errorf("no policy can name the operation of %q", r)
			}
		} else if covered[r] == "" {
			t.Errorf("the route %q is not in the matrix of access", r)
		}
	}
}

// matrixServer serves callers by the header Caller; "load <organization>" may do everything on behalf of one.
func matrixServer(t *testing.T) (*rest.Server, *served) {
	policies, err := access.Open(access.Config{Search: func() search.Options { return search.Options{FoldSystem: identity.Systems{}.Fold} }})
	if err != nil {
		t.Fatal(err)
	}
	callers := accesstest.Callers()
	var h *rest.Server
	s := serve(t, func(ic *interaction.Config, rc *rest.Config) {
		ic.Store = access.Masked(ic.Store)
		ic.Hooks = []interaction.Hook{facility.Facilities{
			Store: ic.Store, Of: identity.Systems{}.FacilityOfEpisode, Any: policies.AnyFacility, Writes: policies.MayWrite,
			Local: func(r string) (fhir.Key, bool) { key := fhir.ParseReference(r).Key; return key, key.ID != "" },
		}.Hook}
		rc.Log = slog.New(slog.DiscardHandler)
		rc.Authenticate = func(r *http.Request) (context.Context, error) {
			name := r.Header.Get("Caller")
			if organization, ok := strings.CutPrefix(name, "load "); ok {
				all := map[fhir.Type]*store.Grants{}
				for _, t := range r4.Types() {
					all[t] = &store.Grants{{All: true}, {All: true}, {All: true}, {All: true}, {All: true}}
				}
				return store.WithFence(r.Context(), store.NewFence(all, organization)), nil
			}
			c, ok := callers[name]
			if !ok {
				return nil, fhir.Errorf(fhir.Unknown, "login", "")
			}
			f, err := policies.Fence(r.Context(), c)
			return store.WithFence(access.WithCaller(r.Context(), &c), f), err
		}
	})
	rc := rest.Config{Service: s.service, Authenticate: rest.Unauthenticated, Log: slog.New(slog.DiscardHandler)}
	if h, err = rest.New(ours(context.Background()), rc); err != nil {
		t.Fatal(err)
	}
	return h, s
}

// matrix asks a server as one caller.
type matrix struct {
	t      *testing.T
	s      *served
	name   string
	caller access.Caller
	reader *accesstest.Reader
	asked  int
	absent map[string]string // the answers to what is not there, by type and suffix
}

// ask gives status and body.
func (m *matrix) ask(method, path, body string, headers ...string) (int, []byte) {
	m.t.Helper()
	m.asked++
	req, err := http.NewRequest(method, m.s.base+path, strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	req.Header.Set("Caller", m.name)
	if body != "" {
		req.Header.Set("Content-Type", "application/fhir+json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	if m.caller.Role == access.RoleAuditor && bytes.Contains(raw, []byte("Ngô")) {
		m.t.Errorf("%s: %s %s shows a name: %s", m.name, method, path, raw)
	}
	return res.StatusCode, raw
}

// keys gives the resources of a bundle; 403 is none.
func (m *matrix) keys(path string) (out []string, total int) {
	m.t.Helper()
	for path != "" {
		status, raw := m.ask("GET", path, "")
		if status == http.StatusForbidden || status == http.StatusNotFound {
			return nil, 0
		}
		var b struct {
			Total int
			Link  []struct{ Relation, URL string }
			Entry []struct {
				Resource struct{ ResourceType, ID string }
				Request  struct{ URL string }
			}
		}
		if err := json.Unmarshal(raw, &b); err != nil || status != http.StatusOK {
			m.t.Fatalf("%s: GET %s: %d %s", m.name, path, status, raw)
		}
		for _, e := range b.Entry {
			if e.Resource.ResourceType != "OperationOutcome" {
				out = append(out, e.Resource.ResourceType+"/"+e.Resource.ID)
			}
		}
		total, path = b.Total, ""
		for _, l := range b.Link {
			if l.Relation == "next" {
				path = strings.TrimPrefix(l.URL, m.s.base)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), total
}

// may says what the policy allows: all of the letters.
func (m *matrix) may(letters string, d *accesstest.Doc) bool {
	for i := range letters {
		if !m.reader.May(m.caller, letters[i], d) || strings.IndexByte("cu", letters[i]) >= 0 && m.reader.Foreign(m.caller, d) {
			return false
		}
	}
	return true
}

func (m *matrix) want(what string, got, want []string) {
	m.t.Helper()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		m.t.Errorf("%s: %s:\n got %v\nwant %v", m.name, what, got, want)
	}
}

// FENCED: what a server answers is what the policy says, for every type, interaction, role and relation.
func TestMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("91,000 requests one after the other: minutes under the race detector, which has nothing to find in them; go test has it")
	}
	world := accesstest.New(t, fhirtest.Examples)
	h, s := matrixServer(t)
	loadWorld(t, s, world)
	types := map[fhir.Type][]*accesstest.Doc{}
	for i := range world.Docs {
		d := &world.Docs[i]
		types[d.Key.Type] = append(types[d.Key.Type], d)
	}
	callers := accesstest.Callers()
	var all []*matrix
	for _, name := range slices.Sorted(maps.Keys(callers)) {
		all = append(all, &matrix{s: s, name: name, caller: callers[name], reader: accesstest.NewReader(t, world, access.BuiltIn), absent: map[string]string{}})
	}
	byAll(t, "reads", all, func(m *matrix) {
		m.reads(world)
		var readable []string
		for _, typ := range slices.Sorted(maps.Keys(types)) {
			readable = append(readable, m.finds(typ, types[typ])...)
		}
		got, _ := m.keys("/_history?_count=1000")
		m.want("history of all", got, readable)
		m.links(world)
		m.operations(h, world)
	})
	byAll(t, "writes", all, func(m *matrix) { // from here on there is more in the store than in the world
		m.transactions(types)
		m.changes(world)
		m.creates(world)
		m.sends()
	})
	for _, m := range all {
		m.t = t
		if m.name == "hospital" || m.name == "hospital group" || m.name == "operator" {
			m.deletes(world)
		}
		t.Logf("%-22s %d requests", m.name, m.asked)
	}
}

// byAll has all callers ask at the same time: none of them may have an effect that another one sees, and where the log is
// shared by servers they wait for its answers together.
func byAll(t *testing.T, what string, all []*matrix, ask func(*matrix)) {
	t.Helper()
	var wg sync.WaitGroup
	for _, m := range all {
		wg.Go(func() { t.Run("FENCED/"+what+" by "+m.name, func(t *testing.T) { m.t = t; ask(m) }) })
	}
	wg.Wait()
}

func loadWorld(t *testing.T, s *served, world *accesstest.World) {
	m := &matrix{t: t, s: s}
	for _, sender := range []string{"h1", "h2", "operator"} {
		var entries []string
		for _, d := range world.Docs {
			if string(d.Sender) == sender {
				entries = append(entries, fmt.Sprintf(`{"resource":%s,"request":{"method":"PUT","url":"%s"}}`, d.JSON, d.Key))
			}
		}
		m.name = "load " + sender
		if status, raw := m.ask("POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Join(entries, ",")+`]}`); status != http.StatusOK {
			t.Fatalf("%d %.2000s", status, raw)
		}
	}
}

// reads asks for each document, by itself and in a batch; what is hidden is answered as what is not there.
func (m *matrix) reads(world *accesstest.World) {
	var entries, want []string
	for i := range world.Docs {
		d := &world.Docs[i]
		path := "/" + d.Key.String()
		for _, suffix := range []string{"", "/_history/1", "/_history"} {
			status, raw := m.ask("GET", path+suffix, "")
			if ok := status == http.StatusOK; ok != m.may("r", d) {
				m.t.Errorf("%s: GET %s: %d", m.name, path+suffix, status)
			} else if !ok {
				no := m.absent[string(d.Key.Type)+suffix]
				if no == "" {
					noStatus, answer := m.ask("GET", "/"+string(d.Key.Type)+"/absent"+suffix, "")
					no = fmt.Sprint(noStatus, strings.ReplaceAll(string(answer), "absent", "ID"))
					m.absent[string(d.Key.Type)+suffix] = no
				}
				if here := fmt.Sprint(status, strings.ReplaceAll(string(raw), string(d.Key.ID), "ID")); here != no {
					m.t.Errorf("%s: GET %s tells that it is there: %s, absent: %s", m.name, path+suffix, here, no)
				}
			}
		}
		entries = append(entries, `{"request":{"method":"GET","url":"`+d.Key.String()+`"}}`)
		want = append(want, fmt.Sprint(m.may("r", d)))
	}
	status, raw := m.ask("POST", "", `{"resourceType":"Bundle","type":"batch","entry":[`+strings.Join(entries, ",")+`]}`)
	var b struct {
		Entry []struct{ Response struct{ Status string } }
	}
	if err := json.Unmarshal(raw, &b); err != nil || status != http.StatusOK || len(b.Entry) != len(want) {
		m.t.Fatalf("%s: batch: %d %.500s", m.name, status, raw)
	}
	for i, e := range b.Entry {
		if fmt.Sprint(strings.HasPrefix(e.Response.Status, "200")) != want[i] {
			m.t.Errorf("%s: batch, GET %s: %s", m.name, world.Docs[i].Key, e.Response.Status)
		}
	}
}

// finds searches a type, counts it and asks for its history; it gives what may be read.
func (m *matrix) finds(t fhir.Type, docs []*accesstest.Doc) (readable []string) {
	var found []string
	for _, d := range docs {
		if m.may("r", d) {
			readable = append(readable, d.Key.String())
		}
		if m.may("rs", d) {
			found = append(found, d.Key.String())
		}
	}
	base := "/" + string(t)
	got, total := m.keys(base + "?_count=1000&_total=accurate")
	m.want("search of "+base, got, found)
	if total != len(found) {
		m.t.Errorf("%s: total of %s: %d, want %d", m.name, base, total, len(found))
	}
	if _, total = m.keys(base + "?_summary=count"); total != len(found) {
		m.t.Errorf("%s: count of %s: %d, want %d", m.name, base, total, len(found))
	}
	got, _ = m.keys(base + "?_count=2&_sort=-_lastUpdated")
	m.want("pages of "+base, got, found)
	got, _ = m.keys("?_type=" + string(t) + "&_count=1000")
	m.want("search of all, "+base, got, found)
	got, _ = m.keys(base + "/_history?_count=1000")
	m.want("history of "+base, got, readable)
	return readable
}

// links asks by what leads from one resource to another: chains, _has, includes, compartments.
func (m *matrix) links(world *accesstest.World) {
	for _, t := range []fhir.Type{"Observation", "Condition", "Immunization", "Claim", "AllergyIntolerance", "Encounter"} {
		for _, p := range accesstest.Patients {
			patient := world.Get(fhir.Key{Type: "Patient", ID: p})
			var chained, included, pointing, inside []string
			for i := range world.Docs {
				d := &world.Docs[i]
				if d.Key.Type != t || !bytes.Contains(d.JSON, []byte(`"Patient/`+string(p)+`"`)) || !m.may("rs", d) {
					continue
				}
				inside = append(inside, d.Key.String())
				if m.may("rs", patient) {
					chained = append(chained, d.Key.String())
					pointing = []string{patient.Key.String()}
				}
				included = append(included, d.Key.String())
			}
			if len(included) > 0 && m.may("r", patient) {
				included = append(included, patient.Key.String())
			}
			got, _ := m.keys(fmt.Sprintf("/%s?patient._id=%s&_count=1000", t, p))
			m.want(fmt.Sprintf("chain from %s to %s", t, p), got, chained)
			got, _ = m.keys(fmt.Sprintf("/%s?patient=%s&_include=%s:patient&_count=1000", t, p, t))
			m.want(fmt.Sprintf("include from %s to %s", t, p), got, included)
			got, _ = m.keys(fmt.Sprintf("/Patient?_id=%s&_has:%s:patient:_lastUpdated=gt2000", p, t))
			m.want(fmt.Sprintf("_has from %s to %s", t, p), got, pointing)
			got, _ = m.keys(fmt.Sprintf("/Patient/%s/%s?_count=1000", p, t))
			if !m.may("r", patient) && len(got) == 0 {
				inside = nil
			}
			m.want(fmt.Sprintf("compartment of %s, %s", p, t), got, inside)
			var reverse []string
			if m.may("rs", patient) {
				reverse = []string{patient.Key.String()}
				for i := range world.Docs {
					if d := &world.Docs[i]; d.Key.Type == t && bytes.Contains(d.JSON, []byte(`"Patient/`+string(p)+`"`)) && m.may("r", d) {
						reverse = append(reverse, d.Key.String())
					}
				}
			}
			got, _ = m.keys(fmt.Sprintf("/Patient?_id=%s&_revinclude=%s:patient", p, t))
			m.want(fmt.Sprintf("revinclude from %s to %s", t, p), got, reverse)
		}
	}
}

// operations asks each operation, which is refused by its name unless it is allowed; $everything shows what may be read.
func (m *matrix) operations(h *rest.Server, world *accesstest.World) {
	for _, r := range h.Routes() {
		method, path, _ := strings.Cut(r, " ")
		_, name, is := strings.Cut(path, "$")
		if !is || m.reader.Operation(m.caller, name) {
			continue
		}
		path = strings.NewReplacer(":type", "Patient", ":id", "p1").Replace(path)
		if status, raw := m.ask(method, path, ""); status != http.StatusForbidden || !bytes.Contains(raw, []byte("operation-denied")) {
			m.t.Errorf("%s: %s %s: %d %s", m.name, method, path, status, raw)
		}
	}
	for _, p := range accesstest.Patients {
		got, _ := m.keys("/Patient/" + string(p) + "/$everything?_count=1000")
		patient := world.Get(fhir.Key{Type: "Patient", ID: p})
		if allowed := m.reader.Operation(m.caller, "everything") && m.may("r", patient); allowed != (len(got) > 0) {
			m.t.Errorf("%s: $everything of %s: %v, allowed %v", m.name, p, got, allowed)
		}
		for _, key := range got {
			if d := world.Get(fhir.ParseReference(key).Key); d == nil || !m.may("r", d) {
				m.t.Errorf("%s: $everything of %s shows %s", m.name, p, key)
			}
		}
	}
}

// transactions puts what may be changed of a type as it is, all at once, and then beside one that may not be changed: then
// nothing of it may land, whatever else is in it.
func (m *matrix) transactions(types map[fhir.Type][]*accesstest.Doc) {
	entry := func(d *accesstest.Doc, document string) string {
		return fmt.Sprintf(`{"resource":%s,"request":{"method":"PUT","url":"%s"}}`, document, d.Key)
	}
	send := func(entries []string) int {
		status, _ := m.ask("POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Join(entries, ",")+`]}`, "Prefer: return=minimal")
		return status
	}
	for _, t := range slices.Sorted(maps.Keys(types)) {
		var allowed []string
		var denied *accesstest.Doc
		for _, d := range types[t] {
			if m.may("u", d) {
				allowed = append(allowed, entry(d, string(d.JSON)))
			} else {
				denied = d
			}
		}
		if status := send(allowed); len(allowed) > 0 && status != http.StatusOK {
			m.t.Errorf("%s: a transaction of %d of %s that may be changed: %d", m.name, len(allowed), t, status)
		}
		if denied == nil {
			continue
		}
		marked := `{"resourceType":"Basic","implicitRules":"urn:x","code":{"text":"beside"}}`
		beside := append(allowed, entry(denied, string(denied.JSON)), `{"resource":`+marked+`,"request":{"method":"POST","url":"Basic"}}`)
		if status := send(beside); status == http.StatusOK {
			m.t.Errorf("%s: a transaction with %s, which may not be changed: %d", m.name, denied.Key, status)
		}
	}
	ours := &matrix{t: m.t, s: m.s, name: "load h2"}
	if got, _ := ours.keys("/Basic?code:text=beside"); len(got) > 0 {
		m.t.Errorf("%s: of a transaction that was refused %v is there", m.name, got)
	}
}

// changes tries to change each document: with what it is already, so that what is allowed changes nothing.
func (m *matrix) changes(world *accesstest.World) {
	ours := &matrix{t: m.t, s: m.s, name: "load h2"}
	for i := range world.Docs {
		d := &world.Docs[i]
		path := "/" + d.Key.String()
		if status, _ := m.ask("PUT", path, string(d.JSON), "Prefer: return=minimal"); (status == http.StatusOK) != m.may("u", d) {
			m.t.Errorf("%s: PUT %s: %d, allowed %v", m.name, path, status, m.may("u", d))
		}
		patch := `[{"op":"test","path":"/id","value":"` + string(d.Key.ID) + `"}]`
		if !m.may("ru", d) {
			patch = `[{"op":"add","path":"/implicitRules","value":"urn:x"}]`
		}
		if status, _ := m.ask("PATCH", path, patch, "Content-Type: application/json-patch+json", "Prefer: return=minimal"); (status == http.StatusOK) != m.may("ru", d) {
			m.t.Errorf("%s: PATCH %s: %d, allowed %v", m.name, path, status, m.may("ru", d))
		}
		if status, _ := m.ask("PUT", "/"+string(d.Key.Type)+"?_id="+string(d.Key.ID), string(d.JSON), "Prefer: return=minimal"); status == http.StatusOK && !m.may("rsu", d) {
			m.t.Errorf("%s: conditional PUT %s: %d", m.name, path, status)
		}
		if m.may("d", d) {
			continue
		}
		for _, target := range []string{path, "/" + string(d.Key.Type) + "?_id=" + string(d.Key.ID)} {
			m.ask("DELETE", target, "")
		}
		if status, _ := ours.ask("GET", path+"/_history/2", ""); status != http.StatusNotFound {
			m.t.Fatalf("%s: DELETE %s had an effect", m.name, path)
		}
	}
}

// creates tries to create what is there already: whether it is, only those are told who see it.
func (m *matrix) creates(world *accesstest.World) {
	for _, t := range r4.Types() {
		for _, r := range accesstest.Relations[:3] {
			d := world.Get(fhir.Key{Type: t, ID: r.ID(t)})
			status, raw := m.ask("POST", "/"+string(t), string(d.JSON), "If-None-Exist: _id="+string(d.Key.ID), "Prefer: return=minimal")
			switch seen := m.may("rs", d); {
			case status == http.StatusOK && seen:
			case status == http.StatusCreated && m.may("c", d) && !seen:
			case status == http.StatusForbidden && !m.may("c", d):
			default:
				m.t.Errorf("%s: conditional POST %s: %d %s (seen %v, may create %v)", m.name, d.Key, status, raw, seen, m.may("c", d))
			}
		}
	}
}

// sends sends what names a hospital, a Claim and an Encounter of its episode, a stay there, a Patient of its number and a Location of its, in every way: as
// something new, and in the place of what the caller sent before. The hospital whose it is may, and who is registered for it.
func (m *matrix) sends() {
	for hospital := range accesstest.Codes {
		for what, text := range map[string]func(fhir.ID, string) string{"claim": accesstest.ClaimOf, "encounter": accesstest.EncounterOf, "stay": accesstest.StayOf, "patient": accesstest.PatientOf, "location": accesstest.LocationOf} {
			id := strings.ToLower(fmt.Sprintf("sent-%s-%s-%s", strings.NewReplacer(" ", "", ",", "").Replace(m.name), what, hospital))
			doc := accesstest.Made(m.t, m.caller.Organization, text(hospital, id))
			typ := string(doc.Key.Type)
			entry := func(method, path, body string) string {
				return `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":` + body + `,"request":{"method":"` + method + `","url":"` + path + `"}}]}`
			}
			type way struct{ method, path, body, header string }
			ways := map[string]way{
				"POST":                {"POST", "/" + typ, text(hospital, ""), ""},
				"POST, if none":       {"POST", "/" + typ, text(hospital, ""), "If-None-Exist: _id=absent"},
				"PUT":                 {"PUT", "/" + typ + "/" + id, string(doc.JSON), ""},
				"PUT by criteria":     {"PUT", "/" + typ + "?_id=" + id + "-c", text(hospital, id+"-c"), ""},
				"transaction":         {"POST", "", entry("POST", typ, text(hospital, "")), ""},
				"transaction, PUT":    {"POST", "", entry("PUT", typ+"/"+id+"-t", text(hospital, id+"-t")), ""},
				"transaction, absent": {"POST", "", entry("PUT", typ+"?_id="+id+"-u", text(hospital, id+"-u")), ""},
			}
			for other := range accesstest.Codes { // what it sent of another becomes one of this
				before := accesstest.Made(m.t, m.caller.Organization, text(other, id+"-of-"+string(other)))
				if other == hospital || !m.may("cu", before) {
					continue
				}
				m.ask("PUT", "/"+before.Key.String(), string(before.JSON))
				ways["update"] = way{"PUT", "/" + before.Key.String(), text(hospital, string(before.Key.ID)), ""}
				ways["patch"] = way{"PATCH", "/" + before.Key.String(), patchTo(doc), "Content-Type: application/json-patch+json"}
			}
			for name, w := range ways {
				headers := []string{"Prefer: return=minimal"}
				if w.header != "" {
					headers = append(headers, w.header)
				}
				status, raw := m.ask(w.method, w.path, w.body, headers...)
				may := m.may("c", doc)
				if name == "update" || name == "patch" {
					may = m.may("u", doc)
				}
				if (status < 300) != may || !may && status != http.StatusForbidden {
					m.t.Errorf("%s: %s of a %s of %s: %d %s, allowed %v", m.name, name, what, hospital, status, raw, may)
				}
			}
		}
	}
}

// patchTo is a JSON Patch that makes a document name the hospital that doc does.
func patchTo(doc *accesstest.Doc) string {
	for _, element := range []string{"identifier", "serviceProvider", "managingOrganization"} {
		if v := doc.Root.Get(element); v.Kind() != resource.None {
			return `[{"op":"replace","path":"/` + element + `","value":` + string(v.Raw()) + `}]`
		}
	}
	return "[]"
}

// deletes deletes what the policy allows.
func (m *matrix) deletes(world *accesstest.World) {
	ours := &matrix{t: m.t, s: m.s, name: "load h2"}
	for i := range world.Docs {
		d := &world.Docs[i]
		if !m.may("rsd", d) {
			continue
		}
		status, raw := m.ask("DELETE", "/"+d.Key.String(), "")
		if after, _ := ours.ask("GET", "/"+d.Key.String(), ""); status >= 300 || after != http.StatusGone {
			m.t.Errorf("%s: DELETE %s: %d %s, then %d", m.name, d.Key, status, raw, after)
		}
	}
}

// A Consent holds from the moment that it is answered on, also in the middle of paging, and until it is taken back.
func TestConsentHoldsAtOnce(t *testing.T) {
	_, s := matrixServer(t)
	callers := accesstest.Callers()
	hospital := &matrix{t: t, s: s, name: "hospital", caller: callers["hospital"]}
	ours := &matrix{t: t, s: s, name: "load h2"}
	put := func(key, body string) {
		t.Helper()
		typ, id, _ := strings.Cut(key, "/")
		if status, raw := ours.ask("PUT", "/"+key, `{"resourceType":"`+typ+`","id":"`+id+`"`+body+`}`); status >= 300 {
			t.Fatalf("%d %s", status, raw)
		}
	}
	put("Patient/p", "")
	put("Encounter/e", `,"status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/p"},"serviceProvider":{"reference":"Organization/h1"}`)
	for i := range 4 {
		put(fmt.Sprint("Observation/o", i), `,"status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p"},"encounter":{"reference":"Encounter/e"}`)
	}
	consent := func(status string) {
		put("Consent/c", `,"status":"`+status+`","scope":{"coding":[{"code":"patient-privacy"}]},"category":[{"text":"x"}],"patient":{"reference":"Patient/p"},`+
			`"provision":{"type":"deny","actor":[{"role":{"text":"recipient"},"reference":{"reference":"Organization/h1"}}],"class":[{"code":"Observation"}]}`)
	}
	page := func(path string) (n int, next string) {
		t.Helper()
		status, raw := hospital.ask("GET", path, "")
		var b struct {
			Link  []struct{ Relation, URL string }
			Entry []struct{ Resource struct{ ResourceType string } }
		}
		if err := json.Unmarshal(raw, &b); err != nil || status != http.StatusOK {
			t.Fatalf("GET %s: %d %s", path, status, raw)
		}
		for _, l := range b.Link {
			if l.Relation == "next" {
				next = strings.TrimPrefix(l.URL, s.base)
			}
		}
		for _, e := range b.Entry {
			if e.Resource.ResourceType == "Observation" {
				n++
			}
		}
		return n, next
	}
	n, next := page("/Observation?_count=1")
	if n != 1 || next == "" {
		t.Fatalf("first page: %d, next %q", n, next)
	}
	rest := 0 // of $everything, from the second page on
	_, second := page("/Patient/p/$everything?_count=2")
	if second == "" {
		t.Fatal("$everything has one page")
	}
	everything := func() (n int) {
		for next := second; next != ""; {
			var found int
			found, next = page(next)
			n += found
		}
		return n
	}
	if rest = everything(); rest < 2 {
		t.Fatalf("%d Observations on the later pages of $everything", rest)
	}
	for _, c := range []struct {
		status string
		page   int
		read   int
	}{{"active", 0, http.StatusNotFound}, {"inactive", 1, http.StatusOK}, {"active", 0, http.StatusNotFound}} {
		consent(c.status)
		if n, _ := page(next); n != c.page {
			t.Errorf("%s: %d on the page after", c.status, n)
		}
		if n := everything(); n != c.page*rest {
			t.Errorf("%s: %d Observations on the later pages of $everything, of %d", c.status, n, rest)
		}
		if status, _ := hospital.ask("GET", "/Observation/o3", ""); status != c.read {
			t.Errorf("%s: read %d", c.status, status)
		}
		if status, _ := hospital.ask("GET", "/Encounter/e", ""); status != http.StatusOK {
			t.Errorf("%s: the Consent is about Observations: %d", c.status, status)
		}
	}
}
