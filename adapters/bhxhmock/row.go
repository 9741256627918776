package bhxhmock

import (
	"time"

	"github.com/go-json-experiment/json"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// Row is one line of the ledger: one episode of one request that was received. It names no person.
//
// What will become of a record is decided when it is received and stands in its row: later rules, seeds and delays do not
// touch it. What the portal tells of it is the row and the time.
type Row struct {
	N          uint64         `json:"n"`       // from 1
	Prev       string         `json:"prev"`    // SHA-256 of the line before, see Head
	Request    uint64         `json:"request"` // N of the request's first row: rows of one request share it
	Time       string         `json:"time"`    // RFC 3339, UTC
	Call       string         `json:"call"`    // CallClaim or CallCheckIn
	Account    string         `json:"account"`
	Address    string         `json:"address"`
	Facility   string         `json:"facility"`
	MaLK       string         `json:"MA_LK"`
	Version    uint64         `json:"version"`          // PB; 0 for check-ins and what could not be read
	Reason     string         `json:"reason,omitempty"` // LD
	SHA256     string         `json:"sha256"`           // wire.FileHash
	Signature  SignatureState `json:"signature,omitempty"`
	Signer     string         `json:"signer,omitempty"` // SHA-256 of the certificate that signed
	Decision   Decision       `json:"decision"`
	Code       wire.MaKetQua  `json:"code,omitempty"`
	Text       string         `json:"text,omitempty"`
	MaGiaoDich string         `json:"maGiaoDich,omitempty"`
	Effect     bool           `json:"effect"`
	Reply      Reply          `json:"reply"`
	Fault      string         `json:"fault,omitempty"` // fault that was switched on for it

	Period   string      `json:"period,omitempty"`   // NAM_QT and THANG_QT, yyyyMM
	Lines    []Line      `json:"lines,omitempty"`    // what is claimed, and the decision
	Errors   []wire.Loi  `json:"errors,omitempty"`   // format errors, told by the state query in place of the decision
	Claimed  wire.Amount `json:"claimed,omitempty"`  // sum of the lines
	Accepted wire.Amount `json:"accepted,omitempty"` // sum of the lines

	Holder string `json:"holder,omitempty"` // pseudonym of the card's holder
	From   string `json:"from,omitempty"`   // NGAY_VAO
	To     string `json:"to,omitempty"`     // NGAY_RA
	Rules  string `json:"rules,omitempty"`  // Rules.ID of those that decided

	AssessingAt string `json:"assessingAt,omitempty"` // RFC 3339, UTC: from then on it is told to be assessed
	DecidedAt   string `json:"decidedAt,omitempty"`   // from then on the decision is told, or the format errors
	SettleAt    string `json:"settleAt,omitempty"`    // no run before that settles it
}

// read reads a line of the ledger, as encoding/json writes it. The second version of that package does so in a third of the time.
func (r *Row) read(line []byte) error { return json.Unmarshal(line, r) }

// Line is what a cost line asks of the fund, and what it is given.
type Line struct {
	Table    string      `json:"table"`
	STT      int         `json:"stt"`
	BHTT     wire.Amount `json:"bhtt"` // T_BHTT
	Accepted wire.Amount `json:"accepted"`
	Code     string      `json:"code,omitempty"` // why it is cut
	Text     string      `json:"text,omitempty"`
}

// Signature is what the mock finds of the signature of a file.
type Signature struct {
	State  SignatureState
	Signer string // SHA-256 of the certificate, lower-case hex, of a valid one
}

// SignatureState says whether a file is signed as it should be.
type SignatureState string

// States of a signature. A file whose signature is missing or invalid is refused.
const (
	SignatureUnchecked SignatureState = "" // the mock was told no certificate of the facility
	SignatureValid     SignatureState = "valid"
	SignatureMissing   SignatureState = "missing"
	SignatureInvalid   SignatureState = "invalid"
)

// fault is why a file with such a signature is refused.
func (s SignatureState) fault() string {
	switch s {
	case SignatureMissing:
		return "Hồ sơ chưa được ký số"
	case SignatureInvalid:
		return "Chữ ký số không hợp lệ"
	}
	return ""
}

// Decision is what the mock made of a request.
type Decision string

// Decisions of a request.
const (
	DecisionAccepted Decision = "accepted"
	DecisionRefused  Decision = "refused"
	DecisionNone     Decision = "none" // a fault came first; nothing was looked at
)

// Reply says what the caller gets to see.
type Reply string

// Replies to a request.
const (
	ReplySent     Reply = "sent"
	ReplyDropped  Reply = "dropped"  // the connection is cut
	ReplyReplaced Reply = "replaced" // something else is answered: a status, HTML, nothing, a wrong reply
)

// instant reads a time of a row; zero if there is none.
func instant(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// state is where a record stands at a moment.
func (e entry) state(now time.Time) wire.TrangThai {
	switch {
	case now.Before(e.assessing):
		return wire.DaTiepNhan
	case now.Before(e.decided):
		return wire.DangGiamDinh
	case e.faulty:
		return wire.LoiDinhDang
	}
	return wire.DaGiamDinh
}
