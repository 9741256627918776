package gateway

import (
	"context"
	"fmt"
	"slices"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// maxPages bounds a list: a portal that always names one page more must not be asked for ever.
const maxPages = 10_000

// Batches lists the assessment batches of a facility's month. Errors as those of Status.
func (c *Client) Batches(ctx context.Context, maCSKCB string, year, month int) ([]wire.Dot, error) {
	body := []byte(wire.BatchRequest{Username: c.username, MaCSKCB: maCSKCB, Nam: year, Thang: month}.Form().Encode())
	var r wire.BatchReply
	if err := c.ask(ctx, c.paths.Batches, wire.FormType, body, &r, &r.MaKetQua); err != nil {
		return nil, err
	}
	if r.MaKetQua != wire.Accepted {
		return nil, refused(r.MaKetQua)
	}
	return r.DSDot, nil
}

// Batch gives a page of the records of a batch, from 1, and the number of pages: of each episode the version that counts there.
// Errors as those of Status.
func (c *Client) Batch(ctx context.Context, maCSKCB, maDot string, page int) ([]wire.HoSo, int, error) {
	body := []byte(wire.StatusRequest{Username: c.username, MaCSKCB: maCSKCB, MaDot: maDot, Trang: page}.Form().Encode())
	var r wire.StatusReply
	if err := c.ask(ctx, c.paths.Status, wire.FormType, body, &r, &r.MaKetQua); err != nil {
		return nil, 0, err
	}
	if r.MaKetQua != wire.Accepted {
		return nil, 0, refused(r.MaKetQua)
	}
	if r.TongTrang > maxPages {
		return nil, 0, fmt.Errorf("a batch of %d pages", r.TongTrang)
	}
	r.DSHoSo = slices.DeleteFunc(r.DSHoSo, func(h wire.HoSo) bool { return h.MaCSKCB != "" && h.MaCSKCB != maCSKCB })
	return r.DSHoSo, r.TongTrang, nil
}

// Settlement gives the settlement of a facility's month with a page of the records that were paid, from 1. Errors as those of Status.
func (c *Client) Settlement(ctx context.Context, maCSKCB string, year, month, page int) (wire.SettlementReply, error) {
	body := []byte(wire.SettlementRequest{Username: c.username, MaCSKCB: maCSKCB, Nam: year, Thang: month, Trang: page}.Form().Encode())
	var r wire.SettlementReply
	if err := c.ask(ctx, c.paths.Settlement, wire.FormType, body, &r, &r.MaKetQua); err != nil {
		return r, err
	}
	if r.MaKetQua != wire.Accepted {
		return r, refused(r.MaKetQua)
	}
	if r.TongTrang > maxPages {
		return r, fmt.Errorf("a settlement of %d pages", r.TongTrang)
	}
	return r, nil
}
