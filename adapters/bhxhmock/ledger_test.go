package bhxhmock_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/adapters/bhxhmock"
)

// written is a ledger of some requests, and its folder.
func written(t *testing.T) (dir string, lines [][]byte) {
	t.Helper()
	dir = t.TempDir()
	p := start(t, bhxhmock.Options{Dir: dir})
	p.send(small("LK1", "", 1000))
	p.send(small("LK1", "", 1000))
	p.send([]byte("x"))
	p.send(small("LK2", "", 1000))
	if err := p.mock.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, bhxhmock.LedgerFile))
	if err != nil {
		t.Fatal(err)
	}
	return dir, bytes.SplitAfter(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n"))
}

// Whatever is done to a row, or to which rows there are, is seen, and then nothing is touched. Only the end can be cut off
// without a trace in the file itself, and that shows against a head that was written down.
func TestAChangedLedgerIsSeen(t *testing.T) {
	dir, lines := written(t)
	join := func(l ...[]byte) []byte { return bytes.Join(l, nil) }
	last := append(bytes.Clone(lines[3]), '\n')
	whole := join(lines[0], lines[1], lines[2], last)
	sum, err := bhxhmock.Verify(bytes.NewReader(whole), "")
	if err != nil || sum.Head.N != 4 || sum.Requests != 4 || sum.Effects != 3 || sum.Refused != 1 || len(sum.Twice) != 1 || !strings.Contains(sum.Twice[0], "LK1") {
		t.Fatalf("%+v %v", sum, err)
	}
	path := filepath.Join(dir, bhxhmock.LedgerFile)
	for name, damaged := range map[string][]byte{
		"a byte":           bytes.Replace(whole, []byte(`"bhtt":"1000"`), []byte(`"bhtt":"9000"`), 1),
		"first taken out":  join(lines[1], lines[2], last),
		"middle taken out": join(lines[0], lines[2], last),
		"order":            join(lines[0], lines[2], lines[1], last),
		"a row twice":      join(lines[0], lines[0], lines[1], lines[2], last),
		"no JSON":          join(lines[0], []byte("xxxx\n"), lines[2], last),
	} {
		if _, err := bhxhmock.Verify(bytes.NewReader(damaged), ""); err == nil {
			t.Errorf("%s: not seen", name)
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := bhxhmock.New(bhxhmock.Options{Dir: dir}); err == nil {
			t.Errorf("%s: a mock goes on with it", name)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, damaged) {
			t.Errorf("%s: the file was touched", name)
		}
	}
	short, err := bhxhmock.Verify(bytes.NewReader(join(lines[0], lines[1], lines[2])), sum.Head.SHA256)
	if err != nil || short.Head == sum.Head || short.Found {
		t.Errorf("a ledger that was cut has the same head: %+v %v", short, err)
	}
	if grown, err := bhxhmock.Verify(bytes.NewReader(whole), short.Head.SHA256); err != nil || !grown.Found {
		t.Errorf("a ledger that has grown has its earlier head no more: %+v %v", grown, err)
	}
}

// A crash can leave any part of a row that was never acknowledged: it is cut off, and all before it stands.
func TestALedgerThatWasCutGoesOn(t *testing.T) {
	_, lines := written(t)
	kept := bytes.Join(lines[:3], nil)
	for n := 0; n <= len(lines[3]); n += 17 {
		dir := t.TempDir()
		path := filepath.Join(dir, bhxhmock.LedgerFile)
		if err := os.WriteFile(path, append(bytes.Clone(kept), lines[3][:n]...), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := bhxhmock.New(bhxhmock.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatalf("cut after %d bytes of the last row: %v", n, err)
		}
		rows := m.Rows()
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if now, err := os.ReadFile(path); err != nil || len(rows) != 3 || !bytes.Equal(now, kept) {
			t.Fatalf("cut after %d bytes of the last row: %d rows", n, len(rows))
		}
	}
}

func TestTheExportTellsItsHead(t *testing.T) {
	p := start(t, bhxhmock.Options{})
	for n := range 4 {
		res, raw := p.get("/ledger.ndjson")
		sum, err := bhxhmock.Verify(bytes.NewReader(raw), res.Header.Get("Ledger-Head"))
		if err != nil || res.Header.Get("Ledger-Rows") != strconv.Itoa(n) || res.Header.Get("Ledger-Head") != sum.Head.SHA256 || sum.Head.N != uint64(n) || !sum.Found {
			t.Errorf("%d requests: %v, %+v %v", n, res.Header, sum, err)
		}
		p.send(small("LK1", "", 1000))
	}
}
