package bhxh

import (
	"github.com/lienthong/lienthong/adapters/bhxh/gateway"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// decision is the ClaimResponse for what a sending call proved; none if it proved nothing.
func (s *Sync) decision(claim mapping.Claimed, it delivery.Item, out gateway.Outcome) ([]*resource.Document, error) {
	a := s.assessment(claim, it, wire.HoSo{MaLK: it.Episode, MaCSKCB: it.Facility, MaGiaoDich: out.MaGiaoDich, PhienBan: it.PB})
	switch out.State {
	case gateway.Accepted:
		a.Record.TiepNhan, a.Record.TrangThai, a.Record.ThoiGianTiepNhan = true, wire.DaTiepNhan, out.ThoiGianTiepNhan
		return parsed(mapping.ClaimResponse(a))
	case gateway.Refused:
		return parsed(mapping.Refusal(a, out.Code, out.Text))
	}
	return nil, nil
}

// assessment is what mapping needs to write a ClaimResponse about an item.
func (s *Sync) assessment(claim mapping.Claimed, it delivery.Item, r wire.HoSo) mapping.Assessment {
	return mapping.Assessment{
		ID: delivery.ResponseID(it.Claim), ClaimKey: fhir.Key{Type: "Claim", ID: it.Claim}, Claim: claim,
		Record: r, Created: s.Now(), Systems: s.Systems,
	}
}

func parsed(raw []byte, err error) ([]*resource.Document, error) {
	if err != nil {
		return nil, err
	}
	d, err := resource.New(raw)
	if err != nil {
		return nil, err
	}
	return []*resource.Document{d}, nil
}
