package importing

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// fake is a FHIR server that remembers what was posted to it. fault, when set, is asked before (commit false) and after
// (commit true) each request takes effect, and may answer in the server's place.
type fake struct {
	*httptest.Server
	mu        sync.Mutex
	bundles   [][]byte
	resources []map[string]any // as they came, transactions' POSTs included
	fault     func(w http.ResponseWriter, body []byte, committed bool) bool
	refuse    func(resource map[string]any) string
}

func newFake(t *testing.T) *fake {
	f := &fake{}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) target() Target { return Target{Base: f.URL + "/fhir", Client: f.Client()} }

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		f.get(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	if f.fault != nil && f.fault(w, body, false) {
		return
	}
	var bundle struct {
		Type  string
		Entry []struct {
			Resource map[string]any
			Request  struct{ Method, URL string }
		}
	}
	if err := json.Unmarshal(body, &bundle); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	f.bundles = append(f.bundles, body)
	var entries []string
	for i, e := range bundle.Entry {
		if why := f.refused(e.Resource); why != "" {
			entries = append(entries, fmt.Sprintf(`{"response":{"status":"422","outcome":{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invalid","details":{"text":%q}}]}}}`, why))
			continue
		}
		if e.Request.Method == "POST" {
			e.Resource["id"] = fmt.Sprintf("n%d", len(f.resources))
		}
		f.resources = append(f.resources, e.Resource)
		entries = append(entries, fmt.Sprintf(`{"response":{"status":"201","location":"%v/%v/_history/1"}}`, e.Resource["resourceType"], e.Resource["id"]))
		_ = i
	}
	f.mu.Unlock()
	if f.fault != nil && f.fault(w, body, true) {
		return
	}
	fmt.Fprintf(w, `{"resourceType":"Bundle","type":"%s-response","entry":[%s]}`, bundle.Type, strings.Join(entries, ","))
}

func (f *fake) refused(r map[string]any) string {
	if f.refuse == nil {
		return ""
	}
	return f.refuse(r)
}

// get answers a read, and a count by identifier.
func (f *fake) get(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/fhir/"), "/")
	if path[0] == "metadata" {
		fmt.Fprint(w, `{"resourceType":"CapabilityStatement"}`)
		return
	}
	n := 0
	for _, res := range f.resources {
		if res["resourceType"] != path[0] {
			continue
		}
		if len(path) == 2 && res["id"] == path[1] {
			fmt.Fprint(w, `{"resourceType":"Basic"}`)
			return
		}
		if ids, ok := res["identifier"].([]any); ok {
			id := ids[0].(map[string]any)
			if fmt.Sprintf("%v|%v", id["system"], id["value"]) == r.URL.Query().Get("identifier") {
				n++
			}
		}
	}
	if len(path) == 2 {
		http.NotFound(w, r)
		return
	}
	fmt.Fprintf(w, `{"resourceType":"Bundle","type":"searchset","total":%d}`, n)
}

// names lists what the server has, as "Type/name" in order of arrival.
func (f *fake) names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, r := range f.resources {
		out = append(out, fmt.Sprintf("%v/%v", r["resourceType"], r["name"]))
	}
	return out
}
