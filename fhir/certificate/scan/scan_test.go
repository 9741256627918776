package scan_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/png"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/certificate"
	"github.com/lienthong/lienthong/fhir/certificate/scan"
)

func TestCodesAreReadFromTheImage(t *testing.T) {
	long := strings.Repeat("0123456789.-_azAZ", 150) // several codes
	for name, texts := range map[string][]string{
		"one":     certificate.Numeric("abc.def.ghi"),
		"largest": certificate.Numeric(long[:1195]),
		"three":   certificate.Numeric(long),
		"HC1":     {"HC1:" + strings.Repeat("6BF+70790T9WJWG.FKY*4GO0", 30)},
	} {
		raw, err := certificate.PNG(texts, 4)
		if err != nil {
			t.Fatal(err)
		}
		got, err := scan.QR(raw)
		slices.Sort(got)
		want := slices.Sorted(slices.Values(texts))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %d of %d codes", name, err, len(got), len(texts))
		}
	}
}

func TestWhatIsNoImageOfACodeIsRefused(t *testing.T) {
	bomb := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
	bomb = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(bomb, 1<<15), 1<<15)
	bomb = append(bomb, 8, 0, 0, 0, 0)
	bomb = binary.BigEndian.AppendUint32(bomb, crc32.ChecksumIEEE(bomb[12:]))
	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"text":           {[]byte("shc:/1234"), "certificate-unreadable"},
		"a huge picture": {bomb, "certificate-too-large"},
		"too many bytes": {make([]byte, scan.MaxBytes+1), "certificate-too-large"},
		"cut off":        {bytes.Repeat([]byte("\x89PNG\r\n\x1a\n"), 3), "certificate-unreadable"},
		"nothing on it":  {blank(t), "certificate-unreadable"},
		"nothing at all": {nil, "certificate-unreadable"},
	} {
		_, err := scan.QR(c.raw)
		if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Code != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func blank(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 60, 60))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func FuzzQR(f *testing.F) {
	raw, err := certificate.PNG([]string{"shc:/1"}, 1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 4<<10 {
			t.Skip()
		}
		if texts, err := scan.QR(raw); (err == nil) == (len(texts) == 0) {
			t.Fatalf("%q, %v", texts, err)
		}
	})
}
