package bhxhmock

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"mime"
	"net/http"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

//go:embed panel.html
var panelText string

var panelPage = template.Must(template.New("panel").Parse(panelText))

// panel are the routes of the fault panel. It has no account: whoever reaches it may break the portal, so it is there only
// if Options.Panel says so.
func (m *Mock) panel() {
	m.mux.HandleFunc("GET /faults", m.getFaults)
	m.mux.HandleFunc("PUT /faults", m.putFaults)
	m.mux.HandleFunc("GET /panel", m.showPanel)
}

func (m *Mock) getFaults(w http.ResponseWriter, _ *http.Request) { write(w, m.faults.get()) }

// putFaults wants JSON to be called so: a page of another site cannot send that without being allowed to.
func (m *Mock) putFaults(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, err error) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		fmt.Fprintln(w, err)
	}
	if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t != wire.JSONType {
		refuse(http.StatusUnsupportedMediaType, fmt.Errorf("Content-Type must be %s", wire.JSONType))
		return
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	d.DisallowUnknownFields()
	var f Faults
	err := d.Decode(&f)
	if err == nil {
		err = m.faults.set(f)
	}
	if err != nil {
		refuse(http.StatusBadRequest, err)
		return
	}
	m.o.Log.Info("faults set", "address", address(r))
	write(w, m.faults.get())
}

func (m *Mock) showPanel(w http.ResponseWriter, _ *http.Request) {
	type line struct {
		Switch
		On    bool
		Acted int
	}
	head, _, err := m.ledger.end()
	if err != nil {
		m.broken(w, err)
		return
	}
	on := m.faults.get()
	page := struct {
		Head     Head
		Rules    string
		Switches []line
		JSON     string
	}{Head: head, Rules: m.o.Rules.ID()}
	for _, s := range Switches {
		l := line{Switch: s}
		if f := *s.at(&on); f != nil {
			l.On, l.Acted = true, f.Acted
			f.Acted, f.Passed = 0, 0 // counters of the copy: what is sent back begins anew
		}
		page.Switches = append(page.Switches, l)
	}
	raw, err := json.MarshalIndent(on, "", "  ")
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	page.JSON = string(raw)
	m.page(w, panelPage, "style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'", page)
}
