package delivery

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

// A body comes back byte by byte, whatever of it looks like base64 and is none.
func FuzzWhatIsPackedComesBack(f *testing.F) {
	long := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("Viện phí ", 200)))
	for _, s := range []string{"", "<A>x</A>", "<A>" + long + "</A>", long, "<A>" + long + "=</A>", "<A>" + long + "====</A>", "<A>" + long + "</A><B>" + long[:300] + "\n" + long[:399] + "=</B>",
		"<A>" + long[:398] + "==</A>", "<A>" + long[:397] + "===</A>", "<A>" + long[:len(long)-2] + "/=</A>", "<A>" + long + "\r\n\r\n</A>", "><", "<" + long + ">"} {
		f.Add([]byte(s), uint8(0))
		f.Add([]byte(s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, raw []byte, again uint8) {
		for range min(again, 8) { // long ones are packed
			raw = append(raw, raw...)
		}
		if len(raw) > 1<<20 {
			return
		}
		if got, err := Unpack(Pack(raw)); err != nil || !bytes.Equal(got, raw) {
			t.Fatalf("%q comes back as %q (%v)", raw, got, err)
		}
		if got, err := closeBase64(openBase64(raw)); err != nil || !bytes.Equal(got, raw) {
			t.Fatalf("%q comes back as %q (%v)", raw, got, err)
		}
		_, _ = closeBase64(raw) // no panic
	})
}

// Rows that were written before base64 was opened are read as they are.
func TestBodiesThatWerePackedAsTheyStandAreRead(t *testing.T) {
	raw := []byte(strings.Repeat("Viện phí ", 5000))
	if got, err := Unpack(packer.EncodeAll(raw, []byte{packed})); err != nil || !bytes.Equal(got, raw) {
		t.Errorf("%v, %d bytes", err, len(got))
	}
	if _, err := Unpack(packer.EncodeAll([]byte{9}, []byte{opened})); err == nil {
		t.Error("a torn body is read")
	}
}

func TestBase64TakesLittleRoom(t *testing.T) {
	table := strings.Repeat("<T_BHTT>12000.00</T_BHTT>", 400)
	if got := len(Pack([]byte("<NOIDUNGFILE>" + base64.StdEncoding.EncodeToString([]byte(table)) + "</NOIDUNGFILE>"))); got > len(table)/20 {
		t.Errorf("%d of %d bytes", got, len(table))
	}
}
