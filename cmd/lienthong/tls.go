package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"os"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir/setting"
)

// withTLS serves HTTPS on ln where a certificate is configured: TLS 1.3, or 1.2 with forward secrecy and AEAD. The files
// are read again when they change, for the connections that come then.
func withTLS(ln net.Listener, a config.Authentication, log *slog.Logger) (net.Listener, error) {
	if a.TLSCert == "" {
		return ln, nil
	}
	report := func(err error) {
		log.Error("the TLS certificate that changed cannot be used: the one before stays", "err", err)
	}
	pair := func([]byte) (*tls.Certificate, error) {
		c, err := tls.LoadX509KeyPair(a.TLSCert, a.TLSKey)
		return &c, err
	}
	// A renewal writes two files: a certificate whose key is not there yet is refused, and the key's change looks at it again.
	certificate, err := setting.Open(a.TLSCert, pair, report)
	if err != nil {
		return nil, err
	}
	key, err := setting.Open(a.TLSKey, pair, report)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{
		MinVersion: tls.VersionTLS12,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			c, k := certificate.Get(), key.Get()
			if newer(k, c) {
				return k, nil
			}
			return c, nil
		},
	}
	if a.TLSClientCA != "" {
		raw, err := os.ReadFile(a.TLSClientCA)
		if err != nil {
			return nil, err
		}
		c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		if !c.ClientCAs.AppendCertsFromPEM(raw) {
			return nil, errors.New("--tls-client-ca has no certificate")
		}
	}
	return tls.NewListener(ln, c), nil
}

// newer says whether the certificate of a began later than that of b.
func newer(a, b *tls.Certificate) bool {
	return a.Leaf != nil && b.Leaf != nil && a.Leaf.NotBefore.After(b.Leaf.NotBefore)
}
