package resource_test

import (
	"testing"

	"github.com/lienthong/lienthong/fhir/resource"
)

func TestWrittenDocumentsHoldNothingEmpty(t *testing.T) {
	v := resource.ObjectOf{
		"resourceType", "Patient", "active", true, "n", 3, "amount", resource.Literal("12000.00"), "gone", "",
		"name", resource.ListOf{"", resource.ObjectOf{"text", ""}, resource.ObjectOf{"text", "Nguyễn \"Thử\"\n"}},
		"nothing", resource.ListOf{resource.ObjectOf{"a", nil}},
	}
	const want = `{"resourceType":"Patient","active":true,"n":3,"amount":12000.00,"name":[{"text":"Nguyễn \"Thử\"\n"}]}`
	if got := string(resource.AppendJSON(nil, v)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !resource.Empty(resource.ObjectOf{"a", resource.ListOf{""}}) || resource.Empty(0) || resource.Empty(false) {
		t.Error("only what would leave nothing is empty")
	}
}
