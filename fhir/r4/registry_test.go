package r4_test

import (
	"slices"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
)

func custom(id uint16, base fhir.Type, code string) *r4.SearchParam {
	return &r4.SearchParam{ID: id, Base: base, Code: code, URL: "urn:x:" + code, Type: r4.ParamToken, Expression: string(base) + ".id"}
}

// TestRegistry adds, replaces and takes away; what was given out before stays as it was.
func TestRegistry(t *testing.T) {
	var none *r4.Registry
	if none.Param("Patient", "name") != r4.Param("Patient", "name") || none.ByID(1) != r4.ParamByID(1) || none.Added() != nil || !none.Ready(r4.ParamByID(1)) {
		t.Fatal("the nil registry is not R4's")
	}
	ward, all := custom(2050, "Patient", "ward"), custom(2049, "Resource", "x-owner")
	one, err := none.With([]*r4.SearchParam{ward, all})
	if err != nil {
		t.Fatal(err)
	}
	if one.Param("Patient", "ward") != ward || one.Param("Group", "ward") != nil || one.Param("Bundle", "x-owner") != all || none.Param("Patient", "ward") != nil {
		t.Error("With has not what was added, or changed what was there")
	}
	if one.ByID(2050) != ward || one.ByID(2049) != all || one.ByID(2051) != nil || one.ByID(16) != r4.ParamByID(16) {
		t.Error("ByID")
	}
	if got := one.ByURL("urn:x:ward"); len(got) != 1 || got[0] != ward {
		t.Error("ByURL", got)
	}
	list := one.Params("Patient")
	if len(list) != len(r4.Params("Patient"))+2 || !slices.IsSortedFunc(list, func(a, b *r4.SearchParam) int {
		if a.Code < b.Code {
			return -1
		}
		return 1
	}) {
		t.Error("Params")
	}
	wait := one.Pending(2050)
	if wait.Ready(ward) || !wait.Ready(all) || !one.Ready(ward) || wait.Param("Patient", "ward") != ward {
		t.Error("Pending")
	}
	again := custom(2060, "Patient", "ward")
	two, err := wait.With([]*r4.SearchParam{again})
	if err != nil || two.Param("Patient", "ward") != again || two.ByID(2050) != nil || len(two.Added()) != 2 {
		t.Error("a parameter with the same base and code is not replaced", err)
	}
	less := two.Without(2060, 2049)
	if less.Param("Patient", "ward") != nil || less.Param("Bundle", "x-owner") != nil || len(less.Added()) != 0 || len(two.Added()) != 2 {
		t.Error("Without")
	}
	for want, bad := range map[string][]*r4.SearchParam{
		"search-custom-number ward 16 2048 4095": {custom(16, "Patient", "ward")},
		"search-custom-code name Patient":        {custom(2048, "Patient", "name")},
		"search-custom-code ward Patient":        {custom(2070, "Resource", "ward")},
	} {
		if r, err := one.With(bad); r != nil || err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if got := r4.ParamByID(r4.FirstCustom); got != nil {
		t.Errorf("%s of R4 has a number of the range for custom ones", got.Code)
	}
}

// BenchmarkRegistryParam looks up a parameter of a type that has one more than R4 gives it.
func BenchmarkRegistryParam(b *testing.B) {
	var none *r4.Registry
	r, err := none.With([]*r4.SearchParam{custom(2050, "Patient", "ward")})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if r.Param("Patient", "identifier") == nil {
			b.Fatal()
		}
	}
}
