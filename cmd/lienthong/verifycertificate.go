package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/certificate"
	"github.com/lienthong/lienthong/fhir/certificate/page"
	"github.com/lienthong/lienthong/fhir/certificate/scan"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/outcome"
)

type verifyCertificateCmd struct {
	Input  string   `arg:"" help:"Text of the QR code (shc:/… or HC1:…), or a file: text, .smart-health-card, or a PNG or JPEG with the QR codes; - reads text from standard input."`
	Keys   string   `type:"path" required:"" placeholder:"FILE" help:"Public keys of the issuer: a copy of ISSUER/.well-known/jwks.json."`
	CRL    []string `name:"crl" type:"path" placeholder:"FILE" help:"Revocation list: a copy of ISSUER/.well-known/crl/KEY.json. May be repeated. Without it revocations are not known."`
	Issuer string   `placeholder:"URL" help:"Issuer that a SMART Health Card must name. Default: any that signs with these keys."`
	Lang   string   `enum:"vi,en" default:"en" help:"Language of the answer: vi or en. Default: ${default}."`
	AsJSON bool     `name:"json" help:"Answer as JSON."`
}

// Exit codes of verify-certificate, besides 0 for a valid one.
const (
	exitNotValid      = 1
	exitNoCertificate = 2
)

// Run verifies without a network: what it needs is in the files.
func (c *verifyCertificateCmd) Run(ctx context.Context, s streams) error {
	v := certificate.Verifier{}
	var err error
	if v.Keys, err = certificate.ReadKeys(c.Keys); err != nil {
		return &exitError{exitNoCertificate, err}
	}
	if c.Issuer != "" {
		v.Issuers = []string{strings.TrimSuffix(c.Issuer, "/")}
	}
	revoked := certificate.Revocations{}
	for _, file := range c.CRL {
		raw, err := os.ReadFile(file)
		if err == nil {
			err = revoked.Add(raw)
		}
		if err != nil {
			return &exitError{exitNoCertificate, fmt.Errorf("%s: %s", file, words(err))}
		}
	}
	v.Revoked = revoked.Before
	lang := outcome.Language(c.Lang)
	names := func(d certificate.Dose, lang outcome.Language) string {
		return certificate.VaccineName(d, immunization.Standard(), lang)
	}
	text, err := certificateText(c.Input)
	var verdict page.Verdict
	if e, ok := errors.AsType[*fhir.Error](err); ok {
		verdict = page.Verdict{Result: "unreadable", Code: e.Code, Text: outcome.Text(e.Code, lang, e.Args...)}
	} else if err != nil {
		return &exitError{exitNoCertificate, err}
	} else if verdict, err = page.Judge(ctx, v, names, text, lang); err != nil {
		return &exitError{exitNoCertificate, err}
	}
	if err := c.write(s.out, verdict); err != nil {
		return err
	}
	switch verdict.Result {
	case "valid":
		return nil
	case "invalid":
		return &exitError{exitNotValid, errors.New(verdict.Text)}
	}
	return &exitError{exitNoCertificate, errors.New(verdict.Text)}
}

func (c *verifyCertificateCmd) write(w io.Writer, v page.Verdict) error {
	if c.AsJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	word := map[string][2]string{"valid": {"VALID", "HỢP LỆ"}, "invalid": {"NOT VALID", "KHÔNG HỢP LỆ"}, "unreadable": {"UNREADABLE", "KHÔNG ĐỌC ĐƯỢC"}}[v.Result]
	title := word[0]
	if c.Lang == "vi" {
		title = word[1]
	}
	var b strings.Builder
	fmt.Fprintln(&b, title)
	for _, card := range v.Cards {
		fmt.Fprintf(&b, "%s  %s  (%s, %s", card.Name, card.BirthDate, card.Form, card.Issued)
		if card.Expires != "" {
			fmt.Fprintf(&b, " – %s", card.Expires)
		}
		fmt.Fprintln(&b, ")")
		for _, d := range card.Doses {
			fmt.Fprintf(&b, "  %s  %s  %s  %s  %s\n", d.Date, d.Code, d.Vaccine, d.Lot, d.Performer)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// certificateText reads what was given: the text itself, or a file of text or of an image.
func certificateText(input string) (string, error) {
	if strings.HasPrefix(input, "shc:/") || strings.HasPrefix(input, "HC1:") || strings.HasPrefix(input, "{") || strings.HasPrefix(input, "eyJ") {
		return input, nil
	}
	in := io.Reader(os.Stdin)
	if input != "-" {
		f, err := os.Open(input)
		if errors.Is(err, fs.ErrNotExist) {
			return "", fhir.Wrap(fhir.Invalid, "certificate-no-file", err, input[:min(len(input), 80)])
		}
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, scan.MaxBytes+1))
	if err != nil {
		return "", err
	}
	if string(raw[:min(4, len(raw))]) != "\x89PNG" && string(raw[:min(3, len(raw))]) != "\xff\xd8\xff" {
		return string(raw), nil
	}
	codes, err := scan.QR(raw)
	return strings.Join(codes, "\n"), err
}
