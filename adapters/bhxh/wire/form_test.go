package wire

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func sendForm(file []byte) []byte {
	return SendRequest{Username: "51_demo", LoaiHoSo: "3", MaTinh: "51", MaCSKCB: "51901", File: file}.Encode()
}

// longFile has all that a form escapes.
var longFile = bytes.Repeat([]byte("<tệp>\xff\xfe\xfb~~?</tệp>"), 3000)

func TestReadForm(t *testing.T) {
	body := sendForm(longFile)
	for _, length := range []int64{-1, 0, int64(len(body)), 1 << 60} {
		form, err := ReadForm(iotest.HalfReader(bytes.NewReader(body)), length)
		want := SendRequest{Username: "51_demo", LoaiHoSo: "3", MaTinh: "51", MaCSKCB: "51901", File: longFile}.Form()
		if err != nil || !sameForm(form, want) {
			t.Errorf("length %d: %v, %d values", length, err, len(form))
		}
	}
}

func FuzzReadForm(f *testing.F) {
	long := strings.Repeat("ab%2Fcd", 200)
	f.Add(sendForm(longFile[:5000]))
	for _, text := range []string{"a=1&a=" + long + "&a=2", "a=" + long + "%2", "a=" + long + "%zz&b=%", "a;b=" + long, "a=" + long + ";", "a+b=" + long, "=" + long,
		long, "a=" + long + "+", "a=" + long + "=" + long, strings.Repeat("&", 200) + "a=" + long, "%61=" + long} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := ReadForm(bytes.NewReader(raw), -1)
		want, fault := url.ParseQuery(string(raw))
		if (err == nil) != (fault == nil) || fault == nil && !sameForm(got, want) {
			t.Fatalf("%q gave %v %v, not %v %v", raw, got, err, want, fault)
		}
	})
}

func sameForm(a, b url.Values) bool { return maps.EqualFunc(a, b, slices.Equal) }

func BenchmarkReadForm(b *testing.B) {
	file := make([]byte, 9000)
	rand.NewChaCha8([32]byte{}).Read(file) // a file is packed or base64 for the most part
	body := sendForm(file)
	b.Run("net/url", func(b *testing.B) {
		for b.Loop() {
			if _, err := url.ParseQuery(string(body)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("here", func(b *testing.B) {
		for b.Loop() {
			if _, err := ReadForm(bytes.NewReader(body), int64(len(body))); err != nil {
				b.Fatal(err)
			}
		}
	})
}
