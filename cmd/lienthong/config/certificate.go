package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Certificate is what vaccination certificates are signed with.
type Certificate struct {
	Keys      string        `type:"path" env:"LIENTHONG_CERTIFICATE_KEYS" placeholder:"FILE" help:"File with the keys that sign vaccination certificates (JWKS, ES256), made by 'lienthong certificate-key new'. Without it no certificates are issued."`
	Issuer    string        `env:"LIENTHONG_CERTIFICATE_ISSUER" placeholder:"URL" help:"URL below which the public keys are found by those who verify: URL/.well-known/jwks.json, with https. It stands in each certificate, so choose it once. Default: /certificate at the host of --base-url."`
	Authority string        `default:"Lienthong" env:"LIENTHONG_CERTIFICATE_AUTHORITY" placeholder:"TEXT" help:"Who issues the certificates, in words, as printed. Default: ${default}."`
	ValidFor  time.Duration `name:"valid-for" default:"8760h" env:"LIENTHONG_CERTIFICATE_VALID_FOR" help:"How long a certificate can be verified after it was issued; 0: without an end (HC1: ten years). Default: ${default}."`
}

// check refuses what cannot work, and gives the URL its usual form.
func (c *Certificate) check() error {
	c.Issuer = strings.TrimSuffix(c.Issuer, "/")
	if u, err := url.Parse(c.Issuer); c.Issuer != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "") {
		return fmt.Errorf("--certificate-issuer %q is no http or https URL", c.Issuer)
	}
	if c.ValidFor < 0 {
		return fmt.Errorf("--certificate-valid-for cannot be negative")
	}
	return nil
}

// IssuerAt is the URL of the issuer for a server with this FHIR base.
func (c *Certificate) IssuerAt(base string) string {
	if c.Issuer != "" {
		return c.Issuer
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return "http://localhost/certificate"
	}
	return u.Scheme + "://" + u.Host + "/certificate"
}
