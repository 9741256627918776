package importing

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// folder writes files and gives the folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func importing(t *testing.T, f *fake, state string, paths ...string) *Report {
	t.Helper()
	r, err := Run(t.Context(), Options{Paths: paths, Target: f.target(), Senders: 3, State: state})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func state(t *testing.T) string { return filepath.Join(t.TempDir(), "marks") }

// transaction makes one with a POST entry for each name; each has an identifier of its own.
func transaction(names ...string) string {
	var entries []string
	for _, n := range names {
		entries = append(entries, fmt.Sprintf(`{"fullUrl":"urn:uuid:%s","resource":{"resourceType":"Patient","name":"%[1]s","identifier":[{"system":"s","value":"%[1]s"}]},"request":{"method":"POST","url":"Patient"}}`, n))
	}
	return `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(entries, ",") + `]}`
}

func packed(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.String()
}

// bunzip is {"resourceType":"Patient","id":"bz","name":"bz"} packed with bzip2.
const bunzip = "QlpoOTFBWSZTWYYYRYoAABcbgBAEABBEAD4j3jogACIkbEGiaeh6goAMRppo0fbN4sFIJIoJikSzjLvE0+/9roAzuo2C5Lou5IpwoSEMMIsU"

func TestEveryFormArrives(t *testing.T) {
	bz, err := base64.StdEncoding.DecodeString(bunzip)
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t, map[string]string{
		"a.json":             transaction("a1", "a2"),
		"b.json.gz":          packed(transaction("b1")),
		"c.ndjson":           "{\"resourceType\":\"Patient\",\"id\":\"c1\",\"name\":\"c1\"}\n\n{\"resourceType\":\"Patient\",\"id\":\"c2\",\"name\":\"c2\"}",
		"d.json":             "\xef\xbb\xbf{\n \"resourceType\": \"Patient\",\n \"id\": \"d1\", \"name\": \"d1\"\n}\n",
		"e.json":             `{"resourceType":"Patient","name":"e1"}`,
		"f.json":             `{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"Patient","id":"f1","name":"f1"}},{"search":{"mode":"outcome"}}]}`,
		"g.json.bz2":         string(bz),
		"note.txt":           "not data",
		"hospital.ndjson":    `{"resourceType":"Organization","id":"h1","name":"h1"}`,
		"practitioners.json": `{"resourceType":"Practitioner","id":"p1","name":"p1"}`,
	})
	f := newFake(t)
	r := importing(t, f, state(t), dir)
	got := f.names()
	if got[0] != "Organization/h1" || got[1] != "Practitioner/p1" {
		t.Errorf("hospitals and practitioners must come first: %v", got)
	}
	slices.Sort(got)
	want := []string{"Organization/h1", "Patient/a1", "Patient/a2", "Patient/b1", "Patient/bz", "Patient/c1", "Patient/c2", "Patient/d1", "Patient/e1", "Patient/f1", "Practitioner/p1"}
	if !slices.Equal(got, want) {
		t.Errorf("arrived %v, want %v", got, want)
	}
	if r.Total() != len(want) || r.Resources["Patient"] != 9 || r.Failed != 0 || r.Files != 9 {
		t.Errorf("report: %+v", r)
	}
}

func TestResourceWithoutIDFindsItselfAgain(t *testing.T) {
	dir := folder(t, map[string]string{"a.json": `{"resourceType":"Patient","name":"a"}`})
	f := newFake(t)
	importing(t, f, state(t), dir)
	importing(t, f, state(t), dir)
	if f.resources[0]["id"] == nil || f.resources[0]["id"] != f.resources[1]["id"] {
		t.Errorf("two runs gave ids %v and %v", f.resources[0]["id"], f.resources[1]["id"])
	}
}

func TestSecondRunSendsNothingThatIsDone(t *testing.T) {
	dir := folder(t, map[string]string{"a.json": transaction("a"), "b.ndjson": "{\"resourceType\":\"Patient\",\"id\":\"b1\"}\n{\"resourceType\":\"Patient\",\"id\":\"b2\"}"})
	f, s := newFake(t), state(t)
	importing(t, f, s, dir)
	r := importing(t, f, s, dir)
	if len(f.bundles) != 2 || r.Total() != 0 || r.Untouched != 2 {
		t.Errorf("%d requests, report %+v", len(f.bundles), r)
	}
}

func TestSameContentInTwoFilesGoesOnce(t *testing.T) {
	dir := folder(t, map[string]string{"a.json": transaction("a"), "a.json.gz": packed(transaction("a"))})
	f := newFake(t)
	if r := importing(t, f, state(t), dir); len(f.bundles) != 1 || r.Total() != 1 || r.Earlier != 1 {
		t.Errorf("%d requests, report %+v", len(f.bundles), r)
	}
}

func TestRefusedEntriesAreNamedAndTriedAgainAlone(t *testing.T) {
	dir := folder(t, map[string]string{"a.ndjson": `{"resourceType":"Patient","id":"p1","name":"good"}
{"resourceType":"Patient","id":"p2","name":"bad"}
{"resourceType":"Patient","id":"p3","name":"good"}`})
	f, s := newFake(t), state(t)
	f.refuse = func(r map[string]any) string {
		if r["name"] == "bad" {
			return "no such name"
		}
		return ""
	}
	r := importing(t, f, s, dir)
	var out strings.Builder
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	if r.Failed != 1 || r.Total() != 2 || !strings.Contains(out.String(), "1 × no such name") || !strings.Contains(out.String(), "a.ndjson, entry 2: Patient/p2") {
		t.Errorf("%+v\n%s", r, out.String())
	}
	f.refuse = nil
	if r = importing(t, f, s, dir); r.Total() != 1 || r.Failed != 0 || r.Earlier != 2 {
		t.Errorf("second run: %+v", r)
	}
	if strings.Contains(string(f.bundles[1]), "good") {
		t.Errorf("what had been taken was sent again: %s", f.bundles[1])
	}
	if r = importing(t, f, s, dir); r.Untouched != 1 || len(f.bundles) != 2 {
		t.Errorf("third run: %+v", r)
	}
}

func TestBrokenFileDoesNotStopTheOthers(t *testing.T) {
	dir := folder(t, map[string]string{"a.json": `{"resourceType":"Pat`, "b.json.gz": "\x1f\x8bno", "c.json": transaction("c"), "d.json": `{"a":1}`, "e.ndjson": "{\"resourceType\":\"Patient\",\"id\":\"e\"}\n[]"})
	f := newFake(t)
	r := importing(t, f, state(t), dir)
	if r.Failed != 4 || r.Resources["Patient"] != 2 {
		t.Errorf("%+v", r)
	}
}

func TestLostAnswerOfATransactionIsAskedForNotRepeated(t *testing.T) {
	dir := folder(t, map[string]string{"a.json": transaction("a1", "a2")})
	f := newFake(t)
	var once bool
	f.fault = func(w http.ResponseWriter, _ []byte, committed bool) bool {
		if !committed || once {
			return false
		}
		once = true
		panic(http.ErrAbortHandler) // the connection dies after the commit
	}
	r := importing(t, f, state(t), dir)
	if got := f.names(); len(got) != 2 || r.Earlier != 2 || r.Doubtful != 0 {
		t.Errorf("the server has %v, report %+v", got, r)
	}
}

func TestRequestLostBeforeTheCommitIsRepeated(t *testing.T) {
	dir := folder(t, map[string]string{"a.json": transaction("a1", "a2")})
	f := newFake(t)
	tries := 0
	f.fault = func(w http.ResponseWriter, _ []byte, committed bool) bool {
		if tries++; !committed && tries <= 2 {
			w.WriteHeader([]int{http.StatusServiceUnavailable, http.StatusTooManyRequests}[tries-1])
			return true
		}
		return false
	}
	if r := importing(t, f, state(t), dir); len(f.names()) != 2 || r.Total() != 2 {
		t.Errorf("the server has %v, report %+v", f.names(), r)
	}
}

func TestCrashBetweenAnswerAndMarkDoublesNothing(t *testing.T) {
	dir := folder(t, map[string]string{"a.json": transaction("a1", "a2")})
	f, s := newFake(t), state(t)
	importing(t, f, s, dir)
	raw, err := os.ReadFile(s)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := bytes.Cut(raw, []byte("\n"))
	if !bytes.Contains(first, []byte(`"sent"`)) {
		t.Fatalf("the first mark must say that the bundle is about to go: %s", raw)
	}
	cut := append(append(first, '\n'), `{"mark":"done","ha`...) // what a crash leaves
	if err := os.WriteFile(s, cut, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := importing(t, f, s, dir); len(f.bundles) != 1 || r.Earlier != 2 || r.Doubtful != 0 {
		t.Errorf("%d requests, report %+v", len(f.bundles), r)
	}
}

func TestWhatCannotBeAskedForIsReportedAsPerhapsDoubled(t *testing.T) {
	bundle := `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}]}`
	dir := folder(t, map[string]string{"a.json": bundle})
	f, s := newFake(t), state(t)
	importing(t, f, s, dir)
	raw, _ := os.ReadFile(s)
	first, _, _ := bytes.Cut(raw, []byte("\n"))
	if err := os.WriteFile(s, append(first, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	r := importing(t, f, s, dir)
	var out strings.Builder
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	if r.Doubtful != 1 || !strings.Contains(out.String(), "may now be there twice") {
		t.Errorf("%+v\n%s", r, out.String())
	}
}

func TestMarksOfAnotherStoreCountForNothing(t *testing.T) {
	dir := folder(t, map[string]string{"a.json": transaction("a")})
	s := state(t)
	importing(t, newFake(t), s, dir)
	fresh := newFake(t)
	fresh.resources = nil
	if r := importing(t, fresh, s, dir); !r.Restarted || r.Total() != 1 {
		t.Errorf("%+v", r)
	}
}

func TestTwoImportsDoNotShareAStateFile(t *testing.T) {
	s := state(t)
	m, err := openMarks(s, false)
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t, map[string]string{"a.json": transaction("a")})
	if _, err := Run(t.Context(), Options{Paths: []string{dir}, Target: newFake(t).target(), State: s}); err == nil || !strings.Contains(err.Error(), "another import") {
		t.Errorf("error %v", err)
	}
	if err := m.close(); err != nil {
		t.Fatal(err)
	}
}

func TestServerOutOfReachEndsInWordsAndTheNextRunContinues(t *testing.T) {
	dir := folder(t, map[string]string{"a-hospital.json": transaction("a"), "b.json": transaction("b")})
	f, s := newFake(t), state(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.fault = func(_ http.ResponseWriter, body []byte, committed bool) bool {
		if committed && bytes.Contains(body, []byte("urn:uuid:a")) {
			cancel() // Ctrl-C while the first is answered
		}
		return false
	}
	_, err := Run(ctx, Options{Paths: []string{dir}, Target: f.target(), State: s})
	if err == nil {
		t.Fatal("a cancelled import reported success")
	}
	f.fault = nil
	importing(t, f, s, dir)
	if got := f.names(); len(got) != 2 {
		t.Errorf("the server has %v", got)
	}
	if _, err := Run(t.Context(), Options{Paths: []string{filepath.Join(dir, "none*.json")}, Target: f.target(), State: s}); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("error %v", err)
	}
}

func TestLargeFilesAreCutIntoBatches(t *testing.T) {
	var lines strings.Builder
	for i := range 2*batchEntries + 5 {
		fmt.Fprintf(&lines, "{\"resourceType\":\"Patient\",\"id\":\"p%d\"}\n", i)
	}
	f := newFake(t)
	r := importing(t, f, state(t), folder(t, map[string]string{"a.ndjson": lines.String()}))
	if len(f.bundles) != 3 || r.Total() != 2*batchEntries+5 {
		t.Errorf("%d requests, report %+v", len(f.bundles), r)
	}
}

func TestABrokenLineCostsOnlyItself(t *testing.T) {
	cut := packed(strings.Repeat("{\"resourceType\":\"Patient\",\"id\":\"z\"}\n", 3) + base64.StdEncoding.EncodeToString(make([]byte, 9000)))
	dir := folder(t, map[string]string{
		"a.ndjson": `{"resourceType":"Pat
{"resourceType":"Patient","id":"p1"}
{"id":"p2"}
{"resourceType":"Patient","id":"p3"}
{"resourceType":"Patient","id":"p4"
{"resourceType":"Patient","id":"p5"}`,
		"b.ndjson.gz": cut[:len(cut)-20],
	})
	f, s := newFake(t), state(t)
	r := importing(t, f, s, dir)
	var out strings.Builder
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	if n := r.Resources["Patient"]; n < 3 {
		t.Errorf("%d resources arrived", n)
	}
	for _, want := range []string{"a.ndjson, line 3: not read", "a.ndjson, line 1", "5", "cannot be read from line"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	sent := len(f.bundles)
	if r := importing(t, f, s, dir); len(f.bundles) != sent || r.Total() != 0 || r.Failed < 3 {
		t.Errorf("the second run sent %d requests, report %+v", len(f.bundles)-sent, r)
	}
}

func TestRanges(t *testing.T) {
	for want, lines := range map[string][]int{"line 3": {3}, "lines 3, 7-9, 12": {3, 7, 8, 9, 12}, "lines 1-2": {1, 2}} {
		if got := ranges(lines); got != want {
			t.Errorf("%v: %q", lines, got)
		}
	}
}

func TestAnAddressWithoutAFHIRServerIsSaidOnce(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	dir := folder(t, map[string]string{"a.json": transaction("a"), "b.json": transaction("b")})
	r, err := Run(t.Context(), Options{Paths: []string{dir}, Target: Target{Base: web.URL, Client: web.Client()}, State: state(t)})
	if err == nil || !strings.Contains(err.Error(), "there is no FHIR server at") || r.Failed != 0 || r.Files != 0 {
		t.Errorf("%v, %+v", err, r)
	}
}
