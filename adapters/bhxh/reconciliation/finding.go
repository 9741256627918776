package reconciliation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/scheduler/lease"
)

// Kind is what differs.
type Kind string

// Kinds of findings.
const (
	MissingThere   Kind = "missing-there"
	UnknownHere    Kind = "unknown-here"
	AmountsDiffer  Kind = "amounts-differ"
	VersionDiffers Kind = "version-differs"
	StateDiffers   Kind = "state-differs"
	FileDiffers    Kind = "file-differs"
	PaidTwice      Kind = "paid-twice"
)

// Kinds are all of them, with severity (of DetectedIssue), cause and what to do.
var Kinds = map[Kind]struct{ Severity, CauseVI, CauseEN, ActionVI, ActionEN string }{
	MissingThere: {"high",
		"Cổng giám định trả lời không có hồ sơ đã tiếp nhận", "The portal says that it does not have a version which it had accepted",
		"Gửi biên nhận (maGiaoDich) cho cơ quan bảo hiểm; chỉ gửi lại sau khi có xác nhận", "Show the insurer the receipt (maGiaoDich); send it again only after it was confirmed"},
	UnknownHere: {"high",
		"Cổng giám định có hồ sơ mà hệ thống này chưa từng gửi", "The portal has a record that was never sent from here",
		"Kiểm tra hồ sơ gửi từ phần mềm khác; nhập hồ sơ hoặc đề nghị hủy", "Find out which other software sent it; import the claim, or have the record withdrawn"},
	AmountsDiffer: {"high",
		"Số tiền ở cổng giám định khác số tiền ở đây", "The amounts at the portal are not those held here",
		"Đối chiếu từng dòng với tệp đã gửi; đề nghị điều chỉnh trong 7 ngày làm việc", "Hold each line against the file that was sent; dispute within 7 working days"},
	VersionDiffers: {"high",
		"Cổng giám định tính một phiên bản khác", "The portal counts another version",
		"Xác định phiên bản có hiệu lực với cơ quan bảo hiểm, gửi lại phiên bản điều chỉnh nếu cần", "Settle with the insurer which version counts; send the corrected one again if need be"},
	StateDiffers: {"moderate",
		"Trạng thái ở cổng giám định không khớp với trạng thái ở đây", "The state at the portal does not go with the one held here",
		"Tra cứu lại trạng thái; người có trách nhiệm quyết định bằng Task/$resolve", "Ask for the state again; a person decides by Task/$resolve"},
	FileDiffers: {"high",
		"Tệp ở cổng giám định khác tệp đã gửi", "The file at the portal is none that was sent",
		"Đối chiếu SHA-256 với cơ quan bảo hiểm; kiểm tra tài khoản có bị dùng ở nơi khác", "Hold the SHA-256 against the insurer's; find out whether the account is used elsewhere"},
	PaidTwice: {"high",
		"Tổng số tiền đã trả lớn hơn số tiền được chấp nhận", "More was paid than was accepted",
		"Báo cơ quan bảo hiểm để thu hồi trong kỳ quyết toán sau", "Tell the insurer, to be taken back with the next settlement"},
}

// Finding is a difference.
type Finding struct {
	Kind     Kind    `json:"kind"`
	Facility string  `json:"facility"`
	MaLK     string  `json:"maLK,omitempty"` // "" = it is about a settlement run
	PB       uint64  `json:"pb,omitempty"`
	Subject  string  `json:"subject,omitempty"` // what of it, where one version has several findings of a kind
	Claim    fhir.ID `json:"claim,omitempty"`   // "" = there is none here
	Month    string  `json:"month,omitempty"`   // of the list that it was found in
	Here     string  `json:"here"`              // what we hold
	There    string  `json:"there"`             // what the portal says

	Opened time.Time `json:"opened"`
	Closed time.Time `json:"closed,omitzero"`
	Issue  string    `json:"issue"` // DetectedIssue/id
	Cause  string    `json:"cause"` // in English; the DetectedIssue has both languages
	Action string    `json:"action"`
}

const (
	spaceFindings store.Space = "reconciliation"
	spaceWritten  store.Space = "reconciliation-written"
)

// id is the same for the same difference in each run.
func (f Finding) id() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s|%d|%s", f.Facility, f.Kind, f.MaLK, f.PB, f.Subject))
	return hex.EncodeToString(sum[:16])
}

// find takes note of a difference; of the same one the first counts.
func (w *run) find(f Finding) {
	f.Facility = w.facility
	f.Cause, f.Action = Kinds[f.Kind].CauseEN, Kinds[f.Kind].ActionEN
	f.Issue = "DetectedIssue/reconciliation-" + f.id()
	if _, ok := w.found[f.id()]; !ok {
		w.found[f.id()] = f
	}
}

// keep writes what is new or changed, and closes what is gone, of the months that were looked at. Without whole, when the run did not
// come to its end, nothing is closed.
func (w *run) keep(ctx context.Context, whole bool) error {
	// A run also keeps what it found when the server stops.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	held, err := w.held(ctx)
	if err != nil {
		return err
	}
	organization, err := w.organization(ctx)
	if err != nil {
		return err
	}
	for id, f := range w.found {
		was, known := held[id]
		f.Opened = w.now.Time().UTC()
		if known && was.Closed.IsZero() {
			if f.Opened = was.Opened; f.Here == was.Here && f.There == was.There && f.Month == was.Month && f.Claim == was.Claim {
				continue
			}
		} else {
			w.report.Opened++
		}
		if err := w.write(ctx, f, was.raw, organization); err != nil {
			return err
		}
		held[id] = kept{Finding: f}
	}
	for id, f := range held {
		_, again := w.found[id]
		if f.Closed.IsZero() && !again && whole && w.covers(f.Month) {
			f.Closed = w.now.Time().UTC()
			if err := w.write(ctx, f.Finding, f.raw, organization); err != nil {
				return err
			}
			w.report.Closed++
		} else if f.Closed.IsZero() {
			w.report.Findings = append(w.report.Findings, f.Finding)
		}
	}
	slices.SortFunc(w.report.Findings, func(a, b Finding) int {
		return strings.Compare(a.MaLK+"|"+string(a.Kind)+a.Subject, b.MaLK+"|"+string(b.Kind)+b.Subject)
	})
	return nil
}

// covers says whether the run looked where a finding was found; what no list had is looked at in each.
func (w *run) covers(at string) bool {
	m, ok := ParseMonth(at)
	return !ok || w.from <= m && m <= w.to
}

// kept is a finding with its row.
type kept struct {
	Finding
	raw []byte
}

// held are all findings of the facility, closed ones too, by id.
func (w *run) held(ctx context.Context) (map[string]kept, error) {
	out := map[string]kept{}
	prefix := url.PathEscape(w.facility)
	for rec, err := range w.Store.Records(ctx, spaceFindings, prefix+"/", prefix+"0") {
		if err != nil {
			return nil, err
		}
		k := kept{raw: bytes.Clone(rec.Value)}
		if err := json.Unmarshal(rec.Value, &k.Finding); err != nil {
			return nil, fhir.Wrap(fhir.Internal, "delivery-record-unreadable", err, string(spaceFindings), rec.Key)
		}
		out[strings.TrimPrefix(rec.Key, prefix+"/")] = k
	}
	return out, nil
}

// write puts a finding as row and as DetectedIssue, in place of the row that was there. Another run that was faster wins.
func (w *run) write(ctx context.Context, f Finding, was []byte, organization string) error {
	raw, err := json.Marshal(f)
	if err != nil {
		return err
	}
	issue, err := w.issue(ctx, f, organization)
	if err != nil {
		return err
	}
	key := url.PathEscape(f.Facility) + "/" + f.id()
	_, err = w.Interactions.Apply(ctx, interaction.WriteSet{
		Docs:    []*resource.Document{issue},
		Require: []store.Precondition{store.RecordIs{Space: spaceFindings, Key: key, Value: was}},
		Records: []store.Record{{Space: spaceFindings, Key: key, Value: raw}},
	})
	if lease.Changed(err) {
		return nil
	}
	return err
}

type (
	object = resource.ObjectOf
	list   = resource.ListOf
)

// issue is a finding as FHIR.
func (w *run) issue(ctx context.Context, f Finding, organization string) (*resource.Document, error) {
	k := Kinds[f.Kind]
	system := w.Systems.CodeSystem("reconciliation")
	implicated := list{}
	patient := ""
	if f.Claim != "" {
		key := fhir.Key{Type: "Claim", ID: f.Claim}
		implicated = append(implicated, object{"reference", key.String()})
		found, err := w.Store.Read(ctx, key, 0)
		if e, ok := errors.AsType[*fhir.Error](err); ok && (e.Kind == fhir.Gone || e.Kind == fhir.NotFound) {
			err = nil // deleted since: the finding stands
		} else if err == nil {
			var doc *resource.Document
			if doc, err = document(found); err == nil {
				patient = doc.Root().Get("patient").Get("reference").Text()
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if organization != "" {
		implicated = append(implicated, object{"reference", organization})
	}
	var subject object
	if at := fhir.ParseReference(patient); at.Key.Type == "Patient" && at.Key.ID != "" {
		subject = object{"reference", patient}
	}
	status, mitigation := "preliminary", list{object{"action", object{"text", k.ActionVI + " / " + k.ActionEN}}}
	if !f.Closed.IsZero() {
		status = "final"
		mitigation = append(mitigation, object{"action", object{"text", "Không còn sai lệch / The difference is gone"}, "date", f.Closed.Format(time.RFC3339)})
	}
	values := fmt.Sprintf("MA_CSKCB %s, MA_LK %s, PB %d %s", f.Facility, or(f.MaLK), f.PB, f.Subject)
	raw := resource.AppendJSON(nil, object{
		"resourceType", "DetectedIssue", "id", "reconciliation-" + f.id(), "status", status,
		"code", object{"coding", list{object{"system", system, "code", string(f.Kind)}, object{"system", system, "code", "reconciliation"}}, "text", k.CauseVI},
		"severity", k.Severity, "patient", subject, "identifiedDateTime", f.Opened.Format(time.RFC3339),
		"implicated", implicated,
		"evidence", list{object{"code", list{object{"text", "here: " + f.Here}, object{"text", "there: " + f.There}}}},
		"detail", strings.TrimSpace(values) + ": " + k.CauseVI + " / " + k.CauseEN + ". " + f.Here + " ≠ " + f.There,
		"mitigation", mitigation,
	})
	return resource.New(raw)
}

// organization finds the facility's Organization by MA_CSKCB, "" if there is none.
func (w *run) organization(ctx context.Context) (string, error) {
	system := w.Systems.Named("cskcb")
	page, err := w.Interactions.Search(ctx, "Organization", "identifier="+url.QueryEscape(system+"|"+w.facility)+"&_count=1", interaction.SearchOptions{})
	if err != nil || len(page.Matches) == 0 {
		return "", err
	}
	return page.Matches[0].Key.String(), nil
}
