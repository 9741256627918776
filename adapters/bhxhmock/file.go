package bhxhmock

import (
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

// record is one episode of a file, as far as the assessment needs it.
type record struct {
	maLK, reason, period string
	version              uint64
	total                fields // XML1
	lines                []detail
	errors               []wire.Loi
	tables               map[string]bool            // those it has
	results              []fields                   // the rows of XML4
	told                 map[string]map[string]bool // values in results of the fields that were asked for, see tells
	overlaps             bool                       // its stay overlaps another episode of the card, see index.overlaps
}

// maxMaLK is the longest MA_LK that is taken, in bytes: the field has 100 characters.
const maxMaLK = 400

// readCheckIn reads a file of XML0.
func readCheckIn(file []byte, limit int) ([]record, string) {
	rows, err := readTable(file, "CHI_TIEU_TRANG_THAI_KCB", 2, limit)
	if err != nil || len(rows) == 0 || rows[0].get("MA_LK") == "" || len(rows[0].get("MA_LK")) > maxMaLK {
		return nil, "Tệp check-in không đọc được"
	}
	return []record{{maLK: rows[0].get("MA_LK")}}, ""
}

// readClaim reads a claim file for a facility; fault says in Vietnamese why it cannot be taken. The episodes that could
// be read are given in any case.
func readClaim(file []byte, facility string, limit int) (records []record, fault string) {
	lim := wire.DefaultLimits()
	lim.Bytes = limit
	e, _, err := wire.ReadEnvelope(file, lim)
	if err != nil {
		return nil, "Tệp hồ sơ không đọc được"
	}
	note := func(text string) {
		if fault == "" {
			fault = text
		}
	}
	switch {
	case len(e.HoSo) == 0:
		note("Tệp không có hồ sơ")
	case e.SoLuongHoSo != strconv.Itoa(len(e.HoSo)):
		note("Số lượng hồ sơ không khớp")
	case e.MaCSKCB != facility:
		note("Mã cơ sở trong phong bì khác maCSKCB")
	}
	for _, h := range e.HoSo {
		rec, text := readEpisode(h, facility, limit)
		if text != "" {
			note(text)
		}
		if rec.maLK != "" {
			records = append(records, rec)
		}
	}
	return records, fault
}

func readEpisode(h wire.Episode, facility string, limit int) (rec record, fault string) {
	if len(h.Files) == 0 || h.Files[0].LoaiHoSo != "XML1" {
		return rec, "Thiếu XML1"
	}
	seen := map[string]bool{}
	var lines []detail
	for _, f := range h.Files {
		if seen[f.LoaiHoSo] || f.Bad {
			return rec, f.LoaiHoSo + " lặp lại hoặc không đọc được"
		}
		seen[f.LoaiHoSo] = true
		switch f.LoaiHoSo {
		case "XML1":
			rows, err := readTable(f.NoiDung, "TONG_HOP", 0, limit)
			if err != nil || rows[0].get("MA_LK") == "" || len(rows[0].get("MA_LK")) > maxMaLK {
				return rec, "XML1 không đọc được"
			}
			total := rows[0]
			v := wire.ParsePhienBan(total.get("DU_PHONG"))
			rec = record{maLK: total.get("MA_LK"), version: v.So, reason: v.LyDo, total: total}
			if total.get("MA_CSKCB") != facility {
				return rec, "MA_CSKCB của XML1 khác maCSKCB"
			}
		case "XML2", "XML3":
			root := map[string]string{"XML2": "CHITIEU_CHITIET_THUOC", "XML3": "CHITIEU_CHITIET_DVKT_VTYT"}[f.LoaiHoSo]
			rows, err := readTable(f.NoiDung, root, 2, limit)
			if err != nil {
				return rec, f.LoaiHoSo + " không đọc được"
			}
			for _, row := range rows {
				if row.get("MA_LK") != rec.maLK {
					return rec, "MA_LK của " + f.LoaiHoSo + " khác XML1"
				}
				lines = append(lines, detail{f.LoaiHoSo, 0, row})
			}
		case "XML4":
			var err error
			if rec.results, err = readTable(f.NoiDung, "CHITIEU_CHITIET_DICHVUCANLAMSANG", 2, limit); err != nil {
				return rec, "XML4 không đọc được"
			}
		}
	}
	rec.tables = seen
	rec.examine(lines)
	return rec, ""
}

// tells says whether a row of XML4 has a value in a field.
func (rec *record) tells(field, value string) bool {
	values, ready := rec.told[field]
	if !ready {
		values = map[string]bool{}
		for _, row := range rec.results {
			if i, has := row.of.at[field]; has {
				values[row.values[i]] = true
			}
		}
		if rec.told == nil {
			rec.told = map[string]map[string]bool{}
		}
		rec.told[field] = values
	}
	return values[value]
}

// detail is a cost line.
type detail struct {
	table string
	stt   int
	fields
}

// examine is the second opinion: format errors that the state query will tell, and what each line asks of the fund.
func (rec *record) examine(lines []detail) {
	fault := func(place, text string) {
		if len(rec.errors) < 100 {
			rec.errors = append(rec.errors, wire.Loi{Ma: place, NoiDung: text})
		}
	}
	sum, seen := new(big.Int), map[string]bool{}
	for _, l := range lines {
		place := l.table + "[" + l.get("STT") + "]"
		stt, err := strconv.Atoi(l.get("STT"))
		if err != nil || stt < 1 || seen[place] {
			fault(place, "STT sai hoặc trùng")
			continue
		}
		seen[place] = true
		amount, parts := new(big.Int), new(big.Int)
		good := true
		for _, f := range []string{"T_BHTT", "T_BNCCT", "T_BNTT", "T_NGUONKHAC"} {
			v, ok := hundredths(l.get(f))
			good = good && ok
			if ok {
				parts.Add(parts, v)
			}
		}
		v, ok := hundredths(l.get("THANH_TIEN_BV"))
		if !ok || !good {
			fault(place, "Số tiền sai định dạng")
			continue
		}
		amount.Set(v)
		sum.Add(sum, amount)
		if off := parts.Sub(parts, amount); off.CmpAbs(big.NewInt(1)) > 0 {
			fault(place, "Các phần không bằng THANH_TIEN_BV")
			continue
		}
		l.stt = stt
		rec.lines = append(rec.lines, l)
	}
	month, err := time.Parse("2006-1", rec.total.get("NAM_QT")+"-"+strings.TrimPrefix(rec.total.get("THANG_QT"), "0"))
	if err != nil {
		fault("XML1.THANG_QT", "Kỳ quyết toán sai định dạng")
	} else {
		rec.period = month.Format("200601")
	}
	if v, ok := hundredths(rec.total.get("T_TONGCHI_BV")); !ok || v.Cmp(sum) != 0 {
		fault("XML1.T_TONGCHI_BV", "Tổng không bằng chi tiết")
	}
}
