package search

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/apd/v3"
	"pgregory.net/rapid"

	"github.com/lienthong/lienthong/fhir"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"Nguyễn Văn Đạt":               "nguyen van dat",
		"Nguye\u0302\u0303n":           "nguyen",
		"ĐẶNG  THỊ\tÁNH ":              "dang thi anh",
		"Trần Lê-Quốc, Toàn":           "tran le quoc toan",
		"O'Brien":                      "obrien",
		"O’Brien":                      "obrien",
		"St. Mary's":                   "st marys",
		"  --  ":                       "",
		"A+B":                          "a+b",
		"Müller Straße 5/7":            "muller strasse 5 7",
		"Ærø Łódź Œuvre ẞ":             "aero lodz oeuvre ss",
		"Hừng Đông (2)":                "hung dong 2",
		"ÐẠI":                          "dai",
		"UPPER lower 12":               "upper lower 12",
		"\u00a0x\u00a0y\u00a0":         "x y",
		"Ｆｕｌｌ":                         "ｆｕｌｌ",
		strings.Repeat("a", 300):       strings.Repeat("a", maxFolded),
		strings.Repeat("ư", 300) + "!": strings.Repeat("u", maxFolded),
	} {
		if got := string(AppendFolded(nil, in, maxFolded)); got != want {
			t.Errorf("%q: got %q want %q", in, got, want)
		}
	}
}

// TestFoldIsStable: folding what is folded changes nothing, and NFC and NFD are the same.
func TestFoldIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		once := AppendFolded(nil, s, 0)
		if again := AppendFolded(nil, string(once), 0); !bytes.Equal(once, again) {
			t.Fatalf("%q folds to %q and that to %q", s, once, again)
		}
	})
}

// TestFoldByTableIsFold: the fast way and the general one agree.
func TestFoldByTableIsFold(t *testing.T) {
	letters := []rune("aZ9 .'-,đĐÐðộĂ\u0302\u0309ßŐΣΑ\u00a0\u200b中ﬁ’+́İı\u0085")
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.SampledFrom(letters)).Draw(t, "s"))
		if got, want := string(AppendFolded(nil, s, 0)), string(foldAny(nil, s)); got != want {
			t.Fatalf("%q: got %q want %q", s, got, want)
		}
	})
}

func TestNameOrders(t *testing.T) {
	var got []string
	AppendNameOrders(nil, "Nguyễn Văn An", func(v []byte) { got = append(got, string(v)) })
	want := "[nguyen van an\x00\x01 van an nguyen\x00\x01 an nguyen van\x00\x01]"
	if s := fmt.Sprint(got); s != want {
		t.Errorf("got %q want %q", s, want)
	}
}

func TestLongFieldsStayApart(t *testing.T) {
	a, b := strings.Repeat("a", 600), strings.Repeat("a", 599)+"b"
	for name, f := range map[string]func(string) []byte{
		"token":   func(s string) []byte { return AppendToken(nil, s, "") },
		"system":  func(s string) []byte { return AppendToken(nil, "c", s) },
		"uri":     func(s string) []byte { return AppendURI(nil, s) },
		"string":  func(s string) []byte { return AppendString(nil, s) },
		"url":     func(s string) []byte { return AppendReference(nil, "http://x/"+s, "", Bases{}) },
		"version": func(s string) []byte { return AppendCanonical(nil, "http://x|"+s, "", Bases{}) },
	} {
		va, vb := f(a), f(b)
		if bytes.Equal(va, vb) || len(va) > 1000 {
			t.Errorf("%s: %d bytes, equal %v", name, len(va), bytes.Equal(va, vb))
		}
	}
}

// genDecimal draws literals as JSON has them.
func genDecimal() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,12})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?`),
		rapid.StringMatching(`-?0\.0{0,5}[0-9]{1,3}`),
		rapid.StringMatching(`-?[0-9]0{0,5}`),
	)
}

// TestNumbersOrderAsDecimals: bytes compare as the numbers do, and equal numbers have equal bytes.
func TestNumbersOrderAsDecimals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genDecimal().Draw(t, "a"), genDecimal().Draw(t, "b")
		x, _, err1 := apd.NewFromString(a)
		y, _, err2 := apd.NewFromString(b)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		va, ok1 := AppendNumber(nil, a)
		vb, ok2 := AppendNumber(nil, b)
		if !ok1 || !ok2 {
			t.Fatalf("%s %v, %s %v", a, ok1, b, ok2)
		}
		if got, want := bytes.Compare(va, vb), x.Cmp(y); got != want {
			t.Fatalf("%s and %s: bytes say %d, numbers %d", a, b, got, want)
		}
		if n := numberLen(append(va[:len(va):len(va)], vb...)); n != len(va) {
			t.Fatalf("%s: ends after %d of %d bytes", a, n, len(va))
		}
	})
}

func TestNumberLiterals(t *testing.T) {
	for _, s := range []string{"", "-", ".5", "5.", "1e", "1e+", "+1", "0x1", "1 ", "--1", "1.2.3", "NaN", "e5"} {
		if v, ok := AppendNumber([]byte("x"), s); ok || string(v) != "x" {
			t.Errorf("%q is taken for a number", s)
		}
	}
	huge, _ := AppendNumber(nil, "1e999999999")
	large, _ := AppendNumber(nil, "1e9999")
	if bytes.Compare(huge, large) <= 0 {
		t.Error("1e999999999 is not above 1e9999")
	}
}

// TestNumberSpans compares the spans with the table of the specification.
func TestNumberSpans(t *testing.T) {
	for _, c := range []struct{ query, yes, no string }{
		{"100", "99.5 100 100.49", "99.49 100.5 -100"},
		{"100.00", "99.995 100.0049", "99.994 100.005"},
		{"1e2", "95 100 104.9", "94.9 105"},
		{"eq0", "0 0.00 -0.5 0.49", "0.5 -0.51"},
		{"-5", "-5.5 -5 -4.51", "-5.51 -4.5 5"},
		{"ne100", "99.4 100.5 -1", "99.5 100"},
		{"gt100", "100.0000001 1e3", "100 99.99 -200"},
		{"ge100", "100 100.00 101", "99.999"},
		{"lt100", "99.9999 -1e9 0", "100 100.0"},
		{"le100", "100 99", "100.0001"},
		{"sa100", "100.1", "100"},
		{"eb100", "99.9", "100"},
		{"ap100", "90 110 100", "89.9 110.1"},
		{"ap-100", "-90 -110", "-89 100"},
		{"gt-1", "-0.9 0 5", "-1 -1.1"},
		{"0.00000001", "0.00000001", "0.00000002 0"},
	} {
		p, rest, _ := cutPrefix(c.query)
		spans, ok := numberSpans(p, rest)
		if !ok {
			t.Errorf("%s is refused", c.query)
			continue
		}
		for list, want := range map[string]bool{c.yes: true, c.no: false} {
			for _, s := range strings.Fields(list) {
				v, _ := AppendNumber(nil, s)
				if anyHolds(spans, v) != want {
					t.Errorf("%s: %s found is %v", c.query, s, !want)
				}
			}
		}
	}
	for _, s := range []string{"", "x", "1e2000", "gt", strings.Repeat("9", 65), "1..2"} {
		if _, ok := numberSpans(PrefixEQ, s); ok {
			t.Errorf("%q is taken", s)
		}
	}
}

// genInterval draws intervals around 2020, of all classes.
func genInterval() *rapid.Generator[Interval] {
	return rapid.Custom(func(t *rapid.T) Interval {
		start := rapid.Int64Range(1_500_000_000_000, 1_600_000_000_000).Draw(t, "start")
		unit := rapid.SampledFrom([]int64{1, 1000, day, 31 * day, 366 * day, 2000 * day}).Draw(t, "unit")
		iv := Interval{start, start + rapid.Int64Range(0, 3).Draw(t, "n")*unit + unit - 1}
		switch rapid.IntRange(0, 9).Draw(t, "open") {
		case 0:
			iv.Start = NoStart
		case 1:
			iv.End = NoEnd
		}
		return iv
	})
}

// entriesOf gives the entries of an interval, as the index makes them.
func entriesOf(iv Interval) []Entry {
	out := []Entry{{Param: 20, Value: AppendDate(nil, iv)}}
	if v, ok := AppendLongDate(nil, iv); ok {
		out = append(out, Entry{Param: 20 | ParamDetail, Value: v})
	}
	return out
}

// TestDateSpansFindWhatTheTestTakes: looking in ranges finds the same intervals as looking at all.
func TestDateSpansFindWhatTheTestTakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Prefix(rapid.IntRange(0, int(PrefixAP)).Draw(t, "prefix"))
		q, iv := genInterval().Draw(t, "query"), genInterval().Draw(t, "interval")
		if q.Start == NoStart || q.End == NoEnd { // queries are never open
			q = Interval{1_550_000_000_000, 1_550_000_000_999}
		}
		found := false
		for _, term := range terms(20, dateSpans(p, q)) {
			for _, e := range entriesOf(iv) {
				found = found || term.Holds(e)
			}
		}
		if want := dateTest(p, q)(iv); found != want {
			t.Fatalf("prefix %d of %v on %v: found %v, want %v", p, q, iv, found, want)
		}
		if plain := anyHolds(plainDateSpans(p, q), AppendDate(nil, iv)); plain != dateTest(p, q)(iv) {
			t.Fatalf("prefix %d of %v on %v: found in a composite %v", p, q, iv, plain)
		}
		if iv.Start == iv.End {
			if instant := anyHolds(instantSpans(p, q), AppendDate(nil, iv)); instant != dateTest(p, q)(iv) {
				t.Fatalf("prefix %d of %v on %v: found as instant %v", p, q, iv, instant)
			}
		}
	})
}

func TestInstantSpans(t *testing.T) {
	q, _ := ParseInterval("2026-03-01T08:00:00Z")
	for p, want := range map[Prefix]string{
		PrefixEQ: "0110", PrefixNE: "1001", PrefixGT: "0001", PrefixGE: "0111", PrefixLT: "1000", PrefixLE: "1110",
		PrefixSA: "0001", PrefixEB: "1000", PrefixAP: "0110",
	} {
		got := ""
		for _, at := range []int64{q.Start - 1, q.Start, q.End, q.End + 1} {
			got += map[bool]string{true: "1", false: "0"}[anyHolds(instantSpans(p, q), InstantValue(fhir.Instant(at)))]
		}
		if got != want {
			t.Errorf("prefix %d: got %s want %s", p, got, want)
		}
	}
}

func TestIntervals(t *testing.T) {
	at := func(s string) int64 {
		x, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return x.UnixMilli()
	}
	for in, want := range map[string][2]string{
		"2024":                        {"2024-01-01T00:00:00+07:00", "2024-12-31T23:59:59.999+07:00"},
		"2024-02":                     {"2024-02-01T00:00:00+07:00", "2024-02-29T23:59:59.999+07:00"},
		"2024-02-29":                  {"2024-02-29T00:00:00+07:00", "2024-02-29T23:59:59.999+07:00"},
		"2024-02-29T10:30":            {"2024-02-29T10:30:00+07:00", "2024-02-29T10:30:59.999+07:00"},
		"2024-02-29T10:30:05Z":        {"2024-02-29T10:30:05Z", "2024-02-29T10:30:05.999Z"},
		"2024-02-29T10:30:05.5-05:00": {"2024-02-29T10:30:05.5-05:00", "2024-02-29T10:30:05.599-05:00"},
		"2024-02-29T10:30:05.123456Z": {"2024-02-29T10:30:05.123Z", "2024-02-29T10:30:05.123Z"},
		"2016-12-31T23:59:60Z":        {"2017-01-01T00:00:00Z", "2017-01-01T00:00:00.999Z"},
	} {
		got, ok := ParseInterval(in)
		if !ok || got.Start != at(want[0]) || got.End != at(want[1]) {
			t.Errorf("%s: %v %v", in, got, ok)
		}
		if back, _ := readInterval(AppendDate(nil, got)); back != got {
			t.Errorf("%s: %v is read back as %v", in, got, back)
		}
	}
	first, _ := ParseInterval("0001")
	last, _ := ParseInterval("9999")
	for _, iv := range []Interval{first, last, {NoStart, first.End}, {last.Start, NoEnd}} {
		if back, _ := readInterval(AppendDate(nil, iv)); back != iv {
			t.Errorf("%v is read back as %v", iv, back)
		}
	}
}

// TestCompositePartsEscape: parts come back, and joined values order as the parts do.
func TestCompositePartsEscape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 0xFE, 0xFF, 'a'}), 0, 6)
		a, b := g.Draw(t, "a"), g.Draw(t, "b")
		va, vb := appendPart(nil, a), appendPart(nil, b)
		if bytes.Compare(va, vb) != bytes.Compare(a, b) {
			t.Fatalf("%q and %q order otherwise when escaped", a, b)
		}
		part, rest, ok := cutPart(append(va[:len(va):len(va)], "rest"...))
		if !ok || !bytes.Equal(part, a) || string(rest) != "rest" {
			t.Fatalf("%q comes back as %q, rest %q", a, part, rest)
		}
	})
}

func TestSuccessor(t *testing.T) {
	for in, want := range map[string]string{"a": "b", "a\xff": "b", "\xff": "", "": ""} {
		if got := successor([]byte(in)); string(got) != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func FuzzValues(f *testing.F) {
	f.Add("5.4|http://x|mg", "a\\|b|c", "Patient/1/_history/2", "ap2020-01-01T10:00:00 07:00")
	f.Fuzz(func(t *testing.T, quantity, token, reference, date string) {
		if q, ok := parseQuantity(quantity); ok {
			quantitySpans(q)
			quantityPartSpans(q)
		}
		if q, ok := parseToken(token); ok {
			v := AppendToken(nil, q.code, q.system)
			if q.code != "" && clean(token) && !anyHolds(tokenSpans(q, kinds{}), v) {
				t.Fatalf("%q does not find itself", token)
			}
		}
		if spans, ok := referenceSpans(reference, nil, "", false, "", Bases{}); ok && clean(reference) {
			if v := AppendReference(nil, reference, "", Bases{}); len(v) > 0 && v[0] == formLocal && !anyHolds(spans, v) {
				t.Fatalf("%q does not find itself", reference)
			}
		}
		b := binder{o: Options{Now: time.Unix(1<<30, 0)}}
		if p, q, ok := b.date(date); ok {
			if iv := (Interval{q.Start, q.End}); p == PrefixEQ && !anyHolds(dateSpans(p, q), AppendDate(nil, iv)) {
				t.Fatalf("%q does not find itself", date)
			}
		}
		if v, ok := AppendNumber(nil, quantity); ok && numberLen(v) != len(v) {
			t.Fatalf("%q: number of %d bytes ends after %d", quantity, len(v), numberLen(v))
		}
	})
}

func BenchmarkFold(b *testing.B) {
	names := []string{"Nguyễn Thị Thanh Hằng", "Gonzalo Alcántar", "Massachusetts General Hospital", "Bệnh viện Đa khoa tỉnh Quảng Ngãi"}
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendString(buf[:0], names[rand.IntN(len(names))])
	}
}
