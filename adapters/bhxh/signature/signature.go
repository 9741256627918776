// Package signature signs claim files and verifies them: CHUKYDONVI of an envelope (GIAMDINHHS) or of a check-in file.
//
// The profile is assumed, since no public source fixes it: one enveloped XML-DSig inside CHUKYDONVI, with the reference ""
// (the whole document but the signature), exclusive canonicalisation, SHA-256, and the facility's certificate in KeyInfo.
// Whoever signs otherwise, such as by a service with a hardware token, implements what the jobs ask for (bhxh.Signer).
//
// Source: https://www.w3.org/TR/xmldsig-core1/
package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/beevik/etree"
	"github.com/jonboulle/clockwork"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/lienthong/lienthong/fhir"
)

// element is where the signature stands, as a child of the root.
const element = "CHUKYDONVI"

// Key signs with a private key: one of software (Load), or any crypto.Signer over RSA or ECDSA.
type Key struct {
	signer crypto.Signer
	chain  [][]byte
}

// NewKey makes a Key of a signer and its certificate, with those that lead to its root behind it.
func NewKey(signer crypto.Signer, certificate ...*x509.Certificate) (*Key, error) {
	k := &Key{signer: signer}
	for _, c := range certificate {
		k.chain = append(k.chain, c.Raw)
	}
	switch signer.Public().(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey:
	default:
		return nil, fhir.Errorf(fhir.Invalid, "bhxh-signing-key", "")
	}
	if len(certificate) == 0 {
		return nil, fhir.Errorf(fhir.Invalid, "bhxh-signing-key", "")
	}
	if public, ok := certificate[0].PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(signer.Public()) {
		return nil, fhir.Errorf(fhir.Invalid, "bhxh-signing-key", "")
	}
	return k, nil
}

// Load makes a Key of PEM texts. The error has code "bhxh-signing-key" and never shows what was in them.
func Load(certificatePEM, keyPEM []byte) (*Key, error) {
	pair, err := tls.X509KeyPair(certificatePEM, keyPEM)
	if err != nil {
		return nil, fhir.Wrap(fhir.Invalid, "bhxh-signing-key", err)
	}
	signer, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, fhir.Errorf(fhir.Invalid, "bhxh-signing-key", "")
	}
	var chain []*x509.Certificate
	for _, raw := range pair.Certificate {
		c, err := x509.ParseCertificate(raw)
		if err != nil {
			return nil, fhir.Wrap(fhir.Invalid, "bhxh-signing-key", err)
		}
		chain = append(chain, c)
	}
	return NewKey(signer, chain...)
}

// Sign gives the file with its signature in place of an empty CHUKYDONVI; nothing else in it changes.
func (k *Key) Sign(file []byte) ([]byte, error) {
	root, err := parse(file)
	if err != nil {
		return nil, err
	}
	if len(signatures(root)) > 0 {
		return nil, errors.New("the file is signed already")
	}
	at, length := hole(file)
	if at < 0 {
		return nil, errors.New("the file has no empty " + element)
	}
	ctx, err := dsig.NewSigningContext(k.signer, k.chain)
	if err != nil {
		return nil, err
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	method := dsig.RSASHA256SignatureMethod
	if _, ok := k.signer.Public().(*ecdsa.PublicKey); ok {
		method = dsig.ECDSASHA256SignatureMethod
	}
	if err := ctx.SetSignatureMethod(method); err != nil {
		return nil, err
	}
	sig, err := ctx.ConstructSignature(root, true)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	doc := etree.NewDocument()
	doc.SetRoot(sig)
	doc.WriteSettings.CanonicalText, doc.WriteSettings.CanonicalEndTags, doc.WriteSettings.CanonicalAttrVal = true, true, true
	text, err := doc.WriteToBytes()
	if err != nil {
		return nil, err
	}
	open, closing := "<"+element+">", "</"+element+">"
	out := make([]byte, 0, len(file)+len(text)+len(open)+len(closing))
	out = append(append(append(out, file[:at]...), open...), text...)
	return append(append(out, closing...), file[at+length:]...), nil
}

// hole finds the last empty CHUKYDONVI, which is the one of the root: the tables' are inside base64.
func hole(file []byte) (at, length int) {
	at = -1
	for _, form := range [...]string{"<" + element + "/>", "<" + element + " />", "<" + element + "></" + element + ">"} {
		if i := bytes.LastIndex(file, []byte(form)); i > at {
			at, length = i, len(form)
		}
	}
	return at, length
}

// Verify checks the signature of a file against the certificates of facilities that are trusted, at a time, and gives the
// one that signed. A file without a signature gives Kind Invalid, code "bhxh-not-signed", any other fault
// "bhxh-signature". What was signed is the whole file but the signature itself, which stands in CHUKYDONVI and nowhere else.
func Verify(file []byte, trusted []*x509.Certificate, at time.Time) (*x509.Certificate, error) {
	root, err := parse(file)
	if err != nil {
		return nil, err
	}
	found := signatures(root)
	switch {
	case len(found) == 0:
		return nil, fhir.Errorf(fhir.Invalid, "bhxh-not-signed", "")
	case len(found) > 1, found[0].Parent().Tag != element, found[0].Parent().Parent() != root:
		return nil, fhir.Wrap(fhir.Invalid, "bhxh-signature", errors.New("signatures elsewhere, or more than one"))
	}
	for _, cert := range trusted {
		ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{cert}})
		ctx.Clock = dsig.NewFakeClock(clockwork.NewFakeClockAt(at))
		if _, e := ctx.Validate(root); e == nil {
			return cert, nil
		} else {
			err = e
		}
	}
	if err == nil {
		err = errors.New("no certificate is trusted")
	}
	return nil, fhir.Wrap(fhir.Invalid, "bhxh-signature", err)
}

func parse(file []byte) (*etree.Element, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(bytes.TrimPrefix(file, []byte("\xEF\xBB\xBF"))); err != nil {
		return nil, fhir.Wrap(fhir.Invalid, "bhxh-file-unreadable", err)
	}
	for _, t := range doc.Child {
		if _, ok := t.(*etree.Directive); ok {
			return nil, fhir.Wrap(fhir.Invalid, "bhxh-file-unreadable", errors.New("document type declarations are refused"))
		}
	}
	root := doc.Root()
	if root == nil {
		return nil, fhir.Errorf(fhir.Invalid, "bhxh-file-unreadable", "")
	}
	return root, nil
}

// signatures are the elements Signature of XML-DSig, wherever they stand.
func signatures(e *etree.Element) (found []*etree.Element) {
	if e.Tag == dsig.SignatureTag {
		found = append(found, e)
	}
	for _, c := range e.ChildElements() {
		found = append(found, signatures(c)...)
	}
	return found
}
