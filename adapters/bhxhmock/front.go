package bhxhmock

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

//go:embed front.html
var frontText string

var frontPage = template.Must(template.New("front").Parse(frontText))

// calledAt is one call of the contract, for people who look at what is there.
type calledAt struct{ Path, What, WhatEN string }

// showFront is the page of whoever opens the portal's address in a browser: what it is, and where to look.
func (m *Mock) showFront(w http.ResponseWriter, _ *http.Request) {
	head, _, err := m.ledger.end()
	if err != nil {
		m.broken(w, err)
		return
	}
	p := wire.DefaultPaths()
	m.page(w, frontPage, "style-src 'unsafe-inline'", struct {
		Head  Head
		Rules string
		Panel bool
		Calls []calledAt
	}{head, m.o.Rules.ID(), m.o.Panel, []calledAt{
		{p.Take, "lấy phiên làm việc", "token"},
		{p.CheckIn, "check-in khám bệnh, XML0", "check-in"},
		{p.Send4750, "hồ sơ theo Quyết định 4750", "claim file of decision 4750"},
		{p.Send3176, "hồ sơ theo Quyết định 3176", "claim file of decision 3176"},
		{p.Status, "kết quả giám định hồ sơ", "state of a claim"},
		{p.Batches, "danh sách đợt giám định", "batches of a month"},
		{p.Settlement, "kết quả quyết toán", "settlement"},
		{p.Card, "tra cứu thẻ bảo hiểm y tế", "look-up of a card"},
	}})
}

// page answers with a page for people; allowed is what it needs besides its own text, as a Content-Security-Policy.
func (m *Mock) page(w http.ResponseWriter, t *template.Template, allowed string, data any) {
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		m.o.Log.Error("a page could not be made", "page", t.Name(), "err", err)
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; "+allowed+"; frame-ancestors 'none'")
	_, _ = w.Write(out.Bytes())
}
