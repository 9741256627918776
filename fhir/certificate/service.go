package certificate

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"html"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/immunization/history"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// Config is what a Service is made of.
type Config struct {
	Interactions *interaction.Service
	Keys         *Keys
	// Issuer is the base URL of .well-known/jwks.json, without a final slash.
	Issuer string
	// Authority is who issues, in words: what HC1 and the printed page name.
	Authority string
	ValidFor  time.Duration // of a certificate; 0 = SHC without an end, HC1 ten years
	Systems   identity.Systems
	Schedules *immunization.Set // names and groups of vaccines; nil = those built in
	Now       func() time.Time  // nil = time.Now
}

// Service issues certificates of what the store holds, and revokes them. It is safe for concurrent use.
type Service struct {
	Config
	store  store.Store
	secret []byte
}

// New makes a Service. It reads the secret of the rids from the store, or writes one at the first start.
func New(ctx context.Context, c Config) (*Service, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Schedules == nil {
		c.Schedules = immunization.Standard()
	}
	c.Issuer = strings.TrimSuffix(c.Issuer, "/")
	s := &Service{Config: c, store: c.Interactions.Store()}
	var err error
	s.secret, err = s.secretOf(own(ctx))
	return s, err
}

// space of the records, see the package comment.
const (
	space     = store.Space("certificate")
	secretKey = "secret"
)

// own is the context of the room's own records, which are nobody's health data.
func own(ctx context.Context) context.Context { return store.Ourselves(ctx) }

func (s *Service) secretOf(ctx context.Context) ([]byte, error) {
	for range 3 {
		have, found, err := s.store.Record(ctx, space, secretKey)
		if err != nil || found {
			return have, err
		}
		secret := make([]byte, 32)
		rand.Read(secret) // never fails
		_, err = s.store.Commit(ctx, store.Changes{
			Require: []store.Precondition{store.RecordIs{Space: space, Key: secretKey}},
			Records: []store.Record{{Space: space, Key: secretKey, Value: secret}},
		})
		if err != nil && !changed(err) {
			return nil, err
		}
	}
	return nil, fhir.Errorf(fhir.Unavailable, "certificate-busy", "")
}

// changed says whether somebody else wrote the record first.
func changed(err error) bool {
	e, ok := errors.AsType[*fhir.Error](err)
	return ok && e.Kind == fhir.Precondition
}

// RID is the revocation identifier of a person's cards: base64url without anything of the id in it.
func (s *Service) RID(patient fhir.ID) string {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte(patient))
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac.Sum(nil)[:10])
}

// Options say which certificate is wanted.
type Options struct {
	Since string // only doses on or after this date; "" = all
}

// Card gathers what a certificate of a patient says: the doses recorded under the id, and under ids that it replaced.
// A card without doses is no error here. Errors: those of read and search.
func (s *Service) Card(ctx context.Context, patient fhir.ID, o Options) (Card, error) {
	f, err := s.Interactions.Read(ctx, fhir.Key{Type: "Patient", ID: patient})
	if err != nil {
		return Card{}, err
	}
	doc, err := resource.New(f.Stored.Body)
	if err != nil {
		return Card{}, err
	}
	c := Card{Issuer: s.Issuer, RID: s.RID(patient)}
	c.setPerson(doc.Root())
	if c.FullName() == "" || c.BirthDate == "" {
		return Card{}, fhir.Errorf(fhir.Unprocessable, "certificate-person", "Patient")
	}
	refs := []string{"Patient/" + string(patient)}
	for link := range doc.Root().Get("link").Elements() {
		if to := s.Interactions.Here(link.Get("other").Get("reference").Text()); link.Get("type").Text() == "replaces" && to.Type == "Patient" {
			refs = append(refs, to.String())
		}
	}
	records, err := s.records(ctx, refs)
	if err != nil {
		return Card{}, err
	}
	names := map[string]string{}
	for _, d := range fold(s.Schedules, records) {
		if d.Performer == "" && d.by != nil {
			d.Performer = s.facility(ctx, d.by, names)
		}
		switch {
		case d.Date == "":
			c.Undated++
		case o.Since != "" && d.Date < o.Since:
		default:
			c.Doses = append(c.Doses, d)
		}
	}
	return c, nil
}

// maxDoses bounds a record; nobody has had so many.
const maxDoses = 500

// records reads the vaccinations that were given to one person under any of these references.
func (s *Service) records(ctx context.Context, refs []string) ([]history.Record, error) {
	var out []history.Record
	query := "status=completed&patient=" + strings.Join(refs, ",")
	var o interaction.SearchOptions
	for {
		page, err := s.Interactions.Search(ctx, "Immunization", query, o)
		if err != nil {
			return nil, err
		}
		for _, f := range page.Matches {
			doc, err := resource.New(f.Stored.Body)
			if err != nil {
				return nil, err
			}
			r := history.Read(doc.Root())
			if r.Text == "" {
				continue // R4 demands a vaccineCode; what is only an extension cannot be certified
			}
			r.At = f.At
			out = append(out, r)
		}
		if len(out) > maxDoses {
			return nil, fhir.Errorf(fhir.TooCostly, "certificate-too-many", "", maxDoses)
		}
		if page.Next == nil {
			return out, nil
		}
		o.AsOf, o.After = page.AsOf, page.Next
	}
}

// facility gives the name of the first organization or place that performed, if it is recorded here; names remembers.
func (s *Service) facility(ctx context.Context, refs []string, names map[string]string) string {
	for _, ref := range refs {
		typ, id, ok := strings.Cut(ref, "/")
		if !ok || typ != "Organization" && typ != "Location" {
			continue
		}
		name, known := names[ref]
		if !known {
			if f, err := s.Interactions.Read(ctx, fhir.Key{Type: fhir.Type(typ), ID: fhir.ID(id)}); err == nil {
				if doc, err := resource.New(f.Stored.Body); err == nil {
					name = doc.Root().Get("name").Text()
				}
			}
			names[ref] = name
		}
		if name != "" {
			return name
		}
	}
	return ""
}

// Issued is a certificate in both forms.
type Issued struct {
	Card Card
	JWS  string // SHC
	HC1  string
}

// Issue signs a card. A card without doses is refused ("certificate-no-doses"): it would say nothing.
func (s *Service) Issue(ctx context.Context, c Card) (Issued, error) {
	if len(c.Doses) == 0 {
		return Issued{}, fhir.Errorf(fhir.Unprocessable, "certificate-no-doses", "")
	}
	now := s.Now().UTC().Truncate(time.Second)
	k, ok := s.Keys.signer(now)
	if !ok {
		return Issued{}, fhir.Errorf(fhir.Unavailable, "certificate-no-key", "")
	}
	before, err := s.RevokedBefore(ctx, c.RID)
	if err != nil {
		return Issued{}, err
	}
	if now.Before(before) { // revoked within this second: the new one is to count
		now = before
	}
	c.Issued, c.KeyID = now, k.id
	if s.ValidFor > 0 {
		c.Expires = now.Add(s.ValidFor).Truncate(time.Second)
	}
	out := Issued{Card: c}
	if out.JWS, err = signSHC(c, k); err != nil {
		return Issued{}, err
	}
	ended := c
	if ended.Expires.IsZero() {
		ended.Expires = forever(now)
	}
	out.HC1, err = signHC1(ended, k, s.Authority)
	return out, err
}

// Verifier checks what this service has issued, with its revocations.
func (s *Service) Verifier() Verifier {
	return Verifier{Keys: s.Keys, Issuers: []string{s.Issuer}, Now: s.Now, Revoked: func(ctx context.Context, _, rid string) (time.Time, error) {
		return s.RevokedBefore(ctx, rid)
	}}
}

func escape(s string) string { return html.EscapeString(s) }
