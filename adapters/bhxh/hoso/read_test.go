package hoso_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/fhir"
)

func layout(id hoso.ID) *hoso.Layout { return hoso.DecisionAt("20260301").Layout(id) }

func TestReadTakesWhatTheFieldSends(t *testing.T) {
	plain := sample(t, "outpatient.XML1.xml")
	want, err := hoso.ReadTable(plain, layout(hoso.XML1), hoso.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	utf16 := []byte{0xFF, 0xFE}
	for _, r := range string(plain) {
		utf16 = append(utf16, byte(r), byte(r>>8))
	}
	for name, c := range map[string]struct {
		raw  []byte
		rule string
	}{
		"byte order mark":        {append([]byte("\xEF\xBB\xBF"), plain...), "ENC-01"},
		"CRLF":                   {bytes.ReplaceAll(plain, []byte("\n"), []byte("\r\n")), "ENC-03"},
		"wrong encoding":         {bytes.Replace(plain, []byte("utf-8"), []byte("windows-1258"), 1), "ENC-01"},
		"declared as UTF-16":     {bytes.Replace(plain, []byte("utf-8"), []byte("utf-16"), 1), "ENC-01"},
		"UTF-16":                 {utf16, "ENC-01"},
		"no declaration":         {plain[bytes.IndexByte(plain, '\n')+1:], ""},
		"comments":               {bytes.Replace(plain, []byte("<STT>"), []byte("<!-- x --><STT>"), 1), ""},
		"CDATA":                  {bytes.Replace(plain, []byte("NGUYỄN VĂN THỬ"), []byte("<![CDATA[NGUYỄN VĂN THỬ]]>"), 1), ""},
		"self-closed element":    {bytes.Replace(plain, []byte("<NHOM_MAU></NHOM_MAU>"), []byte("<NHOM_MAU/>"), 1), ""},
		"unknown element":        {bytes.Replace(plain, []byte("<STT>"), []byte("<LA>1</LA><STT>"), 1), "FLD-05"},
		"fields out of order":    {bytes.Replace(plain, []byte("  <STT>1</STT>\n  <MA_BN>BN000001</MA_BN>\n"), []byte("  <MA_BN>BN000001</MA_BN>\n  <STT>1</STT>\n"), 1), "FLD-05"},
		"repeated field":         {bytes.Replace(plain, []byte("<MA_BN>"), []byte("<STT>7</STT><MA_BN>"), 1), "FLD-05"},
		"missing optional field": {bytes.Replace(plain, []byte("<NHOM_MAU></NHOM_MAU>"), nil, 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := hoso.ReadTable(c.raw, layout(hoso.XML1), hoso.DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			fs := hoso.CheckEpisode(&hoso.File{Bare: true}, hoso.HoSo{Tables: []hoso.Table{got}}, hoso.CheckOptions{})
			if strings.Join(got.Rows[0].Values(), "|") != strings.Join(want.Rows[0].Values(), "|") {
				t.Error("the row differs from the plain one")
			}
			if (len(fs) > 0) != (c.rule != "") || len(fs) > 0 && fs[0].Rule != c.rule {
				t.Errorf("findings: %+v", fs)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	plain := string(sample(t, "outpatient.XML1.xml"))
	bomb := `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>`
	for name, raw := range map[string]string{
		"document type":     strings.Replace(plain, "<TONG_HOP>", bomb+"<TONG_HOP>", 1),
		"unknown entity":    strings.Replace(plain, "NGUYỄN", "&b;", 1),
		"external entity":   strings.Replace(plain, "<TONG_HOP>", `<!DOCTYPE x SYSTEM "file:///etc/passwd"><TONG_HOP>`, 1),
		"another root":      strings.ReplaceAll(plain, "TONG_HOP", "TONG"),
		"cut off":           plain[:len(plain)/2],
		"element in a leaf": strings.Replace(plain, "<STT>1", "<STT><X/>1", 1),
		"trailing text":     plain + "x",
		"second root":       plain + "<X/>",
		"not UTF-8":         strings.Replace(plain, "NGUYỄN", "NGUY\xC3", 1),
		"empty":             "",
		"html":              "<html><body>502</body></html>",
	} {
		if _, err := hoso.ReadTable([]byte(raw), layout(hoso.XML1), hoso.DefaultLimits()); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestReadKeepsItsLimits(t *testing.T) {
	raw := sample(t, "three-episodes.xml")
	for _, lim := range []hoso.Limits{{Bytes: len(raw) - 1, HoSo: 3, Rows: 10}, {Bytes: len(raw), HoSo: 2, Rows: 10}} {
		_, err := hoso.Decode(raw, lim)
		if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Kind != fhir.TooLarge {
			t.Errorf("%+v: got %v", lim, err)
		}
	}
	f, err := hoso.Decode(raw, hoso.Limits{Bytes: len(raw), HoSo: 3, Rows: 1})
	if fs := hoso.Check(f, hoso.CheckOptions{}); err != nil || !hoso.Held(fs) {
		t.Errorf("too many rows: %v", err)
	}
}

func TestAnUnreadableTableIsAFindingOfItsEpisode(t *testing.T) {
	raw := sample(t, "outpatient.xml")
	spoilt := strings.Replace(string(raw), "<NOIDUNGFILE>PD94", "<NOIDUNGFILE>!!!!", 2)
	f, err := hoso.Decode([]byte(spoilt), hoso.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	fs := slices.DeleteFunc(hoso.Check(f, hoso.CheckOptions{}), func(x hoso.Finding) bool { return x.Rule != "ENV-03" })
	if len(fs) != 2 || fs[0].Rule != "ENV-03" || fs[0].Path() != "XML1.NOIDUNGFILE" || !hoso.Held(fs) {
		t.Errorf("got %+v", fs)
	}
	if len(f.HoSo) != 1 || len(f.HoSo[0].Rows(hoso.XML3)) != 2 {
		t.Error("the readable tables are gone")
	}
	if !hoso.Held(hoso.Check(f, hoso.CheckOptions{})) {
		t.Error("an episode without XML1 must be held")
	}
}

func TestTheEnvelopeMayBeWrappedAndSigned(t *testing.T) {
	raw := string(sample(t, "outpatient.xml"))
	from := strings.Index(raw, "<NOIDUNGFILE>") + len("<NOIDUNGFILE>")
	to := strings.Index(raw, "</NOIDUNGFILE>")
	var wrapped strings.Builder
	for i := from; i < to; i += 76 {
		wrapped.WriteString(raw[i:min(i+76, to)] + "\r\n")
	}
	raw = raw[:from] + wrapped.String() + raw[to:]
	raw = strings.Replace(raw, "<CHUKYDONVI/>", `<CHUKYDONVI><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><X a="1"/></Signature></CHUKYDONVI>`, 1)
	f := decode(t, []byte(raw))
	if f.ChuKyDonVi != `<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><X a="1"/></Signature>` {
		t.Errorf("signature: %q", f.ChuKyDonVi)
	}
	if again := decode(t, f.Encode()); again.ChuKyDonVi != f.ChuKyDonVi {
		t.Error("the signature did not survive writing")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("<GIAMDINHHS><THONGTINDONVI><MACSKCB>51901</MACSKCB></THONGTINDONVI><THONGTINHOSO><DANHSACHHOSO><HOSO><FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>" +
		base64.StdEncoding.EncodeToString([]byte("<TONG_HOP><MA_LK>1</MA_LK></TONG_HOP>")) + "</NOIDUNGFILE></FILEHOSO></HOSO></DANHSACHHOSO></THONGTINHOSO></GIAMDINHHS>"))
	f.Add([]byte("\xEF\xBB\xBF<GIAMDINHHS/>"))
	lim := hoso.Limits{Bytes: 1 << 20, HoSo: 10, Rows: 100}
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := hoso.Decode(raw, lim)
		if err != nil || file.Bare {
			return
		}
		fs := hoso.Check(file, hoso.CheckOptions{})
		if hoso.Held(fs) || len(file.HoSo) == 0 {
			return
		}
		again, err := hoso.Decode(file.Encode(), hoso.Limits{Bytes: 16 << 20, HoSo: 10, Rows: 100})
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if again.MaCSKCB != file.MaCSKCB || len(again.HoSo) != len(file.HoSo) {
			t.Fatal("the file changed")
		}
	})
}

func FuzzReadTable(f *testing.F) {
	f.Add([]byte("<CHITIEU_CHITIET_THUOC><DSACH_CHI_TIET_THUOC><CHI_TIET_THUOC><MA_LK>a&amp;b</MA_LK><STT>1</STT></CHI_TIET_THUOC></DSACH_CHI_TIET_THUOC></CHITIEU_CHITIET_THUOC>"))
	f.Add([]byte("<CHITIEU_CHITIET_THUOC><DSACH_CHI_TIET_THUOC><CHI_TIET_THUOC><MA_LK>\r\n&#13;\t]]&gt;</MA_LK></CHI_TIET_THUOC></DSACH_CHI_TIET_THUOC></CHITIEU_CHITIET_THUOC>"))
	lim := hoso.Limits{Bytes: 1 << 20, Rows: 100}
	f.Fuzz(func(t *testing.T, raw []byte) {
		table, err := hoso.ReadTable(raw, layout(hoso.XML2), lim)
		if err != nil {
			return
		}
		text := table.AppendXML(nil)
		again, err := hoso.ReadTable(text, layout(hoso.XML2), hoso.Limits{Bytes: 16 << 20, Rows: 100})
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if !bytes.Equal(again.AppendXML(nil), text) {
			t.Fatal("the table changed")
		}
	})
}

func TestOldEncodingsAreReadAndTold(t *testing.T) {
	const name = "Nguyễn Thị Hường, xã Giả Định, đường số 5: đỡ ho, còn sốt nhẹ"
	text := "<TONG_HOP><MA_LK>1</MA_LK><HO_TEN>" + name + "</HO_TEN></TONG_HOP>"
	windows, err := charmap.Windows1258.NewEncoder().String(decomposed(text))
	if err != nil {
		t.Fatal(err)
	}
	for encoding, raw := range map[string]string{"windows-1258": windows, "TCVN3": tcvn3(text)} {
		for _, declared := range []string{"", `<?xml version="1.0" encoding="utf-8"?>`} {
			table, err := hoso.ReadTable([]byte(declared+raw), layout(hoso.XML1), hoso.DefaultLimits())
			if err != nil {
				t.Fatalf("%s: %v", encoding, err)
			}
			if got := table.Rows[0].Get("HO_TEN"); got != name {
				t.Errorf("%s became %q", encoding, got)
			}
			fs := hoso.CheckEpisode(&hoso.File{Bare: true}, hoso.HoSo{Tables: []hoso.Table{table}}, hoso.CheckOptions{})
			if !slices.ContainsFunc(fs, func(f hoso.Finding) bool { return f.Rule == "ENC-04" && f.Level() == "warning" }) {
				t.Errorf("%s is not told: %+v", encoding, fs)
			}
		}
	}
}

// decomposed writes tones as windows-1258 has them: after their letter, which keeps its hat, breve or horn.
func decomposed(s string) string {
	var b strings.Builder
	for _, r := range s {
		var tone, base []rune
		for _, p := range norm.NFD.String(string(r)) {
			if strings.ContainsRune("\u0300\u0301\u0303\u0309\u0323", p) {
				tone = append(tone, p)
			} else {
				base = append(base, p)
			}
		}
		b.WriteString(norm.NFC.String(string(base)) + string(tone))
	}
	return b.String()
}

// tcvn3 writes text in TCVN 5712 VN3, for the letters of the test.
func tcvn3(s string) string {
	of := map[rune]byte{'ễ': 0xD4, 'ị': 0xDE, 'ư': 0xAD, 'ờ': 0xEA, 'ã': 0xB7, 'ả': 0xB6, 'đ': 0xAE, 'Đ': 0xA7, 'ố': 0xE8, 'ỡ': 0xEC, 'ò': 0xDF, 'ẹ': 0xD1}
	var b []byte
	for _, r := range s {
		if r < 0x80 {
			b = append(b, byte(r))
			continue
		}
		if of[r] == 0 {
			panic("the test has no byte for " + string(r))
		}
		b = append(b, of[r])
	}
	return string(b)
}

// The same file may come as an envelope, as the base64 of one, in UTF-16 or with a byte order mark; a table may come bare.
func TestScanReadsWhatDecodeReadsAndMore(t *testing.T) {
	raw := sample(t, "three-episodes.xml")
	want := decode(t, raw)
	utf16 := []byte{0xFE, 0xFF}
	for _, c := range raw {
		utf16 = append(utf16, 0, c)
	}
	packed := base64.StdEncoding.EncodeToString(raw)
	for name, in := range map[string]string{
		"plain": string(raw), "base64": packed, "wrapped base64": packed[:100] + "\r\n " + packed[100:] + "\n",
		"base64 with byte order mark": base64.StdEncoding.EncodeToString(append([]byte("\xEF\xBB\xBF"), raw...)), "UTF-16": string(utf16),
	} {
		var got hoso.File
		head, err := hoso.Scan(iotest.OneByteReader(strings.NewReader(in)), hoso.DefaultLimits(), func(head hoso.File, e hoso.Raw) error {
			if head.MaCSKCB != "51901" {
				t.Errorf("%s: the facility is not known before the episodes", name)
			}
			got.HoSo = append(got.HoSo, e.Read(hoso.DefaultLimits()))
			return nil
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got.MaCSKCB, got.NgayLap = head.MaCSKCB, head.NgayLap
		if !bytes.Equal(got.Encode(), want.Encode()) {
			t.Errorf("%s: the file differs", name)
		}
	}
	bare := decode(t, sample(t, "inpatient.XML3.xml"))
	if fs := hoso.Check(bare, hoso.CheckOptions{}); !bare.Bare || len(bare.HoSo[0].Rows(hoso.XML3)) == 0 || len(fs) > 0 {
		t.Errorf("a bare table: %+v", fs)
	}
}

func TestACheckInFileIsReadAndWritten(t *testing.T) {
	table := hoso.Table{Layout: layout(hoso.XML0), ChuKyDonVi: `<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"></Signature>`}
	for _, id := range []string{"A", "B"} {
		r := table.Add()
		for f, v := range map[string]string{"MA_LK": id, "MA_BN": "BN1", "HO_TEN": "NGUYỄN VĂN THỬ", "NGAY_SINH": "198503150000", "GIOI_TINH": "1",
			"MA_DOITUONG_KCB": "1.1", "NGAY_VAO": "202603010800", "MA_LOAI_KCB": "01", "MA_CSKCB": "51901", "NGAY_YL": "202603010801", "MA_DICH_VU": "02.1897", "TEN_DICH_VU": "Khám"} {
			r.Set(f, v)
		}
		r.Set("STT", map[string]string{"A": "1", "B": "2"}[id])
	}
	raw, err := hoso.CheckIn(&table)
	if err != nil {
		t.Fatal(err)
	}
	f := decode(t, raw)
	if again := f.HoSo[0].Table(hoso.XML0).AppendXML(nil); !bytes.Equal(again, raw) {
		t.Error(firstDifference(raw, again))
	}
	if fs := hoso.Check(f, hoso.CheckOptions{}); len(fs) > 0 {
		t.Errorf("%+v", fs)
	}
	f.HoSo[0].Rows(hoso.XML0)[1].Set("TEN_DICH_VU", "")
	if fs := hoso.Check(f, hoso.CheckOptions{}); len(fs) != 1 || fs[0].Path() != "XML0[2].TEN_DICH_VU" {
		t.Errorf("%+v", fs)
	}
	if _, err := hoso.CheckIn(&hoso.Table{Layout: layout(hoso.XML1)}); err == nil {
		t.Error("XML1 is no check-in")
	}
}
