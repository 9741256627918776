package main

import (
	"context"
	"encoding/base64"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/registry/intake"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/tabular"
)

// intakeOperation is POST $immunization-import: Parameters with file (a Binary of CSV or XLSX) and dryRun, or the Binary
// alone; it answers with a report for each row. Who may write Immunizations may call it; each row is held to the fence.
func intakeOperation(in *intake.Intake, base string) rest.Operation {
	return rest.Operation{
		Name: "immunization-import", Definition: base + "/fhir/OperationDefinition/immunization-import",
		Run: func(ctx context.Context, a rest.Asked) ([]byte, error) {
			file, dryRun := a.Body, false
			if a.Body.ResourceType() == "Parameters" {
				file = resource.Value{}
				for p := range a.Body.Get("parameter").Elements() {
					switch p.Get("name").Text() {
					case "file":
						file = p.Get("resource")
					case "dryRun":
						v := p.Get("valueBoolean")
						if v.Kind() != resource.Bool {
							return nil, fhir.Errorf(fhir.Invalid, "intake-body", p.Path())
						}
						dryRun = v.Text() == "true"
					default:
						return nil, fhir.Errorf(fhir.Invalid, "operation-parameter-unknown", p.Path(), p.Get("name").Text())
					}
				}
			}
			if file.ResourceType() != "Binary" {
				return nil, fhir.Errorf(fhir.Invalid, "intake-body", "")
			}
			raw, err := base64.StdEncoding.DecodeString(file.Get("data").Text())
			if err != nil {
				return nil, fhir.Errorf(fhir.Invalid, "intake-body", file.Path()+".data")
			}
			table, first, err := tabular.Read(raw, tabular.DefaultLimits)
			if err != nil {
				return nil, fhir.Wrap(fhir.Unprocessable, "intake-file", err, tabular.DefaultLimits.Rows)
			}
			report, err := in.Take(ctx, table, first, dryRun)
			if err != nil {
				return nil, err
			}
			return resource.AppendJSON(nil, report.Parameters(a.Language)), nil
		},
	}
}
