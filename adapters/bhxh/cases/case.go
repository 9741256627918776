package cases

import (
	"context"
	"errors"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Case is all that is known of a claim.
type Case struct {
	Row
	Lines       []Line    `json:"lines"`
	Disposition string    `json:"disposition,omitempty"` // of the portal
	Errors      []string  `json:"errors,omitempty"`      // format errors, or why it was refused
	Cited       []Cited   `json:"cited"`
	Versions    []Version `json:"versions"`
	Issues      []Issue   `json:"issues"`  // of reconciliation
	Reviews     []Review  `json:"reviews"` // oldest first
}

// Line is a line of the claim beside what was decided about it; amounts as in Row.
type Line struct {
	Sequence   int    `json:"sequence"` // Claim.item.sequence
	Table      string `json:"table,omitempty"`
	STT        string `json:"stt,omitempty"`
	Group      string `json:"maNhom,omitempty"`
	Code       string `json:"code,omitempty"`
	Name       string `json:"name,omitempty"`
	Quantity   string `json:"quantity,omitempty"`
	Unit       string `json:"unit,omitempty"`
	UnitPrice  string `json:"unitPrice,omitempty"`
	Submitted  string `json:"submitted,omitempty"` // THANH_TIEN_BV
	Eligible   string `json:"eligible,omitempty"`  // THANH_TIEN_BH
	Requested  string `json:"requested,omitempty"` // T_BHTT
	Copay      string `json:"copay,omitempty"`     // T_BNCCT
	Paid       string `json:"paid,omitempty"`
	Reduced    string `json:"reduced,omitempty"`
	Reason     string `json:"reason,omitempty"`
	ReasonText string `json:"reasonText,omitempty"`
	// Decided says that there is a decision on the line.
	Decided bool `json:"decided"`
}

// Cited is a resource that the claim refers to.
type Cited struct {
	Reference string    `json:"reference"`
	Path      string    `json:"path"`              // where the claim first refers to it
	Version   uint64    `json:"version,omitempty"` // the one shown; 0 = it is not there, or not for the caller
	At        time.Time `json:"at,omitzero"`
}

// Version is a version of the claim on its way, with each attempt to send it.
type Version struct {
	Version    uint64              `json:"version"`
	PB         uint64              `json:"pb"`
	State      delivery.State      `json:"state"`
	Assessment delivery.Assessment `json:"assessment,omitempty"`
	Since      time.Time           `json:"since"`
	MaGiaoDich string              `json:"maGiaoDich,omitempty"`
	Others     []string            `json:"otherMaGiaoDich,omitempty"`
	Reason     *delivery.Reason    `json:"reason,omitempty"`
	Findings   []delivery.Reason   `json:"findings,omitempty"`
	Decided    *delivery.Ruling    `json:"decided,omitempty"` // by a person
	Attempts   []Attempt           `json:"attempts"`
}

// Attempt is one sending of a version; what it sent and got is told by its hashes.
type Attempt struct {
	N           int            `json:"n"`
	Started     time.Time      `json:"started"`
	Ended       time.Time      `json:"ended,omitzero"`
	Deadline    time.Time      `json:"deadline"`
	Outcome     delivery.State `json:"outcome,omitempty"` // "" while it is open
	HTTPStatus  int            `json:"httpStatus,omitempty"`
	MaKetQua    string         `json:"maKetQua,omitempty"`
	MaGiaoDich  string         `json:"maGiaoDich,omitempty"`
	Text        string         `json:"thongDiep,omitempty"`
	FileSHA256  string         `json:"fileSha256"`
	FileBytes   int            `json:"fileBytes"`
	ReplySHA256 string         `json:"replySha256,omitempty"`
	Slot        string         `json:"slot,omitempty"`
	Lease       string         `json:"lease"`
	Token       uint64         `json:"fencingToken"`
	Server      string         `json:"server,omitempty"`
	Late        bool           `json:"late,omitempty"` // it came after the item had been given up, and changed nothing
}

// Result is the portal's result code with its meaning: "Tiếp nhận thành công [200]".
func (a Attempt) Result(l outcome.Language) string {
	meaning := l.Pick(wire.MaKetQua(a.MaKetQua).Meaning())
	if meaning == "" {
		return a.MaKetQua
	}
	return meaning + " [" + a.MaKetQua + "]"
}

// reasonOf and decidedOf are what the portal, or a person, said of a version, in words that the caller may see.
func reasonOf(r *delivery.Reason, words func(string) string) *delivery.Reason {
	if r == nil {
		return nil
	}
	said := *r
	said.VI, said.EN = words(r.VI), words(r.EN)
	return &said
}

func decidedOf(r *delivery.Ruling, words func(string) string) *delivery.Ruling {
	if r == nil {
		return nil
	}
	said := *r
	said.By, said.Reason = words(r.By), words(r.Reason)
	return &said
}

func attempts(all []delivery.Attempt, words func(string) string) []Attempt {
	out := []Attempt{}
	for _, a := range all {
		one := Attempt{
			N: a.N, Started: a.Started.Time().UTC(), Deadline: a.Deadline.Time().UTC(), Outcome: a.Outcome, HTTPStatus: a.HTTPStatus,
			MaKetQua: a.MaKetQua, MaGiaoDich: a.MaGiaoDich, Text: words(a.Text), FileSHA256: a.SHA256, FileBytes: a.Bytes, ReplySHA256: a.ReplySHA256,
			Slot: a.Slot, Lease: a.Lease, Token: a.Token, Server: a.Holder, Late: a.Late,
		}
		if a.Ended > 0 {
			one.Ended = a.Ended.Time().UTC()
		}
		out = append(out, one)
	}
	return out
}

// Issue is a difference between what we hold and what the portal's lists say.
type Issue struct {
	Reference  string `json:"reference"`
	Status     string `json:"status"` // open or closed
	Code       string `json:"code"`
	Detail     string `json:"detail,omitempty"`
	Action     string `json:"action,omitempty"`
	Identified string `json:"identified,omitempty"`
}

// Show gives the case of a claim and the resources that it is made of, as the caller may see them. Kind NotFound if the caller may not see the claim, or if it never was one for the insurer
// ("delivery-item-unknown").
func (s *Service) Show(ctx context.Context, claim fhir.ID) (Case, []*resource.Document, error) {
	key := fhir.Key{Type: "Claim", ID: claim}
	if _, err := s.Store.Read(ctx, key, 0); err != nil && !gone(err) {
		return Case{}, nil, err
	}
	st, err := s.Outbox.Status(ctx, claim)
	if err != nil {
		return Case{}, nil, err
	}
	newest := st.Versions[len(st.Versions)-1].Item
	d, ok, err := s.read(ctx, newest)
	if err != nil || !ok {
		return Case{}, nil, orNotFound(err, key)
	}
	var c Case
	row, listed, decided := s.row(newest, d)
	c.Row, c.Disposition, c.Errors = row, decided.Disposition, decided.Errors
	shown := []*resource.Document{d.claim.Document()}
	if d.response.Kind() != resource.None {
		shown = append(shown, d.response.Document())
	}
	if row.Earlier { // the lines are those that were decided
		for _, v := range st.Versions {
			if v.MaGiaoDich != decided.MaGiaoDich {
				continue
			}
			then, ok, err := s.read(ctx, v.Item)
			if err != nil {
				return Case{}, nil, err
			}
			if ok {
				listed = mapping.ListClaim(then.claim, s.Systems)
				shown = append(shown, then.claim.Document())
			}
		}
	}
	c.Lines = lines(listed, decided)
	words, err := access.Words(ctx, s.Store, key)
	if err != nil {
		return Case{}, nil, err
	}
	for _, v := range st.Versions {
		c.Versions = append(c.Versions, Version{
			Version: uint64(v.Version), PB: v.PB, State: v.State, Assessment: v.Assessment, Since: v.Since.Time().UTC(),
			MaGiaoDich: v.MaGiaoDich, Others: v.Others, Reason: reasonOf(v.Reason, words), Findings: v.Findings, Decided: decidedOf(v.Decided, words),
			Attempts: attempts(v.Attempts, words),
		})
	}
	cited, docs, err := s.cited(ctx, d.claim)
	if err != nil {
		return Case{}, nil, err
	}
	c.Cited = cited
	shown = append(shown, docs...)
	if c.Issues, docs, err = s.issues(ctx, key); err != nil {
		return Case{}, nil, err
	}
	shown = append(shown, docs...)
	if c.Reviews, docs, err = s.reviews(ctx, key); err != nil {
		return Case{}, nil, err
	}
	return c, append(shown, docs...), nil
}

// lines puts the lines beside the decisions on them.
func lines(listed mapping.Listed, decided mapping.Decided) []Line {
	out := []Line{}
	for _, l := range listed.Lines {
		n := Line{
			Sequence: l.Sequence, Table: l.Table, STT: l.STT, Group: l.MaNhom, Code: l.Code, Name: l.Name, Quantity: l.Quantity, Unit: l.Unit,
			UnitPrice: l.UnitPrice, Submitted: l.Submitted, Eligible: l.Eligible, Requested: l.Requested, Copay: l.Copay,
		}
		if d, ok := decided.Lines[l.Sequence]; ok {
			n.Decided = true
			if d.Requested != "" {
				n.Requested = d.Requested
			}
			n.Paid, n.Reduced, n.Reason, n.ReasonText = d.Benefit, less(n.Requested, d.Benefit), d.Reason, d.Text
		}
		out = append(out, n)
	}
	return out
}

// maxCited bounds what a case shows of what the claim refers to.
const maxCited = 2000

// cited reads what a claim refers to, each once, in the order of the claim.
func (s *Service) cited(ctx context.Context, claim resource.Value) ([]Cited, []*resource.Document, error) {
	out := []Cited{}
	var docs []*resource.Document
	seen := map[fhir.Key]bool{}
	var walk func(v resource.Value) error
	walk = func(v resource.Value) error {
		if v.Kind() == resource.String && v.Name() == "reference" {
			ref := fhir.ParseReference(v.Text())
			if ref.Key.ID == "" || ref.Base != "" || seen[ref.Key] || len(out) == maxCited {
				return nil
			}
			seen[ref.Key] = true
			c := Cited{Reference: ref.Key.String(), Path: v.Parent().Path()}
			f, err := s.Store.Read(ctx, ref.Key, 0)
			switch {
			case absent(err):
			case err != nil:
				return err
			default:
				doc, err := document(f)
				if err != nil {
					return err
				}
				c.Version, c.At = uint64(f.Version), f.At.Time().UTC()
				docs = append(docs, doc)
			}
			out = append(out, c)
			return nil
		}
		for c := v.First(); c.Kind() != resource.None; c = c.Next() {
			if err := walk(c); err != nil {
				return err
			}
		}
		return nil
	}
	err := walk(claim)
	return out, docs, err
}

// found gives what a search of the caller finds of a type; nothing if the caller may not search for it.
func (s *Service) found(ctx context.Context, t fhir.Type, query string) ([]*resource.Document, error) {
	page, err := s.Interactions.Search(ctx, t, query, interaction.SearchOptions{})
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var docs []*resource.Document
	for _, f := range page.Matches {
		doc, err := document(f)
		if err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

// issues are the differences that reconciliation found, oldest first.
func (s *Service) issues(ctx context.Context, claim fhir.Key) ([]Issue, []*resource.Document, error) {
	docs, err := s.found(ctx, "DetectedIssue", "implicated="+claim.String()+"&_sort=identified&_count=100")
	out := []Issue{}
	for _, d := range docs {
		v := d.Root()
		id, _ := v.ID()
		i := Issue{
			Reference: "DetectedIssue/" + id, Status: "open", Code: v.Get("code").Get("coding").At(0).Get("code").Text(),
			Detail: v.Get("detail").Text(), Action: v.Get("mitigation").At(0).Get("action").Get("text").Text(),
			Identified: v.Get("identifiedDateTime").Text(),
		}
		if v.Get("status").Text() != "preliminary" {
			i.Status = "closed"
		}
		out = append(out, i)
	}
	return out, docs, err
}

func gone(err error) bool {
	e, ok := errors.AsType[*fhir.Error](err)
	return ok && e.Kind == fhir.Gone
}

// orNotFound is err, or that there is nothing there.
func orNotFound(err error, key fhir.Key) error {
	if err != nil {
		return err
	}
	return fhir.Errorf(fhir.NotFound, "not-found", "", key.String())
}
