package mapping

import (
	"context"
	"errors"
	"slices"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Reader gives the resources that a Claim refers to. A fhir.Error of Kind NotFound or Gone becomes a finding; any other
// error ends the mapping.
type Reader interface {
	Read(ctx context.Context, key fhir.Key) (*resource.Document, error)
}

// Options say how a Claim is mapped.
type Options struct {
	Systems Systems
	Version uint64 // PB, the version of the claim file; 0: DU_PHONG stays as the Claim has it
	Reason  string // LD, why it is sent again; "" for the first time
	// FHIRBase is the server's own base, such as http://host/fhir: absolute references below it are followed too.
	FHIRBase string
}

// Claim is a Claim as an episode of the claim file, not yet checked (hoso.Check).
type Claim struct {
	HoSo          hoso.HoSo // XML1, XML2, XML3, and those of XML4 to XML15 that there are
	MaLK, MaCSKCB string
	Decision      hoso.Decision
	Claimed       Claimed        // what ClaimedIn gives
	Findings      []hoso.Finding // what is missing or contradicts itself; errors hold the claim
}

// rules are what can be wrong with a Claim before there is a file to check; all of them hold the claim.
var rules = map[string]struct{ vi, en string }{
	"MAP-01": {"Claim không tham chiếu tài nguyên này, hoặc không tìm thấy tài nguyên", "The Claim does not name this resource, or it cannot be found"},
	"MAP-02": {"Tài nguyên thiếu định danh thuộc hệ thống cần có", "The resource has no identifier of the system that is expected here"},
	"MAP-03": {"Hai nơi trong hồ sơ mâu thuẫn nhau", "Two places of the record contradict each other"},
	"MAP-04": {"Giá trị không chuyển được sang định dạng của hồ sơ", "The value cannot be turned into the form of the claim file"},
	"MAP-05": {"Không xác định được dòng thuộc XML2 (thuốc) hay XML3 (dịch vụ, vật tư)", "The line cannot be told to be a drug (XML2) or a service or supply (XML3)"},
}

// EpisodeOf says whether a Claim is one for the social insurance, and for which episode of which facility: it is active,
// a claim (no preauthorization), and has the identifier of an episode.
func EpisodeOf(claim resource.Value, s Systems) (maCSKCB, maLK string, ok bool) {
	if claim.ResourceType() != "Claim" || claim.Get("status").Text() != "active" || claim.Get("use").Text() != "claim" {
		return "", "", false
	}
	return episodeIdentifier(claim, s.sid())
}

// CheckInOf says whether an Encounter is a patient who has come in and is still there, of which facility and episode.
func CheckInOf(encounter resource.Value, s Systems) (maCSKCB, maLK string, ok bool) {
	if encounter.ResourceType() != "Encounter" || encounter.Get("status").Text() != "in-progress" {
		return "", "", false
	}
	return episodeIdentifier(encounter, s.sid())
}

func episodeIdentifier(v resource.Value, sid identity.Systems) (maCSKCB, maLK string, ok bool) {
	for id := range v.Get("identifier").Elements() {
		if facility, good := sid.FacilityOfEpisode(id.Get("system").Text()); good && id.Get("value").Text() != "" {
			return facility, text(id.Get("value")), true
		}
	}
	return "", "", false
}

// FromFHIR maps a Claim and what it refers to. Only a Reader that fails is an error; a Claim from which no complete
// episode can be made has findings.
func FromFHIR(ctx context.Context, r Reader, claim resource.Value, o Options) (Claim, error) {
	m := &mapper{ctx: ctx, r: r, o: o, s: o.Systems, sid: o.Systems.sid(), claim: claim, read: make(map[fhir.Key]*resource.Document)}
	m.out.MaCSKCB, m.out.MaLK, _ = episodeIdentifier(claim, m.sid)
	if m.out.MaLK == "" {
		m.find("MAP-02", hoso.XML1, 0, "MA_LK", "Claim.identifier")
	}
	m.gather()
	// The decision follows from the discharge, and the layouts are the same for all of them so far.
	m.out.Decision = hoso.DecisionAt(m.discharge())
	m.out.HoSo = hoso.NewHoSo(m.out.Decision, hoso.XML1, hoso.XML2, hoso.XML3)
	m.summary(m.out.HoSo.Table(hoso.XML1).Add())
	m.out.Claimed = claimedOf(claim)
	if m.lines() {
		m.out.HoSo.FillAmounts()
	}
	m.documents()
	slices.SortStableFunc(m.out.HoSo.Tables, func(a, b hoso.Table) int { return int(a.Layout.ID) - int(b.Layout.ID) })
	if m.err != nil {
		return Claim{}, m.err
	}
	for i := range m.out.Findings {
		m.out.Findings[i].MaLK = m.out.MaLK
	}
	return m.out, nil
}

// CheckInFromFHIR makes the row of a check-in file (XML0) of an Encounter and its Patient. The fields of the card, and all
// without an element, are those of the extension xml0. Only a Reader that fails is an error.
func CheckInFromFHIR(ctx context.Context, r Reader, encounter resource.Value, o Options) (hoso.Row, []hoso.Finding, error) {
	m := &mapper{ctx: ctx, r: r, o: o, s: o.Systems, sid: o.Systems.sid(), encounter: encounter, read: make(map[fhir.Key]*resource.Document)}
	m.out.MaCSKCB, m.out.MaLK, _ = episodeIdentifier(encounter, m.sid)
	row := hoso.NewRow(hoso.DecisionAt("").Layout(hoso.XML0))
	set := func(field, value string) {
		if value != "" && row.Layout().Index(field) >= 0 {
			row.Set(field, value)
		}
	}
	if m.out.MaLK == "" {
		m.find("MAP-02", hoso.XML0, 0, "MA_LK", "Encounter.identifier")
	}
	var ok bool
	if m.patient, ok = m.resolve(encounter.Get("subject"), "Patient"); !ok {
		m.find("MAP-01", hoso.XML0, 0, "HO_TEN", "Encounter.subject")
	}
	set("MA_LK", m.out.MaLK)
	set("MA_CSKCB", m.out.MaCSKCB)
	set("STT", "1")
	m.person(set)
	m.stay(set)
	fields, bad := extensionFields(encounter, m.s.Extension(hoso.XML0), row.Layout())
	for _, name := range bad {
		m.find("MAP-04", hoso.XML0, 0, name, "Encounter.extension")
	}
	for name, v := range fields {
		row.Set(name, v) // "": it is said to be absent
	}
	return row, m.out.Findings, m.err
}

// mapper maps one Claim.
type mapper struct {
	ctx   context.Context
	r     Reader
	o     Options
	s     Systems
	sid   identity.Systems
	claim resource.Value
	read  map[fhir.Key]*resource.Document // nil: looked for and not found

	patient, encounter, provider resource.Value // zero: not there
	coverages                    []resource.Value
	team                         map[string]member // Claim.careTeam by sequence

	out Claim
	err error // of the Reader; the rest of the mapping then means nothing
}

func (m *mapper) find(rule string, table hoso.ID, row int, field, element string) {
	f := hoso.Finding{
		Rule: rule, Severity: fhir.SeverityError, Table: table.String(), Row: row, Field: field, Element: element,
		VI: rules[rule].vi, EN: rules[rule].en,
	}
	if !slices.Contains(m.out.Findings, f) {
		m.out.Findings = append(m.out.Findings, f)
	}
}

// contradict finds that two places, as FHIRPaths, say different things; it names the places and never what they say.
func (m *mapper) contradict(table hoso.ID, row int, field, one, other string) {
	m.find("MAP-03", table, row, field, one)
	f := &m.out.Findings[len(m.out.Findings)-1]
	if f.Rule != "MAP-03" || f.Element != one {
		return // found before
	}
	f.Element = one + " | " + other
	f.VI += ": " + one + " và " + other + " khác nhau"
	f.EN += ": " + one + " and " + other + " differ"
}

// gather reads what the Claim refers to.
func (m *mapper) gather() {
	var ok bool
	if m.patient, ok = m.resolve(m.claim.Get("patient"), "Patient"); !ok {
		m.find("MAP-01", hoso.XML1, 0, "HO_TEN", "Claim.patient")
	}
	m.provider, _ = m.resolve(m.claim.Get("provider"), "Organization")
	m.encounter = m.ofItems()
	m.ofPatient(m.encounter.Get("subject"), "HO_TEN", "Encounter.subject")
	for _, ins := range bySequence(m.claim.Get("insurance")) {
		ref := ins.Get("coverage")
		if ref.Get("reference").Kind() == resource.None {
			continue // no card: the fields may stand in the extension, and the pre-checks see to them
		}
		c, ok := m.resolve(ref, "Coverage")
		if !ok {
			m.find("MAP-01", hoso.XML1, 0, "MA_THE_BHYT", "Claim.insurance.coverage")
			continue
		}
		m.coverages = append(m.coverages, c)
		if !m.cardsSaid() {
			m.ofPatient(c.Get("beneficiary"), "MA_THE_BHYT", "Coverage.beneficiary")
		}
	}
	m.team = make(map[string]member)
	for c := range m.claim.Get("careTeam").Elements() {
		m.team[c.Get("sequence").Text()] = m.member(c)
	}
}

// cardsSaid says whether the claim itself has all fields of its cards, so that nothing of a Coverage comes into the file. Then whose entry
// the Coverage names is no matter: a file that mends the citizen ID is of another Patient than the one that it mends, with the same card.
func (m *mapper) cardsSaid() bool {
	said, _ := extensionFields(m.claim, m.s.Extension(hoso.XML1), hoso.DecisionAt("").Layout(hoso.XML1))
	for _, f := range cardFields {
		if _, ok := said[f]; !ok {
			return false
		}
	}
	return true
}

// ofPatient finds where the claim's patient and what it cites are of two persons: the file would say of one what is the other's. An
// entry that was merged with the patient's is the patient.
func (m *mapper) ofPatient(ref resource.Value, field, element string) {
	of := fhir.ParseReference(ref.Get("reference").Text()).Key
	patient := fhir.ParseReference(m.claim.Get("patient").Get("reference").Text()).Key
	if of.Type != "Patient" || patient.Type != "Patient" || of == patient || linked(m.patient, of) {
		return
	}
	if other, ok := m.resolve(ref, "Patient"); !ok || !linked(other, patient) {
		m.contradict(hoso.XML1, 0, field, "Claim.patient", element)
	}
}

// linked says whether a Patient stands for another, or the other for it.
func linked(patient resource.Value, to fhir.Key) bool {
	for l := range patient.Get("link").Elements() {
		if t := l.Get("type").Text(); (t == "replaces" || t == "replaced-by") && fhir.ParseReference(l.Get("other").Get("reference").Text()).Key == to {
			return true
		}
	}
	return false
}

// ofItems gives the Encounter of the first item that names one which is there.
func (m *mapper) ofItems() resource.Value {
	named := false
	for item := range m.claim.Get("item").Elements() {
		for ref := range item.Get("encounter").Elements() {
			if e, ok := m.resolve(ref, "Encounter"); ok {
				return e
			}
			named = true
		}
	}
	if named {
		m.find("MAP-01", hoso.XML1, 0, "NGAY_VAO", "Claim.item.encounter")
	}
	return resource.Value{}
}

// resolve follows a literal or contained reference to a resource of the given type.
func (m *mapper) resolve(ref resource.Value, want fhir.Type) (resource.Value, bool) {
	s := ref.Get("reference").Text()
	if s == "" || m.err != nil {
		return resource.Value{}, false
	}
	at := fhir.ParseReference(s)
	if at.Inside != "" {
		for c := range m.claim.Get("contained").Elements() {
			if id, ok := c.ID(); ok && id == at.Inside && c.ResourceType() == want {
				return c, true
			}
		}
		return resource.Value{}, false
	}
	if at.Key.Type != want || at.Key.ID == "" || at.Base != "" && at.Base != m.o.FHIRBase {
		return resource.Value{}, false
	}
	d, known := m.read[at.Key]
	if !known {
		var err error
		if d, err = m.r.Read(m.ctx, at.Key); err != nil {
			if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Kind != fhir.NotFound && e.Kind != fhir.Gone {
				m.err = err
				return resource.Value{}, false
			}
			d = nil
		}
		m.read[at.Key] = d
	}
	if d == nil {
		return resource.Value{}, false
	}
	return d.Root(), true
}

// identifier gives the value of the first identifier of a system, aliases folded.
func (m *mapper) identifier(v resource.Value, system string) string {
	for id := range v.Get("identifier").Elements() {
		if m.sid.Fold(id.Get("system").Text()) == system {
			if s := text(id.Get("value")); s != "" {
				return s
			}
		}
	}
	return ""
}

// bySequence gives the elements of a list by their sequence; those without one keep their place at the end.
func bySequence(v resource.Value) []resource.Value {
	return slices.SortedStableFunc(v.Elements(), func(a, b resource.Value) int {
		return sequence(a) - sequence(b)
	})
}

func sequence(v resource.Value) int {
	n := 0
	for _, c := range v.Get("sequence").Text() {
		if c < '0' || c > '9' || n > 1_000_000 {
			return 1 << 30
		}
		n = n*10 + int(c-'0')
	}
	if n == 0 {
		return 1 << 30
	}
	return n
}

// version puts PB and LD into DU_PHONG.
func (m *mapper) version(row hoso.Row) {
	if m.o.Version == 0 {
		return
	}
	v := wire.ParsePhienBan(row.Get("DU_PHONG"))
	v.So, v.LyDo = m.o.Version, m.o.Reason
	row.Set("DU_PHONG", v.String())
}
