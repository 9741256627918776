package bhxhmock

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
)

// Headers of the export: the end of what is exported, see Head.
const (
	headerRows = "Ledger-Rows"
	headerHead = "Ledger-Head"
)

// export gives the ledger. It needs no session: it is the judge, not part of the portal.
func (m *Mock) export(w http.ResponseWriter, _ *http.Request) {
	head, size, err := m.ledger.end()
	if err != nil {
		m.broken(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set(headerRows, strconv.FormatUint(head.N, 10))
	w.Header().Set(headerHead, head.SHA256)
	if _, err := io.Copy(w, io.NewSectionReader(m.ledger.file, 0, size)); err != nil {
		panic(http.ErrAbortHandler) // a cut answer must look cut
	}
}

// Rows gives the ledger's rows, oldest first, none if it cannot be read. It reads the file.
func (m *Mock) Rows() []Row {
	_, size, err := m.ledger.end()
	var rows []Row
	if err == nil {
		_, _, _, err = scan(io.NewSectionReader(m.ledger.file, 0, size), func(r Row, _ int64, _ int) { rows = append(rows, r) })
	}
	if err != nil {
		m.o.Log.Error("the ledger cannot be read", "err", err)
		return nil
	}
	return rows
}

// Summary is what a ledger proves.
type Summary struct {
	Head     Head     `json:"head"`
	Requests uint64   `json:"requests"`
	Effects  uint64   `json:"effects"`
	Refused  uint64   `json:"refused"`
	Twice    []string `json:"twice,omitempty"` // facility, MA_LK and version that had an effect more than once
	Torn     int      `json:"torn,omitempty"`  // bytes of an unfinished last row, which was never acknowledged
	Found    bool     `json:"found"`           // whether the head that was asked for ends one of the rows
}

// Verify reads a ledger, checks its chain, and counts. It changes nothing and may run beside a mock. head is the SHA-256 of
// a Head that was written down earlier, or "": if it is found, all before it is as it was then.
func Verify(from io.Reader, head string) (Summary, error) {
	s := Summary{Found: head == "" || head == noRows().SHA256}
	effects := map[string]int{}
	var err error
	s.Head, _, s.Torn, err = scan(from, func(r Row, _ int64, _ int) {
		s.Found = s.Found || r.Prev == head
		if r.N == r.Request {
			s.Requests++
		}
		switch {
		case r.Effect:
			s.Effects++
			k := fmt.Sprintf("%s %s version %d", r.Facility, r.MaLK, r.Version)
			if effects[k]++; effects[k] == 2 {
				s.Twice = append(s.Twice, k)
			}
		case r.Decision == DecisionRefused:
			s.Refused++
		}
	})
	s.Found = s.Found || s.Head.SHA256 == head
	return s, err
}

// OpenLedger opens the ledger in a mock's folder for reading.
func OpenLedger(dir string) (*os.File, error) { return os.Open(filepath.Join(dir, LedgerFile)) }
