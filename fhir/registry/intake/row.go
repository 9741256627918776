package intake

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/immunization/history"
	"github.com/lienthong/lienthong/fhir/registry"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Fault is what is wrong with a row, or worth to know about it.
type Fault struct {
	fhir.Issue
	Column string // name of the field; "" = the row
}

// person and dose are what a row says, before it is written as FHIR.
type entry struct {
	cccd, cmnd, passport, card, record string
	name                               string
	birth, gender                      string // as FHIR has them
	ethnic, nation, phone, email       string
	guardians                          [3]guardian // mother, father, other
	province, communeCode, commune     string
	line                               string
	facility, facilityName, vaccinator string
	on                                 time.Time
	status, reason                     string
	number                             int
	series, site, route, quantity      string
	programme                          string
	cvx, vaccine, disease              string
	maker, country                     string
	lot, expiry                        string
	reacted, reaction                  string
	foreign                            bool // record is a number that the caller may not give
}

type guardian struct{ name, kind, phone string }

// setter reads a cell into an entry; it says what is wrong with it, nil if nothing.
type setter func(e *entry, cell string) *fhir.Issue

func refuse(code string, args ...any) *fhir.Issue {
	return &fhir.Issue{Severity: fhir.SeverityError, Code: code, Args: args}
}

func text(at func(*entry) *string) setter {
	return func(e *entry, cell string) *fhir.Issue { *at(e) = cell; return nil }
}

func day(at func(*entry) *string) setter {
	return func(e *entry, cell string) *fhir.Issue {
		t, ok := ParseDay(cell)
		if !ok {
			return refuse("intake-date")
		}
		*at(e) = t.Format(time.DateOnly)
		return nil
	}
}

// setters are the fields that this room knows, by name. Without a mapping it is one place to see what becomes of each.
var setters map[string]setter

func init() { // the table refers to functions that refer to it
	setters = map[string]setter{
		"so_cccd": func(e *entry, cell string) *fhir.Issue {
			if _, err := identity.ParseCCCD(cell); err != nil {
				return refuse("intake-cccd")
			}
			e.cccd = cell
			return nil
		},
		"so_cmnd": func(e *entry, cell string) *fhir.Issue {
			if _, err := identity.ParseCMND(cell); err != nil {
				return refuse("intake-number")
			}
			e.cmnd = cell
			return nil
		},
		"so_ho_chieu": func(e *entry, cell string) *fhir.Issue {
			if _, err := identity.ParsePassport(cell); err != nil {
				return refuse("intake-number")
			}
			e.passport = cell
			return nil
		},
		"ma_the_bhyt": func(e *entry, cell string) *fhir.Issue {
			if _, err := identity.ParseBHYT(cell); err != nil {
				return refuse("intake-number")
			}
			e.card = cell
			return nil
		},
		"ma_ho_so":           text(func(e *entry) *string { return &e.record }),
		"ho_ten":             text(func(e *entry) *string { return &e.name }),
		"ngay_sinh":          day(func(e *entry) *string { return &e.birth }),
		"gioi_tinh":          gender,
		"dan_toc":            text(func(e *entry) *string { return &e.ethnic }),
		"quoc_tich":          text(func(e *entry) *string { return &e.nation }),
		"dien_thoai":         text(func(e *entry) *string { return &e.phone }),
		"email":              text(func(e *entry) *string { return &e.email }),
		"ho_ten_me":          text(func(e *entry) *string { return &e.guardians[0].name }),
		"dien_thoai_me":      text(func(e *entry) *string { return &e.guardians[0].phone }),
		"ho_ten_cha":         text(func(e *entry) *string { return &e.guardians[1].name }),
		"dien_thoai_cha":     text(func(e *entry) *string { return &e.guardians[1].phone }),
		"ho_ten_giam_ho":     text(func(e *entry) *string { return &e.guardians[2].name }),
		"quan_he_giam_ho":    text(func(e *entry) *string { return &e.guardians[2].kind }),
		"dien_thoai_giam_ho": text(func(e *entry) *string { return &e.guardians[2].phone }),
		"tinh":               text(func(e *entry) *string { return &e.province }),
		"ma_xa":              text(func(e *entry) *string { return &e.communeCode }),
		"xa":                 text(func(e *entry) *string { return &e.commune }),
		"dia_chi":            text(func(e *entry) *string { return &e.line }),
		"ma_cskcb": func(e *entry, cell string) *fhir.Issue {
			if !facilityCode.MatchString(cell) { // it becomes part of a system of identifiers
				return refuse("intake-value", "51903")
			}
			e.facility = cell
			return nil
		},
		"ten_cskcb":  text(func(e *entry) *string { return &e.facilityName }),
		"nguoi_tiem": text(func(e *entry) *string { return &e.vaccinator }),
		"ngay_tiem": func(e *entry, cell string) *fhir.Issue {
			t, ok := ParseDay(cell)
			if !ok {
				return refuse("intake-date")
			}
			e.on = t
			return nil
		},
		"tinh_trang": status,
		"ly_do_hoan": text(func(e *entry) *string { return &e.reason }),
		"mui_thu": func(e *entry, cell string) *fhir.Issue {
			n, err := strconv.Atoi(cell)
			if err != nil || n < 1 || n > 50 {
				return refuse("intake-value", "1 – 50")
			}
			e.number = n
			return nil
		},
		"loat":       text(func(e *entry) *string { return &e.series }),
		"vi_tri":     text(func(e *entry) *string { return &e.site }),
		"duong_dung": text(func(e *entry) *string { return &e.route }),
		"lieu_luong": func(e *entry, cell string) *fhir.Issue {
			cell = strings.TrimSpace(strings.TrimSuffix(strings.Replace(cell, ",", ".", 1), "ml"))
			if !decimal.MatchString(cell) {
				return refuse("intake-value", "0.5")
			}
			e.quantity = cell
			return nil
		},
		"loai_hinh": text(func(e *entry) *string { return &e.programme }),
		"ma_vac_xin": func(e *entry, cell string) *fhir.Issue {
			if !cvx.MatchString(cell) {
				return refuse("intake-value", "08, 198, …")
			}
			if len(cell) == 1 {
				cell = "0" + cell // a spreadsheet took it for a number
			}
			e.cvx = cell
			return nil
		},
		"ten_vac_xin":   text(func(e *entry) *string { return &e.vaccine }),
		"phong_benh":    text(func(e *entry) *string { return &e.disease }),
		"nha_san_xuat":  text(func(e *entry) *string { return &e.maker }),
		"nuoc_san_xuat": text(func(e *entry) *string { return &e.country }),
		"so_lo":         text(func(e *entry) *string { return &e.lot }),
		"han_dung": func(e *entry, cell string) *fhir.Issue {
			var ok bool
			if e.expiry, ok = monthOf(cell); ok {
				return nil
			}
			return day(func(e *entry) *string { return &e.expiry })(e, cell)
		},
		"ngay_phan_ung": day(func(e *entry) *string { return &e.reacted }),
		"phan_ung":      text(func(e *entry) *string { return &e.reaction }),
	}
}

var (
	decimal      = regexp.MustCompile(`^(0|[1-9]\d{0,2})(\.\d{1,3})?$`)
	facilityCode = regexp.MustCompile(`^[0-9A-Za-z]{3,10}$`)
	cvx          = regexp.MustCompile(`^\d{1,3}$`)
)

// word is a cell that has one of a few words, however its letters and marks are put together: some systems keep marks apart.
func word(cell string) string { return strings.ToLower(norm.NFC.String(cell)) }

func gender(e *entry, cell string) *fhir.Issue {
	switch word(cell) {
	case "nam", "male", "m", "1":
		e.gender = "male"
	case "nữ", "nu", "female", "f", "2":
		e.gender = "female"
	default:
		return refuse("intake-value", "Nam, Nữ")
	}
	return nil
}

func status(e *entry, cell string) *fhir.Issue {
	switch word(cell) {
	case "đã tiêm", "completed", "1":
		e.status = "completed"
	case "không tiêm", "hoãn", "not-done", "0":
		e.status = "not-done"
	default:
		return refuse("intake-value", "Đã tiêm, Không tiêm")
	}
	return nil
}

// The days that a spreadsheet's serial number can stand for here: 1927 to 2173. A smaller number is a year: 1985 is no day of 1905.
const (
	firstSerial = 10000
	lastSerial  = 99999
)

// monthOf reads the month until whose end a product is good, as vials have it: 12/2026, 12-2026, 12.2026 or 2026-12.
func monthOf(s string) (string, bool) {
	for _, layout := range []string{"2006-01", "1/2006", "1-2006", "1.2006"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1900 && t.Year() < 2200 {
			return t.Format("2006-01"), true
		}
	}
	return "", false
}

// timeOfDay is what stands behind a day where a table has points in time: hours and minutes, or the fraction of a serial number.
var timeOfDay = regexp.MustCompile(`^(.{8,10})[ T]\d{1,2}:\d{2}(:\d{2})?$|^(\d{5})\.\d+$`)

// ParseDay reads a day as people and spreadsheets write it: 31/01/2025, 31-1-2025, 31.01.2025, 2025-01-31, 20250131, or the
// serial number of a spreadsheet (1900 system). The day stands before the month, as in Vietnam. A time of day behind it is passed
// over.
func ParseDay(s string) (time.Time, bool) {
	if m := timeOfDay.FindStringSubmatch(s); m != nil {
		s = m[1] + m[3]
	}
	for _, layout := range []string{time.DateOnly, "2/1/2006", "2-1-2006", "2.1.2006", "20060102"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, t.Year() >= 1900 && t.Year() < 2200
		}
	}
	if n, err := strconv.Atoi(s); err == nil && len(s) == 5 && n >= firstSerial && n <= lastSerial {
		return time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n), true
	}
	return time.Time{}, false
}

// readRow reads the cells of a row.
func readRow(fields []*Field, cells []string) (e entry, faults []Fault) {
	e.status = "completed"
	for i, f := range fields {
		if f == nil {
			continue
		}
		if cells[i] == "" {
			if f.Required {
				faults = append(faults, Fault{*refuse("intake-missing"), f.Name})
			}
			continue
		}
		if issue := setters[f.Name](&e, cells[i]); issue != nil {
			faults = append(faults, Fault{*issue, f.Name})
		}
	}
	if e.cvx == "" && e.vaccine == "" {
		faults = append(faults, Fault{*refuse("intake-missing"), "ma_vac_xin"})
	}
	return e, faults
}

// list leaves out what is empty.
func list(items ...resource.ObjectOf) (out resource.ListOf) {
	for _, i := range items {
		if i != nil {
			out = append(out, i)
		}
	}
	return out
}

// identifiers are the numbers of the person, the surest first.
func (e *entry) identifiers(s identity.Systems) (out [][2]string) {
	for _, n := range [][2]string{{s.CCCD(), e.cccd}, {s.BHYT(), e.card}, {s.Passport(), e.passport}, {s.CMND(), e.cmnd}} {
		if n[1] != "" {
			out = append(out, n)
		}
	}
	if e.record != "" && e.facility != "" {
		out = append(out, [2]string{s.MaBN(e.facility), e.record})
	}
	return out
}

// given are the numbers that a new person gets.
func (e *entry) given(s identity.Systems) [][2]string {
	own := *e
	if e.foreign {
		own.record = ""
	}
	return own.identifiers(s)
}

func texted(s string) resource.ObjectOf {
	if s == "" {
		return nil
	}
	return resource.ObjectOf{"text", s}
}

func phone(system, value string) resource.ObjectOf {
	if value == "" {
		return nil
	}
	return resource.ObjectOf{"system", system, "value", value}
}

const ownBase = "https://lienthong.example/fhir/StructureDefinition/"

// patient writes the person as a Patient.
func (e *entry) patient(s identity.Systems) resource.ObjectOf {
	var ids, contacts, extensions resource.ListOf
	for _, n := range e.given(s) {
		ids = append(ids, resource.ObjectOf{"system", n[0], "value", n[1]})
	}
	for i, g := range e.guardians {
		kind := [][2]string{{"MTH", "Mẹ"}, {"FTH", "Cha"}, {"GUARD", g.kind}}[i]
		if g.name == "" && g.phone == "" {
			continue
		}
		var name resource.ObjectOf
		if g.name != "" {
			name = resource.ObjectOf{"text", g.name}
		}
		contacts = append(contacts, resource.ObjectOf{
			"relationship", resource.ListOf{resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code", kind[0]}}, "text", kind[1]}},
			"name", name, "telecom", list(phone("phone", g.phone)),
		})
	}
	for _, x := range [][2]string{{"ethnic-group", e.ethnic}, {"nationality", e.nation}} {
		if x[1] != "" {
			extensions = append(extensions, resource.ObjectOf{"url", ownBase + x[0], "valueString", x[1]})
		}
	}
	var address resource.ObjectOf
	if e.commune != "" || e.communeCode != "" || e.province != "" || e.line != "" {
		address = resource.ObjectOf{"use", "home"}
		if e.communeCode != "" {
			address = append(address, "extension", resource.ListOf{resource.ObjectOf{"url", registry.CommuneExtension, "valueCode", e.communeCode}})
		}
		if e.line != "" {
			address = append(address, "line", resource.ListOf{e.line})
		}
		address = append(address, "city", e.commune, "state", e.province, "country", "VN")
	}
	return resource.ObjectOf{
		"resourceType", "Patient", "extension", extensions, "identifier", ids, "active", true,
		"name", resource.ListOf{resource.ObjectOf{"use", "official", "text", e.name}},
		"telecom", list(phone("phone", e.phone), phone("email", e.email)), "gender", e.gender, "birthDate", e.birth,
		"address", list(address), "contact", contacts,
	}
}

// immunization writes the dose.
func (e *entry) immunization(s identity.Systems, patient string) resource.ObjectOf {
	var coding resource.ListOf
	if e.cvx != "" {
		coding = resource.ListOf{resource.ObjectOf{"system", history.CVX, "code", e.cvx}}
	}
	out := resource.ObjectOf{
		"resourceType", "Immunization", "status", e.status, "statusReason", texted(e.reason),
		"vaccineCode", resource.ObjectOf{"coding", coding, "text", e.vaccine},
		"patient", resource.ObjectOf{"reference", patient},
		"occurrenceDateTime", e.on.Format(time.DateOnly),
		"primarySource", true, "lotNumber", e.lot, "expirationDate", e.expiry,
		"site", texted(e.site), "route", texted(e.route), "fundingSource", texted(e.programme),
	}
	if maker := strings.Trim(e.maker+", "+e.country, ", "); maker != "" {
		out = append(out, "manufacturer", resource.ObjectOf{"display", maker})
	}
	if e.quantity != "" {
		out = append(out, "doseQuantity", resource.ObjectOf{"value", resource.Literal(e.quantity), "unit", "ml", "system", "http://unitsofmeasure.org", "code", "mL"})
	}
	var performers resource.ListOf
	if e.facility != "" || e.facilityName != "" {
		actor := resource.ObjectOf{"type", "Organization"}
		if e.facility != "" {
			actor = append(actor, "identifier", resource.ObjectOf{"system", s.CSKCB(), "value", e.facility})
		}
		performers = append(performers, resource.ObjectOf{"actor", append(actor, "display", e.facilityName)})
	}
	if e.vaccinator != "" {
		performers = append(performers, resource.ObjectOf{"actor", resource.ObjectOf{"type", "Practitioner", "display", e.vaccinator}})
	}
	out = append(out, "performer", performers)
	if e.number > 0 {
		protocol := resource.ObjectOf{"series", e.series}
		if e.disease != "" {
			protocol = append(protocol, "targetDisease", resource.ListOf{texted(e.disease)})
		}
		out = append(out, "protocolApplied", resource.ListOf{append(protocol, "doseNumberPositiveInt", e.number)})
	}
	if e.reaction != "" || e.reacted != "" {
		reaction := resource.ObjectOf{"date", e.reacted}
		if e.reaction != "" {
			reaction = append(reaction, "detail", resource.ObjectOf{"display", e.reaction})
		}
		out = append(out, "reaction", resource.ListOf{reaction})
	}
	return out
}
