package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/signature"
	"github.com/lienthong/lienthong/adapters/bhxhmock"
	"github.com/lienthong/lienthong/fhir"
)

// maxCertificates bounds a file of certificates.
const maxCertificates = 1 << 20

// mockSignatures makes the mock's look at signatures, from a folder with {MA_CSKCB}.pem, and default.pem for all others. A file
// may hold several certificates, such as the old and the new one; a private key beside them is passed over, so the folder
// of --gateway-signing-keys will do.
func mockSignatures(dir string) (func(string, []byte, time.Time) bhxhmock.Signature, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.pem"))
	if err != nil {
		return nil, err
	}
	known := map[string][]*x509.Certificate{}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		if info.Size() > maxCertificates {
			return nil, fmt.Errorf("%s is larger than 1 MiB", name)
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		of := strings.TrimSuffix(filepath.Base(name), ".pem")
		for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
			if block.Type != "CERTIFICATE" {
				continue
			}
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			known[of] = append(known[of], cert)
		}
		if known[of] == nil {
			return nil, fmt.Errorf("%s has no certificate", name)
		}
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("%s has no *.pem", dir)
	}
	return func(facility string, file []byte, at time.Time) bhxhmock.Signature {
		trusted := known[facility]
		if trusted == nil {
			trusted = known["default"]
		}
		if trusted == nil {
			return bhxhmock.Signature{}
		}
		cert, err := signature.Verify(file, trusted, at)
		if e, ok := errors.AsType[*fhir.Error](err); ok && e.Code == "bhxh-not-signed" {
			return bhxhmock.Signature{State: bhxhmock.SignatureMissing}
		}
		if err != nil {
			return bhxhmock.Signature{State: bhxhmock.SignatureInvalid}
		}
		sum := sha256.Sum256(cert.Raw)
		return bhxhmock.Signature{State: bhxhmock.SignatureValid, Signer: hex.EncodeToString(sum[:])}
	}, nil
}
