package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

func TestPasswordHashIsUpperCaseMD5(t *testing.T) {
	if got := wire.PasswordHash("123456"); got != "E10ADC3949BA59ABBE56E057F20F883E" {
		t.Error(got)
	}
}

func TestPhienBan(t *testing.T) {
	for in, want := range map[string]wire.PhienBan{
		"":                     {So: 1},
		"PB=2;LD=sai giá":      {So: 2, LyDo: "sai giá"},
		"ghi chú;PB=3":         {So: 3, Khac: "ghi chú"},
		"PB=0;PB=x;LD=a;LD=b;": {So: 1, LyDo: "a", Khac: "PB=0;PB=x;LD=b"},
	} {
		if got := wire.ParsePhienBan(in); got != want {
			t.Errorf("%q: %+v", in, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		v := wire.PhienBan{So: rapid.Uint64Range(1, 1<<40).Draw(t, "PB"), LyDo: rapid.StringMatching(`[a-z ,=]*`).Draw(t, "LD"), Khac: rapid.StringMatching(`([a-z]+(;[a-z]+)*)?`).Draw(t, "rest")}
		if got := wire.ParsePhienBan(v.String()); got != v {
			t.Fatalf("%+v became %+v", v, got)
		}
	})
	if s := (wire.PhienBan{So: 2, LyDo: "a;PB=9"}).String(); wire.ParsePhienBan(s).So != 2 {
		t.Errorf("a reason can change the version: %s", s)
	}
}

func TestCodesAndAmountsReadAsTextOrNumber(t *testing.T) {
	var r struct {
		A, B, C wire.MaKetQua
		X, Y, Z wire.Amount
	}
	if err := json.Unmarshal([]byte(`{"A":"200","B":401,"C":null,"X":"12000.00","Y":12000.00,"Z":null}`), &r); err != nil {
		t.Fatal(err)
	}
	if r.A != "200" || r.B != "401" || r.C.Valid() || r.X != "12000.00" || r.Y != "12000.00" || r.Z != "" {
		t.Errorf("%+v", r)
	}
	for _, bad := range []string{`{"A":true}`, `{"A":["200"]}`, `{"X":{}}`} {
		if json.Unmarshal([]byte(bad), &r) == nil {
			t.Errorf("%s was read", bad)
		}
	}
	for code, valid := range map[wire.MaKetQua]bool{"200": true, "2000": false, "OK": false, "20x": false, "": false} {
		if code.Valid() != valid {
			t.Errorf("%q", code)
		}
	}
	if vi, en := wire.MaKetQua("110").Meaning(); vi == "" || en == "" {
		t.Error("110 has no meaning")
	}
}

func TestStampsAreLocal(t *testing.T) {
	at := time.Date(2026, 2, 28, 18, 30, 1, 0, time.UTC)
	if s := wire.Stamp(at); s != "20260301013001" {
		t.Error(s)
	}
	if back, err := wire.ParseStamp(wire.Stamp(at)); err != nil || !back.Equal(at) {
		t.Error(back, err)
	}
}

func TestEnvelopesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := wire.Envelope{MaCSKCB: rapid.StringMatching(`[0-9]{5}`).Draw(t, "MACSKCB"), NgayLap: "20260301"}
		for range rapid.IntRange(0, 3).Draw(t, "HOSO") {
			var h wire.Episode
			for range rapid.IntRange(0, 3).Draw(t, "FILEHOSO") {
				h.Files = append(h.Files, wire.FileHoSo{LoaiHoSo: rapid.StringMatching(`XML[0-9]{1,2}`).Draw(t, "LOAIHOSO"), NoiDung: rapid.SliceOf(rapid.Byte()).Draw(t, "NOIDUNGFILE")})
			}
			e.HoSo = append(e.HoSo, h)
		}
		raw := e.Append(nil)
		back, notes, err := wire.ReadEnvelope(raw, wire.DefaultLimits())
		if err != nil || len(notes) > 0 {
			t.Fatal(err, notes)
		}
		if again := back.Append(nil); !bytes.Equal(again, raw) {
			t.Fatalf("%s\nbecame\n%s", raw, again)
		}
	})
}

func TestWhatIsPassedOverIsNestedSoDeepAndNoDeeper(t *testing.T) {
	nest := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	for _, at := range []string{"%s", "<CHUKYDONVI>%s</CHUKYDONVI>", "<THONGTINHOSO><DANHSACHHOSO><HOSO>%s</HOSO></DANHSACHHOSO></THONGTINHOSO>", "<THONGTINHOSO><DANHSACHHOSO><HOSO><FILEHOSO>%s</FILEHOSO></HOSO></DANHSACHHOSO></THONGTINHOSO>"} {
		raw := func(inner string) []byte { return []byte("<GIAMDINHHS>" + fmt.Sprintf(at, inner) + "</GIAMDINHHS>") }
		if _, _, err := wire.ReadEnvelope(raw(nest(20)+nest(20)), wire.DefaultLimits()); err != nil {
			t.Errorf(at+": %v", "20 deep", err)
		}
		if _, _, err := wire.ReadEnvelope(raw(nest(100_000)), wire.DefaultLimits()); !errors.Is(err, wire.ErrTooDeep) {
			t.Errorf(at+": %v", "100,000 deep", err)
		}
		if _, _, err := wire.ReadEnvelope(raw("<a><!DOCTYPE a></a>"), wire.DefaultLimits()); !errors.Is(err, wire.ErrDirective) {
			t.Errorf(at+": %v", "document type", err)
		}
	}
	deep := []byte("<GIAMDINHHS><CHUKYDONVI>" + nest(3) + "</CHUKYDONVI></GIAMDINHHS>")
	if e, _, err := wire.ReadEnvelope(deep, wire.DefaultLimits()); err != nil || e.ChuKyDonVi != nest(3) {
		t.Errorf("%v: %q", err, e.ChuKyDonVi)
	}
}

func FuzzReadEnvelope(f *testing.F) {
	f.Add((&wire.Envelope{MaCSKCB: "51901", ChuKyDonVi: "<X/>", HoSo: []wire.Episode{{Files: []wire.FileHoSo{{LoaiHoSo: "XML1", NoiDung: []byte("<a/>")}}}}}).Append(nil))
	f.Add([]byte("\xFF\xFE<\x00"))
	lim := wire.Limits{Bytes: 1 << 20, HoSo: 10}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, _, err := wire.ReadEnvelope(raw, lim)
		if err == nil && len(e.HoSo) > lim.HoSo {
			t.Fatal("more episodes than allowed")
		}
	})
}

func TestASendRequestIsWrittenAsItsForm(t *testing.T) {
	file := make([]byte, 10_000)
	for i := range file {
		file[i] = byte(i*i>>3 + i)
	}
	for _, n := range []int{0, 1, 2, 3, 3071, 3072, 3073, len(file)} {
		r := wire.SendRequest{Username: "51_demo & co", LoaiHoSo: wire.LoaiHoSoClaim, MaTinh: "51", MaCSKCB: "51901", File: file[:n]}
		if got, want := string(r.Encode()), r.Form().Encode(); got != want {
			t.Errorf("%d bytes: %.80s, want %.80s", n, got, want)
		}
	}
}

func TestDecodeBase64(t *testing.T) {
	for _, text := range []string{"AQIDBA==", "AQID\r\nBA==\n", " AQ ID\tBA == ", "A Q\nI D\r B A = ="} {
		if got, err := wire.DecodeBase64([]byte(text)); err != nil || !bytes.Equal(got, []byte{1, 2, 3, 4}) {
			t.Errorf("%q gave %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"AQIDBA", "AQ*D", "AQIDBB==", "AQ ID BA=\t", "AQI\u00a0D"} {
		if got, err := wire.DecodeBase64([]byte(text)); err == nil {
			t.Errorf("%q gave %v", text, got)
		}
	}
}
