package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/certificate"
	"github.com/lienthong/lienthong/fhir/certificate/page"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/search"
)

// certificates are what the server does about vaccination certificates; without keys, nothing.
type certificates struct {
	service *certificate.Service
	page    *page.Handler
}

// openCertificates reads the keys. base is the FHIR base by which the server is reached.
func (n *node) openCertificates(ctx context.Context, c config.Certificate, base string, systems identity.Systems, schedules *immunization.Set, log *slog.Logger) error {
	if c.Keys == "" {
		return nil
	}
	keys, err := certificate.ReadKeys(c.Keys)
	if err != nil {
		return err
	}
	if !keys.Signs(time.Now()) {
		log.Warn("no certificates can be issued: the key file has no private key whose time has come", "file", c.Keys)
	}
	s, err := certificate.New(ctx, certificate.Config{
		Interactions: n.service, Keys: keys, Issuer: c.IssuerAt(base), Authority: c.Authority, ValidFor: c.ValidFor, Systems: systems, Schedules: schedules,
	})
	if err != nil {
		return err
	}
	h, err := page.New(s, log)
	n.certificates = certificates{s, h}
	return err
}

// public puts what everybody may see in front of the server.
func (c certificates) public(next http.Handler) http.Handler {
	if c.page == nil {
		return next
	}
	return c.page.Wrap(next)
}

// operations of certificates:
//
//	POST Patient/{id}/$health-cards-issue     SMART Health Cards; Parameters in and out
//	POST Patient/{id}/$health-cards-revoke    all cards of the patient so far; Parameters with reason
//	GET  Patient/{id}/$immunization-certificate?format=pdf&lang=vi
//	GET  Patient/$immunization-certificate?identifier=…&format=pdf|png|svg|json|shc|hc1&lang=vi|en
func (c certificates) operations(base string) []rest.Operation {
	if c.service == nil {
		return nil
	}
	own := base + "/fhir/OperationDefinition/Patient-"
	return []rest.Operation{
		{Name: "health-cards-issue", Type: "Patient", Instance: true, Reads: true, Run: c.issue, Definition: "https://spec.smarthealth.cards/artifacts/operation-patient-i-health-cards-issue.json"},
		{Name: "health-cards-revoke", Type: "Patient", Instance: true, Run: c.revoke, Definition: own + "health-cards-revoke"},
		{Name: "immunization-certificate", Type: "Patient", Instance: true, Reads: true, Link: called("Vaccination certificate", "Giấy chứng nhận tiêm chủng"), Formats: certificateFormats, Serve: c.show, Definition: own + "i-immunization-certificate"},
		{Name: "immunization-certificate", Type: "Patient", Reads: true, Formats: certificateFormats, Serve: c.show, Definition: own + "immunization-certificate"},
	}
}

// credentialTypes are those of a card of vaccinations, as they may be asked for.
var credentialTypes = []string{"https://smarthealth.cards#immunization", "https://smarthealth.cards#health-card", "#immunization", "#health-card", "Immunization"}

// issue is $health-cards-issue. Types that are not offered give no card, as the specification has it.
// Source: https://spec.smarthealth.cards, "via FHIR $health-cards-issue Operation"
func (c certificates) issue(ctx context.Context, q rest.Asked) ([]byte, error) {
	var asked []string
	var o certificate.Options
	for p := range q.Body.Get("parameter").Elements() {
		switch p.Get("name").Text() {
		case "credentialType":
			asked = append(asked, textOf(p))
		case "_since":
			o.Since, _, _ = strings.Cut(textOf(p), "T")
		}
	}
	if len(asked) == 0 {
		return nil, fhir.Errorf(fhir.Invalid, "certificate-credential", "Parameters.parameter")
	}
	out := resource.ListOf{}
	// All types that are asked for have to be in one card.
	if !slices.ContainsFunc(asked, func(a string) bool { return !slices.Contains(credentialTypes, a) }) {
		card, err := c.service.Card(ctx, q.Key.ID, o)
		if err != nil {
			return nil, err
		}
		if len(card.Doses) > 0 {
			issued, err := c.service.Issue(ctx, card)
			if err != nil {
				return nil, err
			}
			out = append(out, resource.ObjectOf{"name", "verifiableCredential", "valueString", issued.JWS})
		}
	}
	return resource.AppendJSON(nil, resource.ObjectOf{"resourceType", "Parameters", "parameter", out}), nil
}

func textOf(parameter resource.Value) string {
	for name, v := range parameter.Members() {
		if strings.HasPrefix(name, "value") {
			return v.Text()
		}
	}
	return ""
}

// revoke is $health-cards-revoke.
func (c certificates) revoke(ctx context.Context, q rest.Asked) ([]byte, error) {
	reason := ""
	for p := range q.Body.Get("parameter").Elements() {
		if p.Get("name").Text() == "reason" {
			reason = textOf(p)
		}
	}
	before, err := c.service.Revoke(ctx, q.Key.ID, reason)
	if err != nil {
		return nil, err
	}
	return resource.AppendJSON(nil, resource.ObjectOf{"resourceType", "Parameters", "parameter", resource.ListOf{
		resource.ObjectOf{"name", "rid", "valueString", c.service.RID(q.Key.ID)},
		resource.ObjectOf{"name", "issuedBefore", "valueInstant", before.Format(time.RFC3339)},
	}}), nil
}

// wanted are the parameters of $immunization-certificate.
type wanted struct {
	identifier, form string
	lang             outcome.Language
}

// certificateFormats are the forms of a certificate; json is that of the SMART Health Card's file, not of FHIR.
var certificateFormats = []rest.Format{
	{Name: "pdf", Type: "application/pdf"}, {Name: "png", Type: "image/png"}, {Name: "svg", Type: "image/svg+xml"},
	{Name: "json", Type: "application/smart-health-card"}, {Name: "shc", Type: "text/plain; charset=utf-8"}, {Name: "hc1", Type: "text/plain; charset=utf-8"},
}

// choices of each parameter; the first is the default. That of the format is read already.
var choices = map[string][]string{
	"form": {"shc", "hc1"},
	"lang": {"vi", "en"},
}

func readWanted(q rest.Asked) (w wanted, err error) {
	w = wanted{form: "shc", lang: outcome.Vietnamese}
	params, err := search.Parse(q.Query)
	if err != nil {
		return w, err
	}
	for _, p := range params {
		switch p.Key() {
		case "identifier":
			w.identifier = p.Value
			continue
		case "format":
			continue
		}
		accepted, known := choices[p.Key()]
		switch {
		case !known:
			return w, fhir.Errorf(fhir.Invalid, "operation-parameter-unknown", "", p.Key())
		case !slices.Contains(accepted, p.Value):
			return w, fhir.Errorf(fhir.Invalid, "certificate-parameter", "http."+p.Key(), p.Key(), p.Value, strings.Join(accepted, ", "))
		}
		switch p.Key() {
		case "form":
			w.form = p.Value
		case "lang":
			w.lang = outcome.Language(p.Value)
		}
	}
	return w, nil
}

// show is $immunization-certificate.
func (c certificates) show(ctx context.Context, q rest.Asked) (rest.Content, error) {
	w, err := readWanted(q)
	if err != nil {
		return rest.Content{}, err
	}
	id := q.Key.ID
	if id == "" {
		if id, err = c.service.Find(ctx, w.identifier); err != nil {
			return rest.Content{}, err
		}
	}
	card, err := c.service.Card(ctx, id, certificate.Options{})
	if err != nil {
		return rest.Content{}, err
	}
	issued, err := c.service.Issue(ctx, card)
	if err != nil {
		return rest.Content{}, err
	}
	return c.write(issued, w, q.Format)
}

// pixels of a module in a PNG.
const pixels = 6

func (c certificates) write(i certificate.Issued, w wanted, format string) (out rest.Content, err error) {
	codes := certificate.Numeric(i.JWS)
	if w.form == "hc1" {
		codes = []string{i.HC1}
	}
	const name = "vaccination-certificate"
	for _, f := range certificateFormats {
		if f.Name == format {
			out.Type = f.Type
		}
	}
	switch format {
	case "pdf":
		out.Name = name + ".pdf"
		out.Body, err = c.service.PDF(i, w.lang)
	case "png":
		out.Name = name + ".png"
		out.Body, err = certificate.PNG(codes, pixels)
	case "svg":
		out.Name = name + ".svg"
		out.Body, err = certificate.SVG(codes, "QR "+strconv.Itoa(len(codes)))
	case "json":
		out.Name = name + ".smart-health-card"
		out.Body, err = json.Marshal(map[string][]string{"verifiableCredential": {i.JWS}})
	case "shc":
		out.Body = []byte(strings.Join(certificate.Numeric(i.JWS), "\n"))
	case "hc1":
		out.Body = []byte(i.HC1)
	}
	return out, err
}
