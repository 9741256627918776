package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir/openid"
)

// Authentication is who may call, and how that is proven.
type Authentication struct {
	Clients      string        `name:"clients" type:"path" env:"LIENTHONG_CLIENTS_FILE" placeholder:"FILE" help:"Registered systems (SMART Backend Services), as YAML: id, role, organization, scopes, jwks or jwks_uri. Read again when it changes. Needs --token-key."`
	TokenKey     string        `name:"token-key" type:"path" env:"LIENTHONG_TOKEN_KEY" placeholder:"FILE" help:"Private keys (PEM: Ed25519 or P-384) of access tokens: the first one signs, the others still count. Read again when it changes. The same file for all servers of one store."`
	Issuers      string        `name:"issuers" type:"path" env:"LIENTHONG_ISSUERS" placeholder:"FILE" help:"OpenID Connect issuers that people come from, as YAML: issuer, audience, algorithms, and what their claims mean. Read again when it changes."`
	KeyHosts     []string      `name:"key-host" env:"LIENTHONG_KEY_HOST" placeholder:"ORIGIN" help:"Where public keys may be fetched, such as https://keys.example: for jwks_uri and for issuers. May be repeated. Names that lead to private addresses are refused."`
	PrivateHosts []string      `name:"private-key-host" env:"LIENTHONG_PRIVATE_KEY_HOST" placeholder:"ORIGIN" help:"The same for hosts in the own network, which may have private addresses and http."`
	CORSOrigins  []string      `name:"cors-origin" env:"LIENTHONG_CORS_ORIGIN" placeholder:"ORIGIN" help:"Site whose pages may read answers in a browser, such as https://app.example. May be repeated. Default: none."`
	SessionIdle  time.Duration `name:"session-idle" default:"30m" env:"LIENTHONG_SESSION_IDLE" help:"How long somebody who signed in with a browser may rest. Default: ${default}."`
	SessionLife  time.Duration `name:"session-life" default:"8h" env:"LIENTHONG_SESSION_LIFE" help:"How long after signing in somebody has to sign in again. Default: ${default}."`
	Insecure     bool          `name:"insecure-no-authentication" help:"Ask nobody who he is: whoever reaches the server sees and changes everything. For trials with invented data."`
	// Own are issuers that a command has itself, as the demo does; then requests without a token are let in besides.
	Own func() openid.Issuers `kong:"-"`

	TLSCert     string `name:"tls-cert" type:"path" env:"LIENTHONG_TLS_CERT" placeholder:"FILE" help:"Certificate (PEM, with intermediates) to serve HTTPS with. Read again when it changes."`
	TLSKey      string `name:"tls-key" type:"path" env:"LIENTHONG_TLS_KEY" placeholder:"FILE" help:"Its private key (PEM)."`
	TLSClientCA string `name:"tls-client-ca" type:"path" env:"LIENTHONG_TLS_CLIENT_CA" placeholder:"FILE" help:"Authorities (PEM) of client certificates: without one nobody gets through. Comes before tokens, not instead of them."`
}

// Asked says whether callers are asked who they are.
func (a Authentication) Asked() bool { return a.Clients != "" || a.Issuers != "" }

// Check refuses what is configured by half.
func (a Authentication) Check(listen, base string) error {
	switch {
	case a.Insecure && (a.Asked() || a.TokenKey != ""):
		return errors.New("--insecure-no-authentication and a way to authenticate are both given: which of them is meant?")
	case (a.Clients == "") != (a.TokenKey == ""):
		return errors.New("--clients and --token-key belong together: registered systems get access tokens signed with that key")
	case !a.Asked() && !a.Insecure:
		return errors.New("nobody could prove who he is: give --clients with --token-key, or --issuers; for a trial with invented data --insecure-no-authentication lets everybody see and change everything")
	case (a.TLSCert == "") != (a.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key belong together")
	case a.SessionIdle < 0 || a.SessionLife < 0:
		return errors.New("--session-idle and --session-life must be positive")
	case a.TLSClientCA != "" && a.TLSCert == "":
		return errors.New("--tls-client-ca needs --tls-cert and --tls-key")
	}
	for _, o := range a.CORSOrigins {
		u, err := url.Parse(o)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" || u.User != nil || strings.Contains(o, "*") {
			return fmt.Errorf("--cors-origin %q is no origin such as https://app.example; there is no wildcard", o)
		}
	}
	if host, _, err := net.SplitHostPort(listen); a.Asked() && base == "" && (err != nil || host == "" || net.ParseIP(host) != nil && net.ParseIP(host).IsUnspecified()) {
		return errors.New("--base-url is needed: tokens are made for the address by which others reach this server")
	}
	return nil
}
