package bhxhmock

import (
	"cmp"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// Options say how the mock behaves.
type Options struct {
	Dir      string    // folder of the ledger; made if it is not there
	Accounts []Account // none: every log-in is refused
	Faults   Faults    // switched on from the start
	Panel    bool      // GET and PUT /faults, and /panel: whoever reaches the mock may then set faults

	// When what was decided is told, counted from the receipt of a record. Deadlines gives those of the contract.
	AssessingAfter    time.Duration // "assessing"; 0 = 2 s
	FormatErrorsAfter time.Duration // format errors; 0 = AssessingAfter
	AssessedAfter     time.Duration // the decision on each line; 0 = 10 s
	SettledAfter      time.Duration // from the decision to the earliest run that settles it
	SettledDays       int           // working days beside it
	// ClockSpeed makes a clock that runs faster for all of these: 3600 makes an hour a second. 0 = 1. Tokens, and the
	// times that are told, keep to the true clock.
	ClockSpeed int

	Rules *Rules // by which claim files are assessed; nil = DefaultRules
	Seed  uint64 // of what the rules sample
	Cards *Cards // that can be looked up; nil = DefaultCards

	// Verify checks the signature of a facility's claim file; nil: none is looked at. See Signature.
	Verify func(facility string, file []byte, at time.Time) Signature

	RefuseRepeats bool          // refuse a (facility, MA_LK, version) that was taken before, which the real portal was seen not to do
	MaxFile       int           // bytes of a claim file; 0 = wire.DefaultLimits
	TokenLife     time.Duration // 0 = 10 min

	Now func() time.Time // nil = time.Now
	Log *slog.Logger     // nil = slog.Default()
}

// Account may log in and send for its facilities.
type Account struct {
	Username   string
	Password   string   // in the clear
	Facilities []string // MA_CSKCB; none = all
}

// Mock is the assessment system. Its methods are safe for concurrent use.
type Mock struct {
	o        Options
	accounts map[string]Account
	ledger   *ledger
	salt     []byte
	tokens   tokens
	faults   switches
	mux      *http.ServeMux
}

// New opens the ledger in o.Dir and makes the mock. Close it when done.
func New(o Options) (*Mock, error) {
	o.MaxFile = cmp.Or(o.MaxFile, wire.DefaultLimits().Bytes)
	o.TokenLife = cmp.Or(o.TokenLife, 10*time.Minute)
	o.Log = cmp.Or(o.Log, slog.Default())
	if o.Now == nil {
		o.Now = time.Now
	}
	var err error
	if o, err = o.withDelays(); err != nil {
		return nil, err
	}
	if o.Rules == nil {
		if o.Rules, err = ParseRules(DefaultRules); err != nil {
			return nil, err
		}
	}
	if o.Cards == nil {
		if o.Cards, err = ParseCards(DefaultCards); err != nil {
			return nil, err
		}
	}
	l, torn, err := openLedger(o.Dir)
	if err != nil {
		return nil, err
	}
	if torn > 0 {
		o.Log.Warn("the ledger's last row was torn and is left out", "bytes", torn)
	}
	salt, err := openSalt(o.Dir)
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	m := &Mock{o: o, ledger: l, salt: salt, accounts: make(map[string]Account)}
	for _, a := range o.Accounts {
		m.accounts[a.Username] = a
	}
	if err := m.faults.set(o.Faults); err != nil {
		return nil, errors.Join(err, l.close())
	}
	m.routes()
	return m, nil
}

// Handler gives the HTTP side.
func (m *Mock) Handler() http.Handler { return m.mux }

// SetFaults switches faults, as PUT /faults does.
func (m *Mock) SetFaults(f Faults) error { return m.faults.set(f) }

// Close ends the mock and frees its folder; requests after it fail.
func (m *Mock) Close() error { return m.ledger.close() }

func (m *Mock) routes() {
	m.mux = http.NewServeMux()
	p := wire.DefaultPaths()
	m.mux.HandleFunc("POST "+p.Take, m.take)
	m.mux.HandleFunc("POST "+p.CheckIn, m.receive(CallCheckIn))
	m.mux.HandleFunc("POST "+p.Send4750, m.receive(CallClaim))
	m.mux.HandleFunc("POST "+p.Send3176, m.receive(CallClaim))
	m.mux.HandleFunc("POST "+p.Status, m.asked(CallStatus, m.status))
	m.mux.HandleFunc("POST "+p.Batches, m.asked(CallBatches, m.batches))
	m.mux.HandleFunc("POST "+p.Settlement, m.asked(CallSettlement, m.settlement))
	m.mux.HandleFunc("POST "+p.Card, m.card)
	m.mux.HandleFunc("GET /{$}", m.showFront)
	m.mux.HandleFunc("GET /ledger.ndjson", m.export)
	if m.o.Panel {
		m.panel()
	}
}

// Calls, as the ledger and the fault switches name them.
const (
	CallToken      = "token"
	CallCheckIn    = "checkIn"
	CallClaim      = "claim"
	CallStatus     = "status"
	CallBatches    = "batches"
	CallSettlement = "settlement"
	CallCard       = "card"
)

// write answers with JSON and HTTP 200, as the portal does in nearly all cases.
func write(w http.ResponseWriter, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", wire.JSONType+"; charset=utf-8")
	_, _ = w.Write(raw) // a caller who is gone is no fault of the mock
}

// simple is the reply of a call that ends with nothing but a code.
type simple struct {
	MaKetQua  wire.MaKetQua `json:"maKetQua"`
	ThongDiep string        `json:"thongDiep,omitempty"`
}

func refuse(code wire.MaKetQua, text string) simple {
	vi, _ := code.Meaning()
	return simple{code, cmp.Or(text, vi)}
}

// address is the caller's without its port.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
