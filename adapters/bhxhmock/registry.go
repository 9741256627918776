package bhxhmock

import (
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir/setting"
)

// DefaultCards is the file of the cards that a mock knows if it is given no other; its head explains the shape.
//
//go:embed cards.yaml
var DefaultCards []byte

// maxCards bounds a file of cards.
const maxCards = 64 << 20

// maxLookups is how many look-ups of a card are told.
const maxLookups = 20

// Cards are the insurance cards that the mock knows, and who may ask about them. ParseCards makes them.
type Cards struct {
	generated bool
	staff     map[string][]member // by facility
	byNumber  map[string]*card    // by number, its last ten digits, and cccd

	mu      sync.Mutex // guards lookups
	lookups map[*card][]wire.LanKT
}

// member is a staff member of a facility.
type member struct {
	HoTen string `yaml:"hoTen"`
	CCCD  string `yaml:"cccd"`
}

// card is an entry of the file.
type card struct {
	MaThe       string              `yaml:"maThe"`
	CCCD        string              `yaml:"cccd"`
	HoTen       string              `yaml:"hoTen"`
	NgaySinh    string              `yaml:"ngaySinh"`
	GioiTinh    string              `yaml:"gioiTinh"`
	DiaChi      string              `yaml:"diaChi"`
	MaDKBD      string              `yaml:"maDKBD"`
	CQBHXH      string              `yaml:"cqBHXH"`
	GTTheTu     string              `yaml:"gtTheTu"`
	GTTheDen    string              `yaml:"gtTheDen"`
	MaKV        string              `yaml:"maKV"`
	NgayDu5Nam  string              `yaml:"ngayDu5Nam"`
	MaTheCu     string              `yaml:"maTheCu"`
	MaTheMoi    string              `yaml:"maTheMoi"`
	GTTheTuMoi  string              `yaml:"gtTheTuMoi"`
	GTTheDenMoi string              `yaml:"gtTheDenMoi"`
	MaDKBDMoi   string              `yaml:"maDKBDMoi"`
	TenDKBDMoi  string              `yaml:"tenDKBDMoi"`
	QuanLy      string              `yaml:"quanLy"`
	ThuHoi      bool                `yaml:"thuHoi"`
	BaoGiam     wire.MaKetQua       `yaml:"baoGiam"`
	KetQua      wire.MaKetQua       `yaml:"ketQua"`
	LichSu      []map[string]string `yaml:"lichSu"`

	history []wire.LanKCB
	until   time.Time // the day after gtTheDen
}

const cardDay = "02/01/2006"

var decreased = regexp.MustCompile(`^12[0-4]$`)

// ParseCards reads a file of cards. The error names the card by its place in the file.
func ParseCards(file []byte) (*Cards, error) {
	if len(file) > maxCards {
		return nil, errors.New("the cards are larger than 64 MiB")
	}
	var all struct {
		Generated bool
		Staff     map[string][]member
		Cards     []card
	}
	if err := setting.ParseYAML(file, &all); err != nil {
		return nil, fmt.Errorf("the cards: %w", err)
	}
	cs := &Cards{generated: all.Generated, staff: all.Staff, byNumber: map[string]*card{}, lookups: map[*card][]wire.LanKT{}}
	for i := range all.Cards {
		c := &all.Cards[i]
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("card %d: %w", i+1, err)
		}
		for _, number := range []string{c.MaThe, c.MaThe[5:], c.CCCD} {
			if number == "" {
				continue
			}
			if cs.byNumber[number] != nil {
				return nil, fmt.Errorf("card %d: an earlier card has the same number", i+1)
			}
			cs.byNumber[number] = c
		}
	}
	return cs, nil
}

func (c *card) check() error {
	if len(c.MaThe) != 15 || !cardForm.MatchString(c.MaThe) {
		return errors.New("maThe is no card number")
	}
	until, err := time.ParseInLocation(cardDay, c.GTTheDen, wire.Zone)
	_, err2 := time.Parse(cardDay, c.GTTheTu)
	switch {
	case err != nil || err2 != nil:
		return errors.New("gtTheTu and gtTheDen are days such as 31/12/2026")
	case folded(c.HoTen) == "" || born(c.NgaySinh) == "":
		return errors.New("it needs hoTen and ngaySinh")
	case c.QuanLy != "" && c.QuanLy != "quan-doi" && c.QuanLy != "cong-an":
		return errors.New("quanLy is quan-doi or cong-an")
	case c.BaoGiam != "" && !decreased.MatchString(string(c.BaoGiam)):
		return errors.New("baoGiam is 120 to 124")
	case c.KetQua != "" && !c.KetQua.Valid():
		return errors.New("ketQua has three digits")
	}
	c.until = until.AddDate(0, 0, 1)
	for _, h := range c.LichSu {
		c.history = append(c.history, wire.LanKCB{
			MaHoSo: h["maHoSo"], MaCSKCB: h["maCSKCB"], NgayVao: h["ngayVao"], NgayRa: h["ngayRa"],
			TenBenh: h["tenBenh"], TinhTrang: h["tinhTrang"], KQDieuTri: h["kqDieuTri"], LyDoVV: h["lyDoVV"],
		})
	}
	return nil
}

// born gives a birth date as yyyyMMdd or yyyy; "" if it is none of the contract's forms.
func born(s string) string {
	if !bornForm.MatchString(s) {
		return ""
	}
	digits := strings.ReplaceAll(s, "/", "")
	if len(digits) == 4 {
		return digits
	}
	if _, err := time.Parse("02012006", digits); err != nil {
		return ""
	}
	return digits[4:] + digits[2:4] + digits[:2]
}

// folded is a name for comparison: without case, marks and double blanks, Đ as D.
func folded(name string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(name)) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r == 'đ':
			b.WriteRune('d')
		default:
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// staffFault says what is wrong with who asks for one of some facilities, none = all; "" if nothing is.
func (cs *Cards) staffFault(facilities []string, name, cccd string) wire.MaKetQua {
	if len(facilities) == 0 {
		for f := range cs.staff {
			facilities = append(facilities, f)
		}
	}
	fault := wire.MaKetQua("")
	for _, f := range facilities {
		list, kept := cs.staff[f]
		if !kept {
			return "" // somebody of a facility without a list
		}
		if fault == "" {
			fault = wire.StaffUnknown
		}
		for _, m := range list {
			if m.CCCD != cccd {
				continue
			}
			if folded(m.HoTen) == folded(name) {
				return ""
			}
			fault = wire.StaffName
		}
	}
	return fault
}

// looked remembers a look-up of a card and gives those before it, the latest first.
func (cs *Cards) looked(c *card, l wire.LanKT) []wire.LanKT {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	before := cs.lookups[c]
	cs.lookups[c] = append([]wire.LanKT{l}, before[:min(len(before), maxLookups-1)]...)
	return before
}
