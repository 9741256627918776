package cases

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/audit"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// Config is what a Service needs; all but Now are required.
type Config struct {
	Store        store.Store
	Outbox       *delivery.Outbox
	Interactions *interaction.Service
	Systems      mapping.Systems
	Now          func() time.Time // nil is time.Now
}

// Service shows cases. It has no state; its methods are safe for concurrent use, and hold to the fence of their context.
type Service struct{ Config }

// New makes a Service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{c}
}

// Row is a claim in a list: its newest version and the newest decision. Amounts are texts of VND with two decimals, days are
// those of Việt Nam.
type Row struct {
	Claim      string              `json:"claim"`   // Claim/id
	Version    uint64              `json:"version"` // of the Claim
	PB         uint64              `json:"pb"`      // version as the portal sees it
	MaCSKCB    string              `json:"maCSKCB"`
	MaLK       string              `json:"maLK"`
	State      delivery.State      `json:"state"`
	Assessment delivery.Assessment `json:"assessment,omitempty"`
	Since      time.Time           `json:"since"` // in this state
	Entered    time.Time           `json:"entered"`
	Discharged string              `json:"discharged,omitempty"` // day of NGAY_RA
	Submitted  string              `json:"submitted,omitempty"`  // T_TONGCHI_BV
	Requested  string              `json:"requested,omitempty"`  // T_BHTT: asked of the fund
	Paid       string              `json:"paid,omitempty"`       // what the fund pays, once it is decided
	Reduced    string              `json:"reduced,omitempty"`    // requested less paid
	MaGiaoDich string              `json:"maGiaoDich,omitempty"`
	Reason     *delivery.Reason    `json:"reason,omitempty"`   // why it is in its state
	Findings   []string            `json:"findings,omitempty"` // rules that hold it
	Cuts       []string            `json:"cuts,omitempty"`     // reason codes of lines that were cut
	Response   string              `json:"response,omitempty"` // ClaimResponse/id
	// Earlier says that the decision is about an earlier version than Version.
	Earlier bool `json:"decisionOfEarlierVersion,omitempty"`
}

// ID is the id of the claim.
func (r Row) ID() fhir.ID { return fhir.ParseReference(r.Claim).Key.ID }

// absent says that a read gave nothing that the caller may see.
func absent(err error) bool {
	e, ok := errors.AsType[*fhir.Error](err)
	return ok && (e.Kind == fhir.NotFound || e.Kind == fhir.Gone || e.Kind == fhir.Denied)
}

// quietly is ctx for what is looked at and not shown: the fence is the same, the trail is not told.
func quietly(ctx context.Context) context.Context { return audit.WithTrail(ctx, nil) }

func document(f store.Found) (*resource.Document, error) {
	return resource.New(f.Stored.Append(nil, f.Version, f.At))
}

// documents are what a Row is made of.
type documents struct {
	claim    resource.Value
	response resource.Value // the zero Value: none yet, or not to be seen
}

// read gets the documents of an item; ok is false if the caller may not see the claim.
func (s *Service) read(ctx context.Context, it delivery.Item) (d documents, ok bool, err error) {
	f, err := s.Store.ReadVersion(ctx, fhir.Key{Type: "Claim", ID: it.Claim}, it.Version)
	if absent(err) {
		return d, false, nil
	}
	if err != nil {
		return d, false, err
	}
	doc, err := document(f)
	if err != nil {
		return d, false, err
	}
	d.claim = doc.Root()
	f, err = s.Store.Read(ctx, fhir.Key{Type: "ClaimResponse", ID: delivery.ResponseID(it.Claim)}, 0)
	if absent(err) {
		return d, true, nil
	}
	if err != nil {
		return d, false, err
	}
	if doc, err = document(f); err != nil {
		return d, false, err
	}
	d.response = doc.Root()
	return d, true, nil
}

// row makes the Row of an item.
func (s *Service) row(it delivery.Item, d documents) (Row, mapping.Listed, mapping.Decided) {
	r := Row{
		Claim: "Claim/" + string(it.Claim), Version: uint64(it.Version), PB: it.PB, MaCSKCB: it.Facility, MaLK: it.Episode,
		State: it.State, Since: it.Since.Time().UTC(), Entered: it.Created.Time().UTC(), MaGiaoDich: it.MaGiaoDich, Reason: it.Reason,
		Assessment: it.Assessment,
	}
	for _, f := range it.Findings {
		r.Findings = append(r.Findings, f.Code)
	}
	r.Findings = distinct(r.Findings)
	listed := mapping.ListClaim(d.claim, s.Systems)
	var asked []string
	for _, l := range listed.Lines {
		asked = append(asked, l.Requested)
	}
	r.Discharged, r.Submitted, r.Requested = listed.Discharged, listed.Total, Sum(asked)
	var decided mapping.Decided
	if d.response.Kind() != resource.None {
		decided = mapping.ReadDecision(d.response, s.Systems)
		id, _ := d.response.ID()
		r.Response = "ClaimResponse/" + id
		r.Paid = decided.Totals.Benefit
		r.Requested = cmp.Or(decided.Totals.Requested, r.Requested)
		r.Reduced = less(r.Requested, r.Paid)
		r.Earlier = decided.MaGiaoDich != "" && decided.MaGiaoDich != it.MaGiaoDich
		for _, l := range decided.Lines {
			if l.Reason != "" {
				r.Cuts = append(r.Cuts, l.Reason)
			}
		}
		r.Cuts = distinct(r.Cuts)
	}
	return r, listed, decided
}

// distinct sorts and takes out what is there twice.
func distinct(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}
