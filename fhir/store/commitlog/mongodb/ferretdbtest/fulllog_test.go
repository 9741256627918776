package ferretdbtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// ferretBehind is FerretDB on one folder, behind a proxy, which can be stopped and started under other settings of SQLite.
type ferretBehind struct {
	dir   string
	proxy *Proxy
	stop  func()
}

func (f *ferretBehind) start(t *testing.T, pragmas ...string) Server {
	t.Helper()
	uri, stop, err := StartFerret(f.dir, pragmas...)
	if err != nil {
		t.Fatal(err)
	}
	f.stop = stop
	s := Server{"ferretdb", inDatabase(uri, "full"), true, strings.Trim(strings.TrimPrefix(uri, "mongodb://"), "/")}
	if f.proxy == nil {
		f.proxy = NewProxy(t, s, 1)
	}
	f.proxy.To(s.Direct)
	return s
}

func (f *ferretBehind) again(t *testing.T, pragmas ...string) {
	t.Helper()
	f.stop()
	f.start(t, pragmas...)
}

// code gives that of an OperationOutcome.
func code(raw []byte) string {
	var o struct {
		Issue []struct {
			Details struct {
				Coding []struct{ Code string }
			}
		}
	}
	if json.Unmarshal(raw, &o) != nil || len(o.Issue) == 0 || len(o.Issue[0].Details.Coding) == 0 {
		return ""
	}
	return o.Issue[0].Details.Coding[0].Code
}

// TestLogThatTakesNothing: the shared log is full, or may only be read. Writes are refused in words of either language, reads are
// answered, /readyz is red; when the log takes commits again all goes on by itself, what was acknowledged is there once and what
// was refused is not.
func TestLogThatTakesNothing(t *testing.T) {
	for name, pragma := range map[string]string{"full": "max_page_count(1)", "read-only": "query_only(1)"} {
		t.Run("DURABLE/"+name, func(t *testing.T) { takesNothing(t, pragma) })
	}
}

func takesNothing(t *testing.T, pragma string) {
	f := &ferretBehind{dir: t.TempDir()}
	s := f.start(t)
	defer func() { f.stop() }()
	s.URI = f.proxy.URI
	p := newProcess(t, s, "--log-timeout", "20s")
	told := map[string]string{} // by id: "" = acknowledged, else the code
	put := func(language string) (string, string) {
		id := fmt.Sprint("b", len(told))
		status, raw, err := p.put(id, noise(len(told), 20_000), "Accept-Language", language)
		switch {
		case err != nil:
			t.Fatal(err)
		case status < 300:
			told[id] = ""
		case status == http.StatusServiceUnavailable && code(raw) != "":
			told[id] = code(raw)
		default:
			t.Fatalf("%d %s", status, raw)
		}
		return told[id], string(raw)
	}
	readyz := func() (int, string) {
		status, raw, _, err := exchange(http.MethodGet, strings.TrimSuffix(p.url(), "/fhir")+"/readyz", "")
		if err != nil {
			t.Fatal(err)
		}
		return status, string(raw)
	}
	for range 5 {
		if said, raw := put("en"); said != "" {
			t.Fatal(raw)
		}
	}
	f.again(t, pragma)
	until(t, "a refusal", func() bool { said, _ := put("en"); return said == "log-refused" })
	for language, words := range map[string]string{"en": "may only be read", "vi": "chỉ được đọc"} {
		if _, raw := put(language); !strings.Contains(raw, words) {
			t.Errorf("%s: %s", language, raw)
		}
	}
	if status, raw := readyz(); status != http.StatusServiceUnavailable || !strings.Contains(raw, "log-refused") {
		t.Errorf("/readyz: %d %s", status, raw)
	}
	if status, raw, _, err := exchange(http.MethodGet, p.url()+"/Basic/b0", ""); err != nil || status != http.StatusOK {
		t.Errorf("a read: %d %s %v", status, raw, err)
	}
	f.again(t)
	until(t, "a ready server", func() bool { status, _ := readyz(); return status == http.StatusOK })
	until(t, "a write", func() bool { said, _ := put("en"); return said == "" })
	for name, p := range map[string]*process{"the same server": p, "a new server": newProcess(t, s)} {
		for id, said := range told {
			status, raw, _, err := exchange(http.MethodGet, p.url()+"/Basic/"+id+"/_history", "")
			var b struct{ Total int }
			if err == nil && status == http.StatusOK {
				err = json.Unmarshal(raw, &b)
			}
			if err != nil || b.Total > 1 || said == "" && b.Total != 1 || said == "log-refused" && status != http.StatusNotFound {
				t.Errorf("%s: %s was told %q; now %d with %d versions, %v", name, id, said, status, b.Total, err)
			}
		}
	}
	t.Logf("%d writes", len(told))
}

// noise is text that does not pack.
func noise(seed, n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz012345"
	b := make([]byte, n)
	x := uint64(seed)*2654435761 + 1
	for i := range b {
		x = x*6364136223846793005 + 1442695040888963407
		b[i] = letters[x>>59]
	}
	return string(b)
}
