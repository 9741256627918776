package bhxh

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// nextDictionary makes what may become the next dictionary of delivery, of the tables as they are now:
// go test ./adapters/bhxh -run TestNextDictionary -dictionary ../delivery/dictionary2.xml.
var nextDictionary = flag.String("dictionary", "", "file to write a dictionary of claim files to")

func TestNextDictionary(t *testing.T) {
	if *nextDictionary == "" {
		t.Skip("no -dictionary to write")
	}
	if err := os.WriteFile(*nextDictionary, dictionaryOfTables(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What a claim file has in common with all others takes no room.
func TestClaimFilesPackWithTheirDictionary(t *testing.T) {
	for _, name := range []string{"inpatient", "outpatient", "child"} {
		raw, err := os.ReadFile(fhirtest.Data(t, "domain", "claim-xml", "samples", name+".xml"))
		if err != nil {
			t.Fatal(err)
		}
		kept := delivery.Pack(raw)
		back, err := delivery.Unpack(kept)
		if err != nil || !bytes.Equal(back, raw) {
			t.Fatalf("%s comes back with %d bytes of %d, %v", name, len(back), len(raw), err)
		}
		t.Logf("%s: %d of %d bytes", name, len(kept), len(raw))
		if 100*len(kept) > 15*len(raw) { // some 20 without it
			t.Errorf("%s of %d bytes is kept as %d", name, len(raw), len(kept))
		}
	}
}

// dictionaryOfTables is what all claim files have in common: the envelope, and each table, those that every file has at the end. A row has
// values that say nothing where one is required, of its form, and no others.
func dictionaryOfTables() []byte {
	d := hoso.DecisionAt("20260101")
	e := wire.Envelope{MaCSKCB: "00000", NgayLap: "20260101", HoSo: []wire.Episode{{Files: []wire.FileHoSo{{LoaiHoSo: hoso.XML1.String()}, {LoaiHoSo: hoso.XML2.String()}}}}}
	out := e.Append(nil)
	last := hoso.XML1
	for d.Layout(last+1) != nil {
		last++
	}
	for id := last; id >= hoso.XML1; id-- {
		table := hoso.Table{Layout: d.Layout(id)}
		for range 2 {
			row := table.Add()
			for i, f := range table.Layout.Fields {
				row.Values()[i] = ordinary(f)
			}
			if table.Layout.Single() {
				break
			}
		}
		out = table.AppendXML(out)
	}
	return out
}

// ordinary gives a value as a field usually has it.
func ordinary(f hoso.Field) string {
	codes, listed := hoso.Codes(f.Name)
	switch {
	case !f.Required:
		return ""
	case f.Format == hoso.Day:
		return "20260101"
	case f.Format == hoso.Minute:
		return "202601010000"
	case listed && len(codes.Codes) > 0:
		return codes.Codes[0].Code
	case f.Type == hoso.Number && f.MaxLength >= 10:
		return "0.00"
	case f.Type == hoso.Number:
		return "1"
	}
	return ""
}
