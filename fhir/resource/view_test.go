package resource_test

import (
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

func TestView(t *testing.T) {
	r := root(t, patient)
	p, err := resource.View[models.Patient](r)
	if err != nil {
		t.Fatal(err)
	}
	if *p.Id != "p1" || *p.Identifier[0].Value != "051085000011" || *p.Name[0].Family != "Đặng" || p.Name[0].Given[0] != "Thị" {
		t.Errorf("got %+v", p)
	}
	r.Get("managingOrganization").Get("reference").ReplaceString("Organization/1")
	ref, err := resource.View[models.Reference](r.Get("managingOrganization"))
	if err != nil || *ref.Reference != "Organization/1" {
		t.Errorf("a view shows the replaced text: %v, %v", ref, err)
	}
	q, err := resource.View[models.Quantity](root(t, `{"value":1.10}`))
	if err != nil || q.Value.String() != "1.10" {
		t.Errorf("the literal of a number is lost: %v, %v", q.Value, err)
	}
}

func TestViewRefusesOtherForms(t *testing.T) {
	_, err := resource.View[models.Patient](root(t, `{"resourceType":"Patient","name":"x"}`))
	check(t, "View", err, fhir.Unprocessable, "view-mismatch", "Patient")
	_, err = resource.View[models.Patient](resource.Value{})
	check(t, "View of nothing", err, fhir.Unprocessable, "view-mismatch", "")
}
