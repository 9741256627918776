package gateway

import (
	"context"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir"
)

// State is what a sending call proved. The package comment has the table.
type State uint8

// States; the zero State is Unknown, since nothing is proved by default.
const (
	Unknown State = iota
	Accepted
	Refused
	NotSent
)

// String gives the state's name for logs.
func (s State) String() string { return [...]string{"unknown", "accepted", "refused", "not sent"}[s] }

// File is a claim file to send.
type File struct {
	MaCSKCB string // facility, 5 digits; the first two are the province
	First   bool   // by decision 4750, else by 3176 (hoso.Decision.First)
	Raw     []byte // the envelope
	// Until is when no byte of it leaves any more; zero: no bound. A process may have stood still since it last looked at
	// the clock, and others have gone on.
	Until time.Time
}

// Outcome is what a sending call proved, and what is worth keeping of the exchange.
type Outcome struct {
	State            State
	MaGiaoDich       string // Accepted: the receipt's number
	ThoiGianTiepNhan string // Accepted: wire.Stamp, as the portal says
	Code             wire.MaKetQua
	Text             string // the portal's own words, foreign text
	Err              error  // why State is NotSent or Unknown; for the log
	HTTPStatus       int    // 0 = no reply
	ReplySHA256      string // of the reply's body, "" = none
	Reply            []byte // its body, as it came
	SentAt, EndedAt  time.Time
}

// CheckIn sends a check-in file (XML0). What its outcome means is as with Send; a check-in has no effect on what is paid.
func (c *Client) CheckIn(ctx context.Context, f File) Outcome {
	return c.deliver(ctx, f, c.paths.CheckIn, wire.LoaiHoSoCheckIn)
}

// Send sends a file. It returns no error: the outcome says all. A ctx that ends gives Unknown if a connection was there.
func (c *Client) Send(ctx context.Context, f File) Outcome {
	path := c.paths.Send3176
	if f.First {
		path = c.paths.Send4750
	}
	return c.deliver(ctx, f, path, wire.LoaiHoSoClaim)
}

func (c *Client) deliver(ctx context.Context, f File, path, loaiHoSo string) Outcome {
	out := Outcome{State: NotSent, SentAt: c.now()}
	if len(f.MaCSKCB) != 5 {
		out.Err, out.EndedAt = fhir.Errorf(fhir.Invalid, "bhxh-gateway-config", "", "MA_CSKCB"), c.now()
		return out
	}
	body := wire.SendRequest{Username: c.username, LoaiHoSo: loaiHoSo, MaTinh: f.MaCSKCB[:2], MaCSKCB: f.MaCSKCB, File: f.Raw}.Encode()
	err := c.with(ctx, func(key wire.APIKey) wire.MaKetQua {
		sent := c.now()
		out = outcome(c.postUntil(ctx, f.Until, path, wire.FormType, body, &key))
		out.SentAt = sent
		return out.Code
	})
	if err != nil { // the log-in failed: before the file was sent, or after it was turned away with 401
		out.State, out.Err = NotSent, err
	}
	out.EndedAt = c.now()
	return out
}

// outcome classifies one exchange.
func outcome(x exchange) Outcome {
	out := Outcome{HTTPStatus: x.status, ReplySHA256: x.hash(), Reply: x.body}
	if x.err != nil && !x.connected {
		out.State, out.Err = NotSent, fhir.Wrap(fhir.Unavailable, "bhxh-gateway-unreachable", x.err)
		return out
	}
	var r wire.SendReply
	if err := reply(x, &r, &r.MaKetQua); err != nil {
		out.Err = unavailable(x, err)
		return out
	}
	out.Code, out.Text = r.MaKetQua, r.ThongDiep
	switch {
	case r.MaKetQua == wire.Accepted && r.MaGiaoDich == "":
		out.Err = fhir.Wrap(fhir.Unavailable, "bhxh-gateway-reply", errNoMaGiaoDich)
	case r.MaKetQua == wire.Accepted:
		out.State, out.MaGiaoDich, out.ThoiGianTiepNhan = Accepted, r.MaGiaoDich, r.ThoiGianTiepNhan
	case r.MaKetQua == wire.NotLoggedIn:
		out.State, out.Err = NotSent, fhir.Errorf(fhir.Unknown, "bhxh-login-refused", "", string(r.MaKetQua))
	case r.MaKetQua.ServerFault():
		out.Err = fhir.Errorf(fhir.Unavailable, "bhxh-gateway-refused", "", string(r.MaKetQua))
	default:
		out.State = Refused
	}
	return out
}
