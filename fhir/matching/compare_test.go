package matching_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/matching"
	"github.com/lienthong/lienthong/fhir/resource"
)

var systems identity.Systems

func person(t testing.TB, doc string) matching.Person {
	t.Helper()
	d, err := resource.New([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return matching.PersonOf(d.Root(), systems)
}

const (
	cccd = "https://lienthong.example/sid/cccd"
	bhyt = "https://lienthong.example/sid/bhyt"
	bhxh = "https://lienthong.example/sid/bhxh"
	cmnd = "https://lienthong.example/sid/cmnd"
)

func patient(name, birth, gender string, ids ...string) string {
	var list, names resource.ListOf
	for i := 0; i < len(ids); i += 2 {
		list = append(list, resource.ObjectOf{"system", ids[i], "value", ids[i+1]})
	}
	if name != "" {
		names = resource.ListOf{resource.ObjectOf{"text", name}}
	}
	return string(resource.AppendJSON(nil, resource.ObjectOf{"resourceType", "Patient", "name", names, "birthDate", birth, "gender", gender, "identifier", list}))
}

// The people are invented.
func TestCompare(t *testing.T) {
	an := patient("Nguyễn Văn An", "1985-03-02", "male", cccd, "051085000011")
	for name, c := range map[string]struct {
		other  string
		grade  matching.Grade
		reason matching.Reason
	}{
		"the same citizen ID and birth year":          {patient("NGUYEN VAN AN", "1985", "male", cccd, "051085000011"), matching.Certain, matching.SameCCCD},
		"a citizen ID under an alias":                 {patient("Nguyễn Văn An", "1985-03-02", "male", "http://fhir.hl7.org.vn/core/sid/cccd", "051085000011"), matching.Certain, matching.SameCCCD},
		"the same citizen ID, another birth year":     {patient("Nguyễn Văn An", "1958-03-02", "male", cccd, "051085000011"), matching.Possible, matching.ConflictCCCD},
		"the same citizen ID, another name":           {patient("Trần Thị Bình", "1985-03-02", "female", cccd, "051085000011"), matching.Possible, matching.ConflictCCCD},
		"another citizen ID, all else the same":       {patient("Nguyễn Văn An", "1985-03-02", "male", cccd, "051085000022"), matching.CertainlyNot, matching.OtherCCCD},
		"name in the other order, without diacritics": {patient("An Nguyen Van", "1985-03-02", "male"), matching.Possible, matching.SameNameFolded},
		"decomposed name":                             {patient("Nguye\u0302\u0303n Va\u0306n An", "1985-03-02", "male"), matching.Possible, matching.SameName},
		"year alone":                                  {patient("Nguyễn Văn An", "1985", "male"), matching.Possible, matching.SameBirthYear},
		"first of January for a year":                 {patient("Nguyễn Văn An", "1985-01-01", "male"), matching.Possible, matching.SameBirthYear},
		"day and month swapped":                       {patient("Nguyễn Văn An", "1985-02-03", "male"), matching.Possible, matching.SwappedBirth},
		"another gender":                              {patient("Nguyễn Văn An", "1985-03-02", "female"), matching.CertainlyNot, matching.OtherGender},
		"another person":                              {patient("Lê Thị Hoa", "1990-01-05", "female"), matching.CertainlyNot, matching.OtherName},
		"the same name and another birth year":        {patient("Nguyễn Văn An", "1990-03-02", "male"), matching.CertainlyNot, matching.OtherBirthYear},
		"an impossible citizen ID counts for nothing": {patient("Nguyễn Văn An", "1985-03-02", "male", cccd, "99"), matching.Possible, matching.SameBirth},
	} {
		t.Run(name, func(t *testing.T) {
			got := matching.Compare(person(t, an), person(t, c.other))
			if got.Grade != c.grade || !slices.Contains(got.Reasons, c.reason) {
				t.Errorf("%+v, want %s by %s", got, c.grade, c.reason)
			}
		})
	}
	for name, c := range map[string][2]string{
		"a changed card":  {patient("Nguyễn Văn An", "1985-03-02", "male", bhyt, "DN4510123456789"), patient("Nguyễn Văn An", "1985", "male", bhyt, "GD4510123456789")},
		"card and number": {patient("Nguyễn Văn An", "1985-03-02", "male", bhyt, "DN4510123456789"), patient("NGUYEN VAN AN", "1985-03-02", "male", bhxh, "0123456789")},
		"an old number":   {patient("Nguyễn Văn An", "1985-03-02", "male", cmnd, "212345678"), patient("Nguyễn An", "1985-03-02", "male", cmnd, "212345678")},
		"name, birth date and commune": {
			`{"name":[{"family":"Nguyễn","given":["Văn","An"]}],"birthDate":"1985-03-02","gender":"male","address":[{"city":"Xã Trà Bồng"}]}`,
			`{"name":[{"text":"nguyễn văn AN"}],"birthDate":"1985-03-02","gender":"male","address":[{"city":"xa tra bong"}]}`},
	} {
		if got := matching.Compare(person(t, c[0]), person(t, c[1])); got.Grade != matching.Probable {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestCompareHolds draws two Patients from few names, dates and numbers, so that they agree often.
func TestCompareHolds(t *testing.T) {
	one := rapid.Custom(func(t *rapid.T) string {
		ids := []string{}
		for _, s := range rapid.SliceOfN(rapid.SampledFrom([]string{cccd + " 051085000011", cccd + " 051085000022", bhyt + " DN4510123456789", bhyt + " GD4510123456789", cmnd + " 212345678", "urn:x 1"}), 0, 3).Draw(t, "ids") {
			var system, value string
			fmt.Sscan(s, &system, &value)
			ids = append(ids, system, value)
		}
		return patient(rapid.SampledFrom([]string{"Nguyễn Văn An", "An Nguyen Van", "Trần An", ""}).Draw(t, "name"),
			rapid.SampledFrom([]string{"", "1985", "1985-03", "1985-03-02", "1985-02-03", "1990-01-01"}).Draw(t, "birth"),
			rapid.SampledFrom([]string{"", "male", "female", "other"}).Draw(t, "gender"), ids...)
	})
	rapid.Check(t, func(rt *rapid.T) {
		a, b := person(t, one.Draw(rt, "a")), person(t, one.Draw(rt, "b"))
		x, y := matching.Compare(a, b), matching.Compare(b, a)
		if !reflect.DeepEqual(x, y) {
			rt.Fatalf("%+v one way, %+v the other", x, y)
		}
		if x.Score < 0 || x.Score > 1 {
			rt.Fatalf("score %v", x.Score)
		}
		otherYear := slices.Contains(x.Reasons, matching.OtherBirthYear)
		if x.Grade == matching.Certain && (otherYear || !slices.Contains(x.Reasons, matching.SameCCCD)) {
			rt.Fatalf("certain without a citizen ID and a birth year: %+v", x)
		}
		if slices.Contains(x.Reasons, matching.ConflictCCCD) && x.Grade != matching.Possible {
			rt.Fatalf("a conflict is for a person to decide: %+v", x)
		}
	})
}
