package mapping

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
)

// EpisodeOptions say how an episode becomes a transaction.
type EpisodeOptions struct {
	Systems Systems
	// ID makes Encounter/ID and Claim/ID (and Coverage/ID-1, ...) by PUT. "": they are found by MA_LK, as in
	// PUT Claim?identifier=…, so that an episode that comes again updates what is there.
	ID fhir.ID
	// Patient and Provider are literal references to what exists already; "": they are in the transaction, and made
	// only if there is nobody with the identifier yet.
	Patient, Provider string
	// Known refers to the patient by SO_CCCD and the day of birth, and makes none: for who is registered, and whom the sender does not see.
	// Where the file does not have both the patient is in the transaction all the same.
	Known bool
	// Practitioner gives the literal reference to a staff member by number; nil, or "": as with Patient.
	Practitioner func(number string) string
	Status       string    // of the Claim; "" = active
	Created      time.Time // Claim.created; zero = the discharge
	Tag          Tag       // of every resource; zero = none
}

// Tag is an entry of meta.tag.
type Tag struct{ System, Code, Display string }

// Episode turns an episode into a FHIR transaction Bundle, such that FromFHIR gives the same fields of all its tables back.
// The error has code "bhxh-episode-incomplete": without XML1, MA_LK and MA_CSKCB there is no episode.
func Episode(h hoso.HoSo, o EpisodeOptions) ([]byte, error) {
	b := &builder{h: h, o: o, s: o.Systems, x: place(h.XML1()), facility: h.MaCSKCB(), episode: h.MaLK()}
	switch {
	case len(h.Rows(hoso.XML1)) != 1:
		return nil, fhir.Errorf(fhir.Unprocessable, "bhxh-episode-incomplete", "XML1", "XML1")
	case b.episode == "":
		return nil, fhir.Errorf(fhir.Unprocessable, "bhxh-episode-incomplete", "XML1.MA_LK", "MA_LK")
	case b.facility == "" || strings.Contains(b.facility, "/"):
		return nil, fhir.Errorf(fhir.Unprocessable, "bhxh-episode-incomplete", "XML1.MA_CSKCB", "MA_CSKCB")
	}
	b.build()
	return resource.AppendJSON(nil, object{"resourceType", "Bundle", "type", "transaction", "entry", b.entries}), nil
}

// CheckIn turns a row of a check-in file (XML0) into a FHIR transaction: an Encounter in progress, made only if the
// episode is not known yet, so that a late check-in does not undo the claim file. Fields without an element are in the
// extension xml0 on the Encounter, and so are those of the card.
func CheckIn(row hoso.Row, o EpisodeOptions) ([]byte, error) {
	b := &builder{o: o, s: o.Systems, x: place(row), facility: row.Get("MA_CSKCB"), episode: row.Get("MA_LK"), checkIn: true}
	switch {
	case b.episode == "":
		return nil, fhir.Errorf(fhir.Unprocessable, "bhxh-episode-incomplete", "XML0.MA_LK", "MA_LK")
	case b.facility == "" || strings.Contains(b.facility, "/"):
		return nil, fhir.Errorf(fhir.Unprocessable, "bhxh-episode-incomplete", "XML0.MA_CSKCB", "MA_CSKCB")
	}
	b.build()
	return resource.AppendJSON(nil, object{"resourceType", "Bundle", "type", "transaction", "entry", b.entries}), nil
}

// placed is a row whose fields are taken one after the other; what is left goes into the extension.
type placed struct {
	hoso.Row
	taken map[string]bool
	kept  map[string]bool // taken or not, they are in the extension
}

func place(r hoso.Row) placed { return placed{r, map[string]bool{}, map[string]bool{}} }

// keep puts fields into the extension besides the elements that they are taken for, said to be absent where they are empty. The elements
// are of a Patient or Coverage that is found where it is there already, and then says what another file, or somebody else, has said of it.
func (p placed) keep(fields ...string) {
	for _, f := range fields {
		p.kept[f] = true
	}
}

// take gives a field's text and takes it.
func (p placed) take(field string) string { return p.takeIf(field, func(string) bool { return true }) }

// takeIf takes a field only if its text fits the element; else "" and the field goes into the extension.
func (p placed) takeIf(field string, fits func(string) bool) string {
	v := p.Get(field)
	if v == "" || !fits(v) {
		return ""
	}
	p.taken[field] = true
	return v
}

// extension gives what is left, in the table's order; nil if nothing is.
func (p placed) extension(s Systems) object {
	var parts list
	for i, f := range p.Layout().Fields {
		v := p.Values()[i]
		if v == "" && (f.Name == "STT" && !f.Required || p.kept[f.Name]) {
			// Else the place of the row would be taken for STT, and what the found resource says for the others.
			parts = append(parts, object{"url", f.Name, "extension", list{object{"url", absentURL, "valueCode", "unknown"}}})
			continue
		}
		if v == "" || p.taken[f.Name] && !p.kept[f.Name] {
			continue
		}
		if f.Type == hoso.Number && f.Format == hoso.NoFormat && jsonNumber(v) {
			parts = append(parts, object{"url", f.Name, "valueDecimal", literal(v)})
		} else {
			parts = append(parts, object{"url", f.Name, "valueString", v})
		}
	}
	if parts == nil {
		return nil
	}
	return object{"url", s.Extension(p.Layout().ID), "extension", parts}
}

// builder makes the transaction of one episode.
type builder struct {
	h                 hoso.HoSo
	o                 EpisodeOptions
	s                 Systems
	x                 placed // XML1
	facility, episode string
	entries           list

	patient, provider, encounter object // references
	coverages                    []object
	team                         list
	members                      map[string]int // role|number -> sequence in team
	staff                        map[string]object
	security                     string // label of the resource that is added next
	checkIn                      bool   // it is no claim yet, but a check-in
}

func (b *builder) build() {
	b.members, b.staff = make(map[string]int), make(map[string]object)
	b.x.take("MA_LK")
	b.x.take("MA_CSKCB")
	b.x.takeIf("STT", func(s string) bool { return s == "1" })
	b.provider = b.organization()
	b.patient = b.person()
	b.coverages = b.cards()
	if b.checkIn { // nothing but the card's number leads from the Encounter to the Coverage
		for _, f := range cardFields {
			b.x.taken[f] = false
		}
		b.stay()
		return
	}
	b.encounter = b.stay()
	b.claim()
}

// add puts a resource into the transaction and gives the reference to it. With an id it is PUT there; else it is made
// unless something matches the criteria, or, with upsert, takes the place of what matches.
func (b *builder) add(typ string, id fhir.ID, criteria string, upsert bool, members object) object {
	url := "urn:uuid:" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(b.s.base()+"/"+b.facility+"/"+b.episode+"/"+typ+"?"+criteria)).String()
	r := object{"resourceType", typ, "id", string(id)}
	meta := object{}
	if b.security != "" {
		meta = append(meta, "security", list{object{"system", actCode, "code", b.security}})
		b.security = ""
	}
	if b.o.Tag != (Tag{}) {
		meta = append(meta, "tag", list{object{"system", b.o.Tag.System, "code", b.o.Tag.Code, "display", b.o.Tag.Display}})
	}
	r = append(r, "meta", meta)
	var request object
	switch {
	case id != "":
		request = object{"method", "PUT", "url", typ + "/" + string(id)}
	case upsert:
		request = object{"method", "PUT", "url", typ + "?" + criteria}
	default:
		request = object{"method", "POST", "url", typ, "ifNoneExist", criteria}
	}
	b.entries = append(b.entries, object{"fullUrl", url, "resource", append(r, members...), "request", request})
	return object{"reference", url}
}

// byIdentifier are criteria for a resource with this identifier.
func byIdentifier(system, value string) string {
	return "identifier=" + percent(search.EscapeValue(system)) + "%7C" + percent(search.EscapeValue(value))
}

// percent encodes what has a meaning in a query string.
func percent(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~:/", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

func identifier(system, value string) object {
	if value == "" {
		return nil
	}
	return object{"system", system, "value", value}
}

func (b *builder) coding(system, code, display string) object {
	if code == "" {
		return nil
	}
	return object{"system", b.s.CodeSystem(system), "code", code, "display", display}
}

// listed is a coding of a field with a code list, with the list's Vietnamese text.
func (b *builder) listed(system, field string) object {
	code := b.x.takeIf(field, isCode)
	list, _ := hoso.Codes(field)
	entry, _ := list.Find(code)
	return b.coding(system, code, entry.VI)
}

// isCode says whether s fits the type code: no blanks at the ends, none in a row.
func isCode(s string) bool { return s != "" && strings.Join(strings.Fields(s), " ") == s }

func (b *builder) organization() object {
	if b.o.Provider != "" {
		return object{"reference", b.o.Provider}
	}
	system := b.s.sid().CSKCB()
	return b.add("Organization", "", byIdentifier(system, b.facility), false, object{
		"identifier", list{identifier(system, b.facility)},
	})
}

func (b *builder) stay() object {
	kind := b.x.Get("MA_LOAI_KCB")
	list1, _ := hoso.Codes("MA_LOAI_KCB")
	entry, _ := list1.Find(kind)
	class := object{"system", actCode, "code", entry.Class}
	if entry.Class == "" {
		class = object{"system", "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code", "UNK"}
	}
	in := b.x.takeIf("NGAY_VAO", isMinute)
	out := b.x.takeIf("NGAY_RA", isMinute)
	status := "finished"
	if out == "" {
		status = "unknown"
	}
	if b.checkIn {
		status = "in-progress"
	}
	system := b.s.sid().MaLK(b.facility)
	members := object{
		"identifier", list{identifier(system, b.episode)},
		"status", status,
		"class", class,
		"type", list{
			object{"coding", list{b.listed(csLoaiKCB, "MA_LOAI_KCB")}},
			object{"coding", list{b.listed(csDoiTuong, "MA_DOITUONG_KCB")}},
		},
		"subject", b.patient,
		"period", object{"start", dateTime(in), "end", dateTime(out)},
		"reasonCode", list{object{"text", b.x.take("LY_DO_VV")}},
		"hospitalization", object{
			"origin", b.logical("MA_NOI_DI"),
			"destination", b.logical("MA_NOI_DEN"),
			"dischargeDisposition", object{"coding", list{b.listed(csKetQua, "KET_QUA_DTRI"), b.listed(csLoaiRV, "MA_LOAI_RV")}},
		},
		"serviceProvider", b.provider,
	}
	if b.checkIn {
		members = append(members, "extension", list{b.x.extension(b.s)})
	}
	return b.add("Encounter", b.o.ID, byIdentifier(system, b.episode), !b.checkIn, members)
}

// logical is a reference to a facility by its code alone.
func (b *builder) logical(field string) object {
	code := b.x.takeIf(field, isCode)
	if code == "" {
		return nil
	}
	return object{"type", "Organization", "identifier", identifier(b.s.sid().CSKCB(), code)}
}

func isMinute(s string) bool { return len(s) == 12 && dateTime(s) != "" }

func (b *builder) claim() {
	in, out := dateTime(b.x.Get("NGAY_VAO")), dateTime(b.x.Get("NGAY_RA"))
	created := out
	if !b.o.Created.IsZero() {
		created = b.o.Created.Format(time.RFC3339)
	}
	diagnosis := b.diagnosis()
	items := b.items()
	info := b.further()
	total := money(b.x.takeIf("T_TONGCHI_BV", jsonNumber))
	insurance := list{object{"sequence", 1, "focal", true, "coverage", object{"display", "Không có thẻ BHYT"}}}
	if len(b.coverages) > 0 {
		insurance = nil
		for i, c := range b.coverages {
			insurance = append(insurance, object{"sequence", i + 1, "focal", i == 0, "coverage", c})
		}
	}
	members := object{
		"extension", list{b.x.extension(b.s)},
		"identifier", list{identifier(b.s.sid().MaLK(b.facility), b.episode)},
		"status", cmp.Or(b.o.Status, "active"),
		"type", object{"coding", list{object{"system", claimTypeCode, "code", "institutional"}}},
		"use", "claim",
		"patient", b.patient,
		"billablePeriod", object{"start", in, "end", out},
		"created", created,
	}
	if created == "" {
		members = append(members, "_created", object{"extension", list{object{"url", absentURL, "valueCode", "unknown"}}})
	}
	b.add("Claim", b.o.ID, byIdentifier(b.s.sid().MaLK(b.facility), b.episode), true, append(members,
		"provider", b.provider,
		"priority", object{"coding", list{object{"system", priorityCode, "code", "normal"}}},
		"careTeam", b.team,
		"supportingInfo", info,
		"diagnosis", diagnosis,
		"insurance", insurance,
		"item", items,
		"total", total,
	))
}

func money(s string) object {
	if s == "" {
		return nil
	}
	return object{"value", literal(s), "currency", currency}
}

// diagnosis makes Claim.diagnosis: principal, others, admitting. Codes that do not fit stay in the extension.
func (b *builder) diagnosis() (out list) {
	add := func(typ, code, text string) {
		if code == "" && text == "" {
			return
		}
		d := object{"sequence", len(out) + 1, "diagnosisCodeableConcept", object{
			"coding", list{object{"system", icdIf(code), "code", code}}, "text", text,
		}}
		if typ != "" {
			d = append(d, "type", list{object{"coding", list{object{"system", diagnosisType, "code", typ}}}})
		}
		out = append(out, d)
	}
	add("principal", b.x.takeIf("MA_BENH_CHINH", isCode), b.x.take("CHAN_DOAN_RV"))
	others := b.x.takeIf("MA_BENH_KT", func(s string) bool {
		return !slices.ContainsFunc(strings.Split(s, ";"), func(c string) bool { return !isCode(c) })
	})
	if others != "" {
		for _, c := range strings.Split(others, ";") {
			add("", c, "")
		}
	}
	if len(out) > 0 && b.x.Get("MA_BENH_CHINH") == "" && b.x.Get("CHAN_DOAN_RV") == "" {
		// Without a principal diagnosis the first of the others would be taken for it.
		b.x.taken["MA_BENH_KT"] = false
		out = nil
	}
	add("admitting", "", b.x.take("CHAN_DOAN_VAO"))
	return out
}

func icdIf(code string) string {
	if code == "" {
		return ""
	}
	return icd10
}
