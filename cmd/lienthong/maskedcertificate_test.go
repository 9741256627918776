package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/tabular"
)

// maskedPolicy lets a clinic see everything but what is under mask.
const maskedPolicy = `roles:
  clinic:
    says: A clinic that sees records without some of their elements.
    rules:
      - {types: ["*"], actions: rs}
    operations: [immunization-certificate, health-cards-issue, immunization-due, immunization-recall, immunization-summary, immds-forecast, summary]
    mask: {%s}
`

// TestNoCertificateTellsWhatIsMasked (FENCED): a role whose mask hides an element gets it neither by a certificate in any format, nor by
// the lists in any, nor by a summary. Without the mask it does, so that the test would see it.
func TestNoCertificateTellsWhatIsMasked(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys.json")
	if _, err := addKey(keys, time.Now()); err != nil {
		t.Fatal(err)
	}
	const name, lot, facility = "Nguyễn Thị Đào", "GD-17", "Trạm Y tế Giả Định"
	birth := time.Now().AddDate(0, -6, 0)
	born, until := birth.Format(time.DateOnly), birth.AddDate(1, 0, 0).Format(time.DateOnly)
	patient := strings.NewReplacer(`"gender"`, `"address":[{"city":"Xã Giả Định"}],"gender"`, "1999-02-28", born).Replace(certifiedPatient)
	dose := strings.NewReplacer(`"lotNumber":"GD-1"`, `"lotNumber":"GD-17","performer":[{"actor":{"display":"`+facility+`"}}]`, "2025-01-10", birth.AddDate(0, 0, 5).Format(time.DateOnly)).Replace(certifiedDose)
	for mask, hidden := range map[string][]string{
		"": nil, "Patient: [name]": {"Nguyễn", "Đào"}, "Patient: [birthDate]": {born}, "Immunization: [lotNumber]": {lot}, "Immunization: [performer]": {facility},
	} {
		t.Run(mask, func(t *testing.T) {
			policy := filepath.Join(t.TempDir(), "policy.yaml")
			if err := os.WriteFile(policy, fmt.Appendf(nil, maskedPolicy, mask), 0o600); err != nil {
				t.Fatal(err)
			}
			n, err := openNode(t.Context(), config.Server{
				Data: t.TempDir(), SIDBase: "https://lienthong.example", MaxBody: 1 << 20, MaxEntries: 100, BaseURL: issuerBase, Policy: policy,
				Certificate: config.Certificate{Keys: keys, Authority: "test", ValidFor: time.Hour},
			}, issuerBase, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := n.close(); err != nil {
					t.Error(err)
				}
			}()
			seed(t, n, patient, dose)
			if err := n.registry.CatchUp(ours(t.Context())); err != nil {
				t.Fatal(err)
			}
			fence, err := n.policies.Fence(t.Context(), access.Caller{Role: access.RoleClinic, Organization: "o"})
			if err != nil {
				t.Fatal(err)
			}
			ctx := store.WithFence(t.Context(), fence)
			answers, issued := 0, 0
			for _, o := range n.operations {
				query, asked := "", rest.Asked{Base: issuerBase, Key: fhir.Key{Type: "Patient", ID: "p1"}}
				switch o.Name {
				case "immunization-due":
					query = "commune=Xã Giả Định&until=" + until
				case "immunization-recall":
					query = "lot=" + lot
				case "health-cards-issue":
					doc, err := resource.New([]byte(`{"resourceType":"Parameters","parameter":[{"name":"credentialType","valueUri":"#immunization"}]}`))
					if err != nil {
						t.Fatal(err)
					}
					asked.Body = doc.Root()
				case "immunization-certificate", "immunization-summary", "immds-forecast", "summary":
				default:
					continue
				}
				if o.Name == "immds-forecast" && o.Type == "" {
					continue // it is about what the caller sends
				}
				if o.Type == "Patient" && !o.Instance {
					query, asked.Key = "identifier=051199000011", fhir.Key{Type: "Patient"}
				}
				formats := o.Formats
				if formats == nil {
					formats = []rest.Format{{}}
				}
				for _, f := range formats {
					asked.Query, asked.Format = query, f.Name
					text, err := answered(ctx, n, o, asked)
					where := fmt.Sprint(o.Type, " ", o.Name, " ", f.Name)
					if e, ok := errors.AsType[*fhir.Error](err); err != nil && (!ok || mask == "" || e.Kind == fhir.Internal) {
						t.Errorf("%s: %v", where, err)
					}
					if err == nil {
						answers++
					}
					certificate := o.Name == "immunization-certificate" || o.Name == "health-cards-issue"
					if certificate && (err == nil) != (mask == "" || strings.HasPrefix(mask, "Immunization")) {
						t.Errorf("%s: a certificate that names nobody is none, and one that does is one: %v", where, err)
					}
					if certificate && err == nil && strings.Contains(text, name) {
						issued++ // read back by who verifies it
					}
					for _, h := range hidden {
						if strings.Contains(text, h) {
							t.Errorf("%s tells %q: %.500s", where, h, text)
						}
					}
					if mask == "" && o.Name != "immds-forecast" && text != "" && !strings.Contains(text, "Đào") && !strings.Contains(text, lot) {
						t.Errorf("%s tells nothing, so this test sees nothing: %.500s", where, text)
					}
				}
			}
			if answers < 5 || mask == "" && issued == 0 {
				t.Errorf("%d answers, %d certificates that could be read", answers, issued)
			}
		})
	}
}

// seed stores resources as the server's own.
func seed(t *testing.T, n *node, docs ...string) {
	t.Helper()
	for _, text := range docs {
		doc, err := resource.New([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.service.Apply(ours(t.Context()), interaction.WriteSet{Docs: []*resource.Document{doc}}); err != nil {
			t.Fatal(err)
		}
	}
}

// answered is all that an answer tells in words: of a signed certificate what its verifier reads. Images and PDF are not read:
// they are made of the same signed text.
func answered(ctx context.Context, n *node, o rest.Operation, a rest.Asked) (string, error) {
	var body []byte
	if o.Serve != nil {
		c, err := o.Serve(ctx, a)
		if err != nil {
			return "", err
		}
		body = c.Body
	} else {
		var err error
		if body, err = o.Run(ctx, a); err != nil {
			return "", err
		}
	}
	switch a.Format {
	case "pdf", "png", "svg":
		return "", nil
	case "xlsx":
		table, _, err := tabular.Read(body, tabular.DefaultLimits)
		return fmt.Sprint(table), err
	case "json", "shc", "hc1":
		if o.Name != "immunization-certificate" {
			return string(body), nil
		}
	case "":
		if o.Name != "health-cards-issue" {
			return string(body), nil
		}
		_, jws, _ := strings.Cut(string(body), `"valueString":"`)
		jws, _, _ = strings.Cut(jws, `"`)
		body = []byte(jws)
	default:
		return string(body), nil
	}
	cards, err := n.certificates.service.Verifier().Verify(ctx, string(body))
	if err != nil {
		return "", err
	}
	var text string
	for _, c := range cards {
		text += fmt.Sprintf("%s %s %+v\n", c.FullName(), c.BirthDate, c.Doses)
	}
	return text, nil
}
