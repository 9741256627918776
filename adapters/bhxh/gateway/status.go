package gateway

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir"
)

// Query asks what became of files of a facility: by receipt, or by episodes (at most wire.MaxMaLK).
type Query struct {
	MaCSKCB    string
	MaGiaoDich string
	MaLK       []string
}

// Status asks. There is a record for each accepted version of each episode, older ones first, and one with TiepNhan
// false for an episode that the portal says it never received; an episode that it says nothing about is missing, which
// proves nothing. Errors as those of Login, and "bhxh-gateway-refused".
func (c *Client) Status(ctx context.Context, q Query) ([]wire.HoSo, error) {
	body := []byte(wire.StatusRequest{Username: c.username, MaCSKCB: q.MaCSKCB, MaGiaoDich: q.MaGiaoDich, MaLK: q.MaLK}.Form().Encode())
	var r wire.StatusReply
	if err := c.ask(ctx, c.paths.Status, wire.FormType, body, &r, &r.MaKetQua); err != nil {
		return nil, err
	}
	if r.MaKetQua != wire.Accepted {
		return nil, refused(r.MaKetQua)
	}
	// Records of others, if the portal mixes them up, must not be taken for ours.
	r.DSHoSo = slices.DeleteFunc(r.DSHoSo, func(h wire.HoSo) bool {
		return q.MaGiaoDich != "" && h.MaGiaoDich != q.MaGiaoDich || len(q.MaLK) > 0 && !slices.Contains(q.MaLK, h.MaLK) ||
			h.MaCSKCB != "" && h.MaCSKCB != q.MaCSKCB
	})
	return r.DSHoSo, nil
}

// Card asks whether an insurance card is good. The reply's maKetQua has the answer; only what is no answer is an error.
func (c *Client) Card(ctx context.Context, card wire.CardRequest) (wire.CardReply, error) {
	var r wire.CardReply
	err := c.askWith(ctx, c.paths.Card, wire.JSONType, func(key wire.APIKey) ([]byte, error) {
		return json.Marshal(wire.CardCall{CardRequest: card, Username: c.username, Password: c.hash, Token: key.AccessToken, IDToken: key.IDToken})
	}, &r, &r.MaKetQua)
	if err == nil && (r.MaKetQua.ServerFault() || r.MaKetQua == wire.NotLoggedIn) {
		err = refused(r.MaKetQua)
	}
	return r, err
}

// ask makes a call that changes nothing and reads its reply into v, whose result code is *code.
func (c *Client) ask(ctx context.Context, path, contentType string, body []byte, v any, code *wire.MaKetQua) error {
	return c.askWith(ctx, path, contentType, func(wire.APIKey) ([]byte, error) { return body, nil }, v, code)
}

func (c *Client) askWith(ctx context.Context, path, contentType string, body func(wire.APIKey) ([]byte, error), v any, code *wire.MaKetQua) error {
	var failed error
	err := c.with(ctx, func(key wire.APIKey) wire.MaKetQua {
		raw, err := body(key)
		if err != nil {
			failed = err
			return ""
		}
		*code = ""
		x := c.post(ctx, path, contentType, raw, &key)
		if failed = reply(x, v, code); failed != nil {
			failed = unavailable(x, failed)
			return ""
		}
		return *code
	})
	if err != nil {
		return err
	}
	return failed
}

func refused(code wire.MaKetQua) error {
	kind := fhir.Unavailable
	if code == wire.NotAllowed {
		kind = fhir.Denied
	}
	return fhir.Errorf(kind, "bhxh-gateway-refused", "", string(code))
}
