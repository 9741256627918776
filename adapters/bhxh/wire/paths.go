package wire

// Paths are the addresses of the calls below the portal's base URL. Those marked assumed are configuration.
type Paths struct {
	Take       string // log in
	CheckIn    string // XML0
	Send4750   string // claim file by decision 4750
	Send3176   string // claim file by decision 3176; assumed
	Status     string // state of records; assumed
	Batches    string // assessment batches of a month; assumed
	Settlement string // settlement of a quarter; assumed
	Card       string // card look-up
}

// DefaultPaths are those of the guide and, where it is silent, of clients seen in public.
func DefaultPaths() Paths {
	return Paths{
		Take:       "/api/token/take",
		CheckIn:    "/api/qd130/checkInKcbQd4750",
		Send4750:   "/api/qd130/guiHoSoXmlQD4750",
		Send3176:   "/api/qd130/guiHoSoXmlQD3176",
		Status:     "/api/his/KQGiamDinhHoSo",
		Batches:    "/api/his/KQDanhSachDotGiamDinh",
		Settlement: "/api/his/KQQuyetToan",
		Card:       "/api/egw/KQNhanLichSuKCB2024",
	}
}

// OrDefault fills the empty paths from DefaultPaths.
func (p Paths) OrDefault() Paths {
	d := DefaultPaths()
	for _, f := range []struct{ at, def *string }{
		{&p.Take, &d.Take}, {&p.CheckIn, &d.CheckIn}, {&p.Send4750, &d.Send4750}, {&p.Send3176, &d.Send3176},
		{&p.Status, &d.Status}, {&p.Batches, &d.Batches}, {&p.Settlement, &d.Settlement}, {&p.Card, &d.Card},
	} {
		if *f.at == "" {
			*f.at = *f.def
		}
	}
	return p
}

// Header names and kinds of file of a sending call.
const (
	HeaderAccessToken  = "accessToken"
	HeaderTokenID      = "tokenId"
	HeaderPasswordHash = "passwordHash"

	LoaiHoSoCheckIn = "0"   // XML0
	LoaiHoSoClaim   = "130" // GIAMDINHHS

	FormType = "application/x-www-form-urlencoded"
	JSONType = "application/json"
)
