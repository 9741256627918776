package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir/tabular"
)

// office is a registry with two invented children of one commune, asked as over HTTP.
type office struct {
	*testing.T
	node *node
}

const officeBase = "http://registry.example/fhir"

func newOffice(t *testing.T) office {
	t.Helper()
	n, err := openNode(t.Context(), config.Server{Data: t.TempDir(), BaseURL: officeBase, SIDBase: "https://lienthong.example", MaxBody: 1 << 20, MaxEntries: 100}, officeBase, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.close(); err != nil {
			t.Error(err)
		}
	})
	o := office{t, n}
	for i := range 2 {
		if status, _, raw := o.ask("POST", "", registered(3*i)); status != 200 {
			t.Fatalf("%d %s", status, raw)
		}
	}
	o.counts()
	return o
}

// counts has the counters follow.
func (o office) counts() {
	o.Helper()
	if err := o.node.registry.CatchUp(ours(o.Context())); err != nil {
		o.Fatal(err)
	}
}

// ask gives status, headers and body; headers come in pairs.
func (o office) ask(method, path, body string, headers ...string) (int, http.Header, string) {
	o.Helper()
	r := httptest.NewRequest(method, officeBase+"/"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/fhir+json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	o.node.handler.ServeHTTP(w, r)
	return w.Code, w.Header(), w.Body.String()
}

// What a browser and some clients accept.
const (
	browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
	client  = "application/fhir+json;q=1.0, application/json+fhir;q=0.9"
)

// TestFormatsOfTheRegistry asks each operation for each format in each way: format=, _format= and Accept mean the same.
func TestFormatsOfTheRegistry(t *testing.T) {
	o := newOffice(t)
	json, page := [2]string{"application/fhir+json", `{"resourceType":`}, [2]string{"text/html", "<!DOCTYPE html>"}
	csv, xlsx := [2]string{"text/csv", "\xef\xbb\xbf"}, [2]string{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "PK"}
	for _, operation := range []struct{ path, has, charts string }{
		{"$immunization-coverage?cohort=2025&by=commune,cohort", "Xã 0", "<svg"},
		{"$immunization-due?commune=X%C3%A3%200&until=2025-04-01", "Synthetic", "<table>"},
		{"$immunization-recall?lot=l-1", "Synthetic", "<table>"},
	} {
		for _, c := range []struct {
			query, accept string
			want          [2]string
		}{
			{"", "", json}, {"", "*/*", json}, {"", client, json}, {"&_format=json", browser, json}, {"&format=json", browser, json},
			{"&_format=application/fhir%2Bjson", "", json}, {"&_format=application/fhir+json", "text/csv", json},
			{"", browser, page}, {"&_format=html", "", page}, {"&_format=text/html", client, page},
			{"", "text/csv", csv}, {"&_format=csv", browser, csv}, {"&format=csv", client, csv}, {"&_format=text/csv", "", csv}, {"&format=csv&_format=json", "", csv},
			{"", "application/pdf, text/csv;q=0.2, application/json;q=0.1", csv}, {"", "text/*", page},
			{"&format=xlsx", "", xlsx}, {"", xlsx[0], xlsx}, {"&_format=xlsx", "", xlsx},
		} {
			status, header, body := o.ask("GET", operation.path+c.query, "", "Accept", c.accept)
			if status != 200 || !strings.HasPrefix(header.Get("Content-Type"), c.want[0]) || !strings.HasPrefix(body, c.want[1]) {
				t.Errorf("%s%s, Accept: %s: %d %s %.80q, want %s", operation.path, c.query, c.accept, status, header.Get("Content-Type"), body, c.want[0])
				continue
			}
			if c.want == xlsx {
				table, _, err := tabular.Read([]byte(body), tabular.DefaultLimits)
				if err != nil || len(table.Rows) == 0 {
					t.Errorf("%s%s: %v", operation.path, c.query, err)
				}
				body = fmt.Sprint(table)
			}
			if !strings.Contains(body, operation.has) && c.want != json || c.want == page && !strings.Contains(body, operation.charts) {
				t.Errorf("%s%s lacks %q or %q: %.2000s", operation.path, c.query, operation.has, operation.charts, body)
			}
			if c.want == csv != strings.Contains(header.Get("Content-Disposition"), ".csv") {
				t.Errorf("%s%s: a file called %q", operation.path, c.query, header.Get("Content-Disposition"))
			}
		}
		for _, c := range []struct {
			query, accept string
			status        int
			code          string
		}{
			{"&_format=xml", "", 406, "operation-format"}, {"&_format=pdf", "", 406, "operation-format"}, {"&_format=application/fhir%2Bjson;fhirVersion=3.0", "", 406, "operation-format"},
			{"", "application/pdf", 406, "operation-accept"}, {"", "application/fhir+xml", 406, "operation-accept"}, {"", "text/csv;q=0", 406, "operation-accept"},
			{"", "application/fhir+json; fhirVersion=3.0", 406, "operation-accept"},
			{"&format=pdf", "", 400, "operation-format"}, {"&format=", "", 400, "operation-format"}, {"&lang=fr", "", 400, "registry-parameter"}, {"&other=1", "", 400, "operation-parameter-unknown"},
		} {
			status, _, body := o.ask("GET", operation.path+c.query, "", "Accept", c.accept)
			if status != c.status || !strings.Contains(body, c.code) || c.code == "operation-format" && !strings.Contains(body, "csv") {
				t.Errorf("%s%s, Accept: %s: %d %.300s, want %d %s", operation.path, c.query, c.accept, status, body, c.status, c.code)
			}
		}
		for _, lang := range []string{"vi", "en"} {
			_, _, byHeader := o.ask("GET", operation.path+"&format=csv", "", "Accept-Language", lang)
			if _, _, byName := o.ask("GET", operation.path+"&format=csv&lang="+lang, ""); byName != byHeader {
				t.Errorf("%s: lang=%s is not Accept-Language: %s", operation.path, lang, lang)
			}
		}
		path, query, _ := strings.Cut(operation.path, "?")
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		var parameters []string
		for name := range q {
			parameters = append(parameters, fmt.Sprintf(`{"name":%q,"valueString":%q}`, name, q.Get(name)))
		}
		posted := `{"resourceType":"Parameters","parameter":[{"name":"format","valueCode":"csv"},` + strings.Join(parameters, ",") + `]}`
		_, _, got := o.ask("GET", operation.path+"&format=csv", "")
		if status, _, body := o.ask("POST", path, posted); status != 200 || body != got {
			t.Errorf("%s by POST: %d %.200s", path, status, body)
		}
	}
}

// TestListsOverHTTP goes from page to page as a browser and as a client, and asks what cannot be.
func TestListsOverHTTP(t *testing.T) {
	o := newOffice(t)
	for _, path := range []string{"$immunization-due?commune=X%C3%A3%200&until=2025-04-01&_count=1", "$immunization-recall?lot=L-1&_count=1"} {
		seen := map[string]int{}
		pages := 0
		for at := path; at != ""; pages++ {
			status, _, body := o.ask("GET", at, "")
			if status != 200 || pages > 3 {
				t.Fatalf("%s: %d %.300s", at, status, body)
			}
			for _, child := range []string{`"id":"k0"`, `"id":"k3"`} {
				seen[child] += strings.Count(body, child)
			}
			_, next, found := strings.Cut(body, `"relation":"next","url":"`+officeBase+"/")
			if at = ""; found {
				at, _, _ = strings.Cut(next, `"`)
				if strings.Contains(at, "format=") {
					t.Errorf("the link names a format that was not asked for, so that a browser gets no page: %s", at)
				}
			}
		}
		if seen[`"id":"k0"`] != 1 || seen[`"id":"k3"`] != 1 {
			t.Errorf("%s: %v on %d pages", path, seen, pages)
		}
	}
	for path, want := range map[string]string{
		"$immunization-due": "registry-whose", "$immunization-due?commune=X%C3%A3%200&clinic=a": "registry-whose", "$immunization-due?commune=X%C3%A3%200&commune=a": "registry-whose",
		"$immunization-due?commune=nowhere": "registry-commune", "$immunization-coverage?commune=nowhere": "registry-commune",
		"$immunization-due?commune=X%C3%A3%200&_count=0": "registry-parameter", "$immunization-due?commune=X%C3%A3%200&_count=1001": "registry-parameter",
		"$immunization-due?commune=X%C3%A3%200&until=2026-02-29": "registry-parameter", "$immunization-due?commune=X%C3%A3%200&until=0001-01-01": "registry-parameter",
		"$immunization-due?commune=X%C3%A3%200&series=NO": "registry-parameter", "$immunization-due?commune=X%C3%A3%200&status=due": "registry-parameter",
		"$immunization-due?commune=X%C3%A3%200&after=x": "registry-mark", "$immunization-recall?lot=L-1&after=x": "registry-mark",
		"$immunization-recall": "registry-lot", "$immunization-recall?lot=+": "registry-lot", "$immunization-recall?lot=a&lot=b": "vaccination-parameter-twice",
		"$immunization-coverage?cohort=2026-2025": "registry-parameter", "$immunization-coverage?by=month": "registry-parameter",
	} {
		if status, _, body := o.ask("GET", path, "", "Accept-Language", "vi"); status < 400 || status >= 500 || !strings.Contains(body, `"code":"`+want+`"`) {
			t.Errorf("%s: %d %.300s, want %s", path, status, body, want)
		}
	}
}

// TestCertificateFormatsOverHTTP: the certificate is no FHIR; who wants FHIR JSON of it gets a Binary.
func TestCertificateFormatsOverHTTP(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys.json")
	if _, err := addKey(keys, time.Now()); err != nil {
		t.Fatal(err)
	}
	i := newIssuer(t, keys)
	for path, doc := range map[string]string{"Patient/p1": certifiedPatient, "Immunization/i1": certifiedDose} {
		if status, _, raw := i.ask("PUT", issuerBase+"/"+path, doc); status != 201 {
			t.Fatalf("%d %s", status, raw)
		}
	}
	for _, c := range []struct {
		query, accept string
		status        int
		media, begin  string
	}{
		{"", "", 200, "application/pdf", "%PDF-"}, {"", browser, 200, "application/pdf", "%PDF-"}, {"", "application/pdf", 200, "application/pdf", "%PDF-"},
		{"?_format=pdf", client, 200, "application/pdf", "%PDF-"}, {"?_format=application/pdf", "", 200, "application/pdf", "%PDF-"},
		{"", "image/png", 200, "image/png", "\x89PNG"}, {"", "image/*", 200, "image/png", "\x89PNG"}, {"?_format=image/svg%2Bxml", "", 200, "image/svg+xml", "<svg"},
		{"", "application/smart-health-card", 200, "application/smart-health-card", `{"verifiableCredential":["eyJ`}, {"?format=json", browser, 200, "application/smart-health-card", `{"verifiableCredential":["eyJ`},
		{"", client, 200, "application/fhir+json", `{"resourceType":"Binary","contentType":"application/pdf","data":"JVBERi0`}, {"?_format=json", browser, 200, "application/fhir+json", `{"resourceType":"Binary"`},
		{"?_format=xml", "", 406, "application/fhir+json", ""}, {"", "text/csv", 406, "application/fhir+json", ""}, {"?_format=html", "", 406, "text/html", ""},
	} {
		req := httptest.NewRequest("GET", issuerBase+"/Patient/p1/$immunization-certificate"+c.query, nil)
		req.Header.Set("Accept", c.accept)
		res, err := i.client.Transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != c.status || !strings.HasPrefix(res.Header.Get("Content-Type"), c.media) || !bytes.HasPrefix(body, []byte(c.begin)) {
			t.Errorf("%s, Accept: %s: %v %d %s %.100q", c.query, c.accept, err, res.StatusCode, res.Header.Get("Content-Type"), body)
		}
	}
}

// importBody is the Parameters of $immunization-import with a file.
func importBody(file, dryRun string) string {
	return `{"resourceType":"Parameters","parameter":[{"name":"file","resource":{"resourceType":"Binary","contentType":"text/csv","data":"` +
		base64.StdEncoding.EncodeToString([]byte(file)) + `"}}` + dryRun + `]}`
}

// TestImportOfDosesOverHTTP: a dry run changes nothing, the same file adds nothing twice, and each bad row is told with its place.
func TestImportOfDosesOverHTTP(t *testing.T) {
	o := newOffice(t)
	const head = "so_cccd;ho_ten;ngay_sinh;ngay_tiem;ma_vac_xin;so_lo\n"
	file := head + "051225000028;Trẻ Giả Định;10/01/2025;12/03/2025;198;GD-1\n" +
		"051225000028;Trẻ Giả Định;10/01/2025;09/01/2025;19;GD-2\n" + // before birth
		"051225000028;Trẻ Giả Định;10/01/2025;29/02/2025;19;GD-2\n" + // no such day
		"51225000028;Trẻ Giả Định;10/01/2025;12/03/2025;10;GD-3\n" // a number that lost its zero
	post := func(body string, headers ...string) string {
		t.Helper()
		status, _, raw := o.ask("POST", "$immunization-import", body, headers...)
		if status != 200 {
			t.Fatalf("%d %.500s", status, raw)
		}
		return raw
	}
	counts := func(dry string, added, present int) string {
		return fmt.Sprintf(`{"name":"dryRun","valueBoolean":%s},{"name":"added","valueInteger":%d},{"name":"present","valueInteger":%d},{"name":"refused","valueInteger":3}`, dry, added, present)
	}
	doses := func() string {
		_, _, raw := o.ask("GET", "Immunization?_summary=count", "")
		return raw
	}
	before := doses()
	dry := post(importBody(file, `,{"name":"dryRun","valueBoolean":true}`), "Accept-Language", "vi")
	if !strings.Contains(dry, counts("true", 1, 0)) || doses() != before {
		t.Errorf("the dry run: %.600s", dry)
	}
	for _, want := range []string{"dose-before-birth", `"column","valueString":"ngay_tiem"`, `"column","valueString":"so_cccd"`, "Ngày tiêm trước ngày sinh"} {
		if !strings.Contains(dry, want) {
			t.Errorf("the report lacks %s: %.3000s", want, dry)
		}
	}
	if got := post(importBody(file, "")); !strings.Contains(got, counts("false", 1, 0)) || doses() == before {
		t.Errorf("the import: %.600s", got)
	}
	after := doses()
	if got := post(importBody(file, "")); !strings.Contains(got, counts("false", 0, 1)) || doses() != after {
		t.Errorf("the same file again: %.600s", got)
	}
	binary := `{"resourceType":"Binary","contentType":"text/csv","data":"` + base64.StdEncoding.EncodeToString([]byte(file)) + `"}`
	if got := post(binary); !strings.Contains(got, counts("false", 0, 1)) {
		t.Errorf("a Binary alone: %.600s", got)
	}
	o.counts()
	if _, _, raw := o.ask("GET", "$immunization-recall?lot=GD-1&format=csv", ""); !strings.Contains(raw, "Trẻ Giả Định") {
		t.Errorf("the lot is not found: %s", raw)
	}
	for name, c := range map[string]struct {
		method, body string
		status       int
		code         string
	}{
		"no file":                     {"POST", `{"resourceType":"Parameters"}`, 400, "intake-body"},
		"another resource":            {"POST", `{"resourceType":"Patient"}`, 400, "intake-body"},
		"a file that is no Binary":    {"POST", `{"resourceType":"Parameters","parameter":[{"name":"file","resource":{"resourceType":"Patient"}}]}`, 400, "intake-body"},
		"no base64":                   {"POST", `{"resourceType":"Binary","data":"%%%"}`, 400, "intake-body"},
		"a dryRun that is no boolean": {"POST", importBody(file, `,{"name":"dryRun","valueString":"true"}`), 400, "intake-body"},
		"an unknown parameter":        {"POST", importBody(file, `,{"name":"x","valueString":"y"}`), 400, "operation-parameter-unknown"},
		"an empty file":               {"POST", importBody("", ""), 422, "intake-file"},
		"a file of other columns":     {"POST", importBody("a;b\n1;2\n", ""), 422, "intake"},
		"a file that is no table":     {"POST", importBody("PK\x03\x04 nothing", ""), 422, "intake"},
		"GET":                         {"GET", "", 405, "method-unknown"},
	} {
		if status, _, raw := o.ask(c.method, "$immunization-import", c.body); status != c.status || !strings.Contains(raw, c.code) {
			t.Errorf("%s: %d %.300s, want %d %s", name, status, raw, c.status, c.code)
		}
	}
	if doses() != after {
		t.Error("what was refused left something")
	}
}
