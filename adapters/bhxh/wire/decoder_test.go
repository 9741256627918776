package wire_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lienthong/lienthong/adapters/bhxh/wire"
)

const declaration = `<?xml version="1.0" encoding="utf-8"?>` + "\n"

// plainAndNot are texts of the plain form, and near to it.
var plainAndNot = []string{
	"<A><B>a&amp;b</B><C/>\n</A>", "<A>\r\n<B> \r\n</B></A>\n", "<A></A>", "<A><B>1</B >x</A>", "<A><B><![CDATA[1]]></B></A>",
	"<A><B>&#65;&lt;</B></A>", "<A><B>]]></B></A>", "<A/>", "<A><//A>", "<A><B//></A>", "<A></B></A>", "<A><B>", "<A>\uFFFE</A>", "x<A/>y",
	"<A b='1'><C/><D>1</D></A>", "<A><n:B>1</n:B><!-- c --><C>2</C></A>", "<A><?p i?></A>", "<A><!DOCTYPE a></A>", "<A/><B/>", "<A>&amp</A>", "</A>",
}

// What is read without the parser must be what the parser reads, token by token.
func FuzzTheDecoderReadsAsTheParser(f *testing.F) {
	for _, s := range plainAndNot {
		f.Add([]byte(s))
		f.Add([]byte(declaration + s))
	}
	f.Add((&wire.Envelope{MaCSKCB: "51901", ChuKyDonVi: `<X a="1">2</X>`, HoSo: []wire.Episode{{Files: []wire.FileHoSo{{LoaiHoSo: "XML1", NoiDung: []byte("<a/>")}}}}}).Append(nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<20 || !utf8.Valid(raw) {
			return
		}
		ours, theirs, ourErr, theirErr, _ := wire.TokensBothWays(raw)
		if !slices.Equal(ours, theirs) || (ourErr == nil) != (theirErr == nil) {
			t.Fatalf("read %q (%v), by the parser %q (%v)", ours, ourErr, theirs, theirErr)
		}
	})
}

// The shorter way through an element with nothing but text leads to the same.
func FuzzLeavesAreReadAsByTheParser(f *testing.F) {
	for _, s := range append(plainAndNot, "<A> <B>1</B>\n\t<C></C> x</A>", "<A><B/> <C>"+strings.Repeat("1", 101)+"</C></A>", "<A><B>1<!-- c -->2</B></A>", "<A>\r<B>1</B></A>", "<A><B> a&gt;b </B></A> ") {
		f.Add([]byte(s))
		f.Add([]byte(declaration + s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<20 || !utf8.Valid(raw) {
			return
		}
		ours, theirs, ourErr, theirErr := wire.LeavesBothWays(raw)
		if !slices.Equal(ours, theirs) || (ourErr == nil) != (theirErr == nil) {
			t.Fatalf("read %q (%v), by the parser %q (%v)", ours, ourErr, theirs, theirErr)
		}
	})
}

func TestWhatProgramsWriteNeedsNoParser(t *testing.T) {
	unsigned := wire.Envelope{MaCSKCB: "51901", NgayLap: "20260301", HoSo: []wire.Episode{{Files: []wire.FileHoSo{{LoaiHoSo: "XML1", NoiDung: []byte("<a/>")}}}}}
	for name, text := range map[string][]byte{
		"an envelope": unsigned.Append(nil),
		"a table":     []byte(declaration + "<TONG_HOP>\n  <MA_LK>a &lt; b</MA_LK>\n  <STT/>\n  <HO_TEN>Nguyễn</HO_TEN>\n</TONG_HOP>\n"),
	} {
		if _, _, err, _, plain := wire.TokensBothWays(text); err != nil || !plain {
			t.Errorf("%s goes the long way (%v)", name, err)
		}
	}
}

func TestAPartInsideIsGivenAsItStands(t *testing.T) {
	for signed, want := range map[string]string{"<S a=\"1\">\r\n&#65;</S>": "<S a=\"1\">\r\n&#65;</S>", "<S/>": "<S/>", "": "", " ": " "} {
		e, _, err := wire.ReadEnvelope((&wire.Envelope{MaCSKCB: "51901", ChuKyDonVi: signed}).Append(nil), wire.DefaultLimits())
		if err != nil || e.ChuKyDonVi != want {
			t.Errorf("%q: %q, %v", signed, e.ChuKyDonVi, err)
		}
	}
}
