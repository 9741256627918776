package hoso_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/fhir"
)

func layout(id hoso.ID) *hoso.Layout { return hoso.DecisionAt("20260301").Layout(id) }

func TestReadTakesWhatTheFieldSends(t *testing.T) {
	plain := sample(t, "outpatient.XML1.xml")
	want, _, err := hoso.ReadTable(plain, layout(hoso.XML1), hoso.DefaultLimits())
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
		"CRLF":                   {bytes.ReplaceAll(plain, []byte("\n"), []byte("\r\n")), ""},
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
			got, fs, err := hoso.ReadTable(c.raw, layout(hoso.XML1), hoso.DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
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
		if _, _, err := hoso.ReadTable([]byte(raw), layout(hoso.XML1), hoso.DefaultLimits()); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestReadKeepsItsLimits(t *testing.T) {
	raw := sample(t, "three-episodes.xml")
	for _, lim := range []hoso.Limits{{Bytes: len(raw) - 1, HoSo: 3, Rows: 10}, {Bytes: len(raw), HoSo: 2, Rows: 10}} {
		_, _, err := hoso.Decode(raw, lim)
		if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Kind != fhir.TooLarge {
			t.Errorf("%+v: got %v", lim, err)
		}
	}
	_, fs, err := hoso.Decode(raw, hoso.Limits{Bytes: len(raw), HoSo: 3, Rows: 1})
	if err != nil || !hoso.Held(fs) {
		t.Errorf("too many rows: %v %v", fs, err)
	}
}

func TestAnUnreadableTableIsAFindingOfItsEpisode(t *testing.T) {
	raw := sample(t, "outpatient.xml")
	spoilt := strings.Replace(string(raw), "<NOIDUNGFILE>PD94", "<NOIDUNGFILE>!!!!", 2)
	f, fs, err := hoso.Decode([]byte(spoilt), hoso.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
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
		file, fs, err := hoso.Decode(raw, lim)
		if err != nil {
			return
		}
		hoso.Check(file, hoso.CheckOptions{})
		if hoso.Held(fs) || len(file.HoSo) == 0 {
			return
		}
		again, _, err := hoso.Decode(file.Encode(), hoso.Limits{Bytes: 16 << 20, HoSo: 10, Rows: 100})
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
		table, _, err := hoso.ReadTable(raw, layout(hoso.XML2), lim)
		if err != nil {
			return
		}
		text := table.AppendXML(nil)
		again, fs, err := hoso.ReadTable(text, layout(hoso.XML2), hoso.Limits{Bytes: 16 << 20, Rows: 100})
		if err != nil || len(fs) > 0 {
			t.Fatalf("what was written cannot be read: %v %v", err, fs)
		}
		if !bytes.Equal(again.AppendXML(nil), text) {
			t.Fatal("the table changed")
		}
	})
}
