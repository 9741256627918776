package hoso

import (
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir"
)

// AppendXML writes the table in its one canonical form: UTF-8 without byte order mark, LF, two spaces a level, every
// field in order, an empty one as <X></X>.
func (t *Table) AppendXML(b []byte) []byte {
	l := t.Layout
	b = append(b, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<"...)
	b = append(append(b, l.Root...), ">\n"...)
	if l.Single() {
		for _, r := range t.Rows {
			b = r.appendFields(b, "  ")
		}
	} else {
		b = append(append(append(b, "  <"...), l.List...), ">\n"...)
		for _, r := range t.Rows {
			b = append(append(append(b, "    <"...), l.Element...), ">\n"...)
			b = r.appendFields(b, "      ")
			b = append(append(append(b, "    </"...), l.Element...), ">\n"...)
		}
		b = append(append(append(b, "  </"...), l.List...), ">\n"...)
		if t.ChuKyDonVi != "" {
			b = append(append(append(b, "  <CHUKYDONVI>"...), t.ChuKyDonVi...), "</CHUKYDONVI>\n"...)
		}
	}
	return append(append(append(b, "</"...), l.Root...), ">\n"...)
}

func (r Row) appendFields(b []byte, indent string) []byte {
	for i, f := range r.layout.Fields {
		b = append(append(append(append(b, indent...), '<'), f.Name...), '>')
		b = wire.AppendText(b, r.values[i])
		b = append(append(append(b, "</"...), f.Name...), ">\n"...)
	}
	return b
}

// CheckIn writes the file of check-ins (XML0), which has an envelope of its own and is sent alone.
func CheckIn(t *Table) ([]byte, error) {
	if t.Layout.ID != XML0 {
		return nil, fhir.Errorf(fhir.Invalid, "bhxh-check-in", "", t.Layout.ID.String())
	}
	return t.AppendXML(nil), nil
}

// Encode writes the file as the envelope that is sent (the outer base64 layer belongs to the request, see wire.SendRequest).
// Tables without rows are left out, as an empty list says nothing.
func (f *File) Encode() []byte {
	e := wire.Envelope{MaCSKCB: f.MaCSKCB, NgayLap: f.NgayLap, ChuKyDonVi: f.ChuKyDonVi}
	for _, h := range f.HoSo {
		var ep wire.Episode
		for i := range h.Tables {
			t := &h.Tables[i]
			if len(t.Rows) == 0 {
				continue
			}
			ep.Files = append(ep.Files, wire.FileHoSo{
				LoaiHoSo: t.Layout.ID.String(),
				NoiDung:  t.AppendXML(nil),
			})
		}
		e.HoSo = append(e.HoSo, ep)
	}
	return e.Append(nil)
}
