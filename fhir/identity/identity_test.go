package identity_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/resource"
	"pgregory.net/rapid"
)

func TestParseCCCD(t *testing.T) {
	for _, c := range []struct {
		name, in, code string
	}{
		{"a woman born in the twentieth century", "051185000011", ""},
		{"the highest century digit", "051599999999", ""},
		{"eleven digits", "05118500001", "cccd-length"},
		{"thirteen digits", "0511850000111", "cccd-length"},
		{"nothing", "", "cccd-digits"},
		{"a letter O for a zero", "O51185000011", "cccd-digits"},
		{"spaces between the groups", "051 185 00001", "cccd-digits"},
		{"full-width digits", "０５１１８５００００１１", "cccd-digits"},
		{"a century that is not in use", "051685000011", "cccd-century"},
		{"nines all over", "999999999999", "cccd-century"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := identity.ParseCCCD(c.in)
			if c.code == "" {
				if err != nil || string(got) != c.in {
					t.Fatalf("%q, %v", got, err)
				}
				return
			}
			e, ok := errors.AsType[*fhir.Error](err)
			if !ok || e.Code != c.code || e.Kind != fhir.Unprocessable || got != "" {
				t.Fatalf("%q, %v; want %s", got, err, c.code)
			}
			if len(c.in) > 3 && strings.Contains(err.Error(), c.in) {
				t.Errorf("the number is in the error: %v", err)
			}
		})
	}
}

func TestCCCDSaysWhatWentIntoIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		province := fmt.Sprintf("%03d", rapid.IntRange(1, 96).Draw(t, "province"))
		year := rapid.IntRange(1900, 2199).Draw(t, "year")
		gender := rapid.SampledFrom([]string{"male", "female"}).Draw(t, "gender")
		digit := 2 * (year/100 - 19)
		if gender == "female" {
			digit++
		}
		c, err := identity.ParseCCCD(fmt.Sprintf("%s%d%02d%06d", province, digit, year%100, rapid.IntRange(0, 999999).Draw(t, "serial")))
		if err != nil {
			t.Fatal(err)
		}
		if c.Province() != province || c.Gender() != gender || c.BirthYear() != year {
			t.Fatalf("%s: %s %s %d", c, c.Province(), c.Gender(), c.BirthYear())
		}
	})
}

func TestCards(t *testing.T) {
	b, err := identity.ParseBHYT("GD4510123456789")
	if err != nil || b.Group() != "GD" || b.Benefit() != 4 || b.Province() != "51" || b.SocialInsurance() != "0123456789" {
		t.Errorf("%v %v", b, err)
	}
	for _, bad := range []string{"", "GD451012345678", "GD45101234567890", "gd4510123456789", "GD0510123456789", "GD6510123456789", "G14510123456789", "GD45101234567x9"} {
		if _, err := identity.ParseBHYT(bad); err == nil {
			t.Errorf("%q is no card", bad)
		}
	}
	if _, err := identity.ParsePassport("B1234567"); err != nil {
		t.Error(err)
	}
	if _, err := identity.ParsePassport("12345678"); err == nil {
		t.Error("a passport begins with a letter")
	}
	if _, err := identity.ParseCMND("212345678"); err != nil {
		t.Error(err)
	}
	if _, err := identity.ParseCMND("21234567"); err == nil {
		t.Error("eight digits are no CMND")
	}
	if _, err := identity.ParseBHXH("012345678"); err == nil {
		t.Error("nine digits are no social-insurance number")
	}
}

func TestSystems(t *testing.T) {
	var s identity.Systems
	if s.CCCD() != "https://lienthong.example/sid/cccd" || s.MaLK("51901") != "https://lienthong.example/sid/malk/51901" {
		t.Error(s.CCCD(), s.MaLK("51901"))
	}
	own := identity.Systems{Base: "https://quangngai.example/", Aliases: map[string]string{
		"urn:oid:1.2.3":                             "cccd",
		"http://fhir.hl7.org.vn/core/sid/":          "",
		"http://fhir.hl7.org.vn/core/sid/so-ho-so/": "mabn/",
	}}
	for in, want := range map[string]string{
		"urn:oid:1.2.3":                                  "https://quangngai.example/cccd",
		"urn:oid:1.2.34":                                 "urn:oid:1.2.34",
		"http://fhir.hl7.org.vn/core/sid/cccd":           "https://quangngai.example/cccd",
		"http://fhir.hl7.org.vn/core/sid/malk/51901":     "https://quangngai.example/malk/51901",
		"http://fhir.hl7.org.vn/core/sid/so-ho-so/51901": "https://quangngai.example/mabn/51901",
		"http://fhir.hl7.org.vn/core/sid/":               "http://fhir.hl7.org.vn/core/sid/",
		"https://quangngai.example/bhyt":                 "https://quangngai.example/bhyt",
		"http://other.example/cccd":                      "http://other.example/cccd",
		"":                                               "",
	} {
		if got := own.Fold(in); got != want || own.Fold(got) != got {
			t.Errorf("%q folds to %q, want %q", in, got, want)
		}
	}
	if f, ok := own.FacilityOfEpisode("http://fhir.hl7.org.vn/core/sid/malk/51901"); !ok || f != "51901" {
		t.Error(f, ok)
	}
	if f, ok := own.FacilityOfRecord(own.MaBN("51902")); !ok || f != "51902" {
		t.Error(f, ok)
	}
	for _, bad := range []string{own.MaLK(""), own.MaLK("1/2"), own.CCCD(), "urn:x"} {
		if f, ok := own.FacilityOfEpisode(bad); ok {
			t.Errorf("%q names no facility, got %q", bad, f)
		}
	}
}

func TestPatientKeys(t *testing.T) {
	const (
		sid   = `"system":"https://lienthong.example/sid/`
		alias = `"system":"http://fhir.hl7.org.vn/core/sid/`
		who   = `"051185000011"`
	)
	key := []string{"cccd|051185000011"}
	for _, c := range []struct {
		name, body   string
		keys, issues []string
	}{
		{"a citizen ID of a Patient who says nothing about active", `"identifier":[{` + sid + `cccd","value":` + who + `}]`, key, nil},
		{"the same under an alias", `"identifier":[{` + alias + `cccd","value":` + who + `}],"active":true`, key, nil},
		{"under both names it counts once", `"identifier":[{` + alias + `cccd","value":` + who + `},{` + sid + `cccd","value":` + who + `}]`, key, nil},
		{"somebody who died", `"identifier":[{` + sid + `cccd","value":` + who + `}],"deceasedBoolean":true`, key, nil},
		{"a record that is not in use", `"identifier":[{` + sid + `cccd","value":` + who + `}],"active":false`, nil, nil},
		{"a record that was replaced", `"identifier":[{` + sid + `cccd","value":` + who + `}],"link":[{"other":{"reference":"Patient/2"},"type":"replaced-by"}]`, nil, nil},
		{"a record that replaces another", `"identifier":[{` + sid + `cccd","value":` + who + `}],"link":[{"other":{"reference":"Patient/2"},"type":"replaces"}]`, key, nil},
		{"a number that is no longer in use", `"identifier":[{"use":"old",` + sid + `cccd","value":"1"}]`, nil, nil},
		{"a citizen ID of somebody else's system", `"identifier":[{"system":"urn:other","value":"1"}]`, nil, nil},
		{"an identifier without a value", `"identifier":[{` + sid + `cccd"}]`, nil, nil},
		{"no identifiers", `"active":true`, nil, nil},
		{"an impossible number is refused, also where it does not count", `"identifier":[{` + sid + `cccd","value":"12345"}],"active":false`, nil, []string{"error cccd-length Patient.identifier[0].value"}},
		{"letters in the number", `"identifier":[{` + sid + `mabn/51901","value":"x"},{` + sid + `cccd","value":"05118500001A"}]`, nil, []string{"error cccd-digits Patient.identifier[1].value"}},
		{"a century to come", `"identifier":[{` + sid + `cccd","value":"051985000011"}]`, nil, []string{"error cccd-century Patient.identifier[0].value"}},
		{"another gender and year than the Patient's are for a person to decide", `"identifier":[{` + sid + `cccd","value":` + who + `}],"gender":"male","birthDate":"1986-02-03"`, key,
			[]string{"warning cccd-gender Patient.identifier[0].value", "warning cccd-birth-year Patient.identifier[0].value"}},
		{"a birth date of a year only that fits", `"identifier":[{` + sid + `cccd","value":` + who + `}],"gender":"female","birthDate":"1985"`, key, nil},
		{"a gender that the number cannot say", `"identifier":[{` + sid + `cccd","value":` + who + `}],"gender":"other"`, key, nil},
		{"cards that are accepted", `"identifier":[{` + sid + `bhyt","value":"GD4510123456789"},{` + sid + `bhyt","value":"0123456789"},{` + sid + `bhyt","value":` + who + `}]`, nil, nil},
		{"malformed numbers that never block care", `"identifier":[{` + sid + `bhyt","value":"x"},{` + sid + `bhxh","value":"x"},{` + sid + `cmnd","value":"x"},{` + sid + `passport","value":"x"}]`, nil,
			[]string{"warning bhyt-form Patient.identifier[0].value", "warning bhxh-form Patient.identifier[1].value", "warning cmnd-form Patient.identifier[2].value", "warning passport-form Patient.identifier[3].value"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := resource.New([]byte(`{"resourceType":"Patient",` + c.body + `}`))
			if err != nil {
				t.Fatal(err)
			}
			keys, issues := identity.Systems{}.PatientKeys(d.Root())
			var got, found []string
			for _, k := range keys {
				got = append(got, string(k))
			}
			for _, i := range issues {
				severity := "error"
				if i.Severity == fhir.SeverityWarning {
					severity = "warning"
				}
				found = append(found, severity+" "+i.Code+" "+i.Path)
				if strings.Contains(fmt.Sprint(i), "0511850000") {
					t.Errorf("the number is in the issue: %v", i)
				}
			}
			if !slices.Equal(got, c.keys) || !slices.Equal(found, c.issues) {
				t.Errorf("keys %q, issues %q\nwant %q, %q", got, found, c.keys, c.issues)
			}
			if u := (identity.Systems{}).Unique(d.Root()); !slices.Equal(u, keys) {
				t.Errorf("Unique gives %q", u)
			}
		})
	}
}

func TestOtherTypesHaveNoKeys(t *testing.T) {
	d, err := resource.New([]byte(`{"resourceType":"Practitioner","identifier":[{"system":"https://lienthong.example/sid/cccd","value":"1"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if keys, issues := (identity.Systems{}).PatientKeys(d.Root()); keys != nil || issues != nil {
		t.Error(keys, issues)
	}
}

func FuzzPatientKeys(f *testing.F) {
	f.Add("https://lienthong.example/sid/cccd", "051185000011")
	f.Add("http://fhir.hl7.org.vn/core/sid/bhyt", "GD4510123456789")
	f.Fuzz(func(t *testing.T, system, value string) {
		d, err := resource.New([]byte(`{"resourceType":"Patient","birthDate":"1985","gender":"male","identifier":[{"system":"a","value":"b"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		id := d.Root().Get("identifier").At(0)
		id.Get("system").ReplaceString(system)
		id.Get("value").ReplaceString(value)
		keys, _ := identity.Systems{}.PatientKeys(d.Root())
		for _, k := range keys {
			if _, err := identity.ParseCCCD(strings.TrimPrefix(string(k), "cccd|")); err != nil {
				t.Fatalf("%q under %q gives the key %q", value, system, k)
			}
		}
	})
}

func BenchmarkPatientKeys(b *testing.B) {
	d, err := resource.New([]byte(`{"resourceType":"Patient","identifier":[{"system":"http://fhir.hl7.org.vn/core/sid/cccd","value":"051185000011"},{"system":"https://lienthong.example/sid/bhyt","value":"GD4510123456789"}],"birthDate":"1985-01-01","gender":"female"}`))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		identity.Systems{}.PatientKeys(d.Root())
	}
}
