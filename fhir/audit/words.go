package audit

import (
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
)

// local is the time that people here read: Vietnam has had no other offset since 1975.
var local = time.FixedZone("+07", 7*60*60)

// phrases of the two languages.
type phrases struct {
	did                                map[string]string
	roles                              map[string]string
	purposes                           map[string]string
	at, of, refused, records, none     string
	purpose, glass, someone, and, from string
	met, counted, partly               string
}

var inWords = map[outcome.Language]phrases{
	outcome.English: {
		did: map[string]string{"create": "recorded", "read": "read", "vread": "read an earlier version of", "history": "read the history of",
			"update": "changed", "patch": "changed", "delete": "deleted", "search": "searched and saw", "batch": "exchanged several entries at once:",
			"operation": "used a function of the service%s, which dealt with"},
		roles: map[string]string{"hospital": "A hospital", "clinic": "A clinic", "auditor": "An insurance auditor", "citizen": "You, or a person with your access,",
			"registrar": "The register of persons", "operator": "An operator", "service": "This service itself"},
		purposes: map[string]string{"TREAT": "treatment", "HPAYMT": "payment", "PATRQT": "at the patient's request", "ETREAT": "emergency treatment", "HOPERAT": "running the service"},
		at:       "%s: ", of: " (%s)", refused: " was refused: it asked for", records: "%d %s", none: "nothing", purpose: " Purpose: %s.",
		glass: " Emergency access with the reason: %s.", met: " The organization had not known the person before: identity number and birth date were shown to it.", someone: "Somebody who was not identified", counted: " asked how many there are:", partly: " Part of it was refused.", and: ", ", from: " from %s",
	},
	outcome.Vietnamese: {
		did: map[string]string{"create": "đã ghi", "read": "đã xem", "vread": "đã xem phiên bản trước của", "history": "đã xem lịch sử của",
			"update": "đã sửa", "patch": "đã sửa", "delete": "đã xoá", "search": "đã tìm và xem", "batch": "đã trao đổi nhiều mục cùng lúc:",
			"operation": "đã dùng một chức năng của hệ thống%s, liên quan đến"},
		roles: map[string]string{"hospital": "Một bệnh viện", "clinic": "Một phòng khám", "auditor": "Một giám định viên bảo hiểm", "citizen": "Bạn, hoặc người dùng quyền của bạn,",
			"registrar": "Cơ quan quản lý thông tin công dân", "operator": "Một quản trị viên", "service": "Chính hệ thống này"},
		purposes: map[string]string{"TREAT": "điều trị", "HPAYMT": "thanh toán", "PATRQT": "theo yêu cầu của người bệnh", "ETREAT": "cấp cứu", "HOPERAT": "vận hành hệ thống"},
		at:       "%s: ", of: " (%s)", refused: " bị từ chối khi yêu cầu", records: "%d %s", none: "không có gì", purpose: " Mục đích: %s.",
		glass: " Truy cập khẩn cấp với lý do: %s.", met: " Trước đó cơ sở này chưa biết người bệnh: số định danh và ngày sinh đã được xuất trình.", someone: "Một người không xác định", counted: " đã hỏi có bao nhiêu:", partly: " Một phần bị từ chối.", and: ", ", from: " từ %s",
	},
}

// Words tell an entry in a sentence or two; name gives an organization's name by its id, "" if it is not known.
func (e *Entry) Words(l outcome.Language, name func(id string) string) string {
	p, ok := inWords[l]
	if !ok {
		p = inWords[outcome.English]
	}
	var b strings.Builder
	fmt.Fprintf(&b, p.at, e.At.In(local).Format("02/01/2006 15:04:05"))
	who := p.roles[e.Agent.Role]
	switch {
	case who == "" && e.Agent.Who == "":
		who = p.someone
	case who == "":
		who = e.Agent.Role
	}
	b.WriteString(who)
	if org := e.Agent.Organization; org != "" {
		called := name(org)
		if called == "" {
			called = "Organization/" + org
		}
		fmt.Fprintf(&b, p.of, called)
	}
	if e.Status >= 400 {
		b.WriteString(p.refused + " " + called(e.On, l))
	} else if e.Do == "search" && len(e.Gave) == 0 && len(e.People) > 0 {
		b.WriteString(p.counted + " " + called(e.On, l))
	} else {
		did := p.did[e.Do]
		if e.Do == "operation" {
			did = fmt.Sprintf(did, operationOf(e.On, l))
		}
		b.WriteString(" " + did + " ")
		counts := e.types()
		for i, t := range slices.Sorted(maps.Keys(counts)) {
			if i > 0 {
				b.WriteString(p.and)
			}
			fmt.Fprintf(&b, p.records, counts[t], nameOfType(t, counts[t], l))
		}
		if len(counts) == 0 {
			b.WriteString(p.none)
		}
	}
	b.WriteString(".")
	if len(e.Tried) > 0 {
		b.WriteString(p.partly)
	}
	if code := e.Agent.Purpose; code != "" {
		if said := p.purposes[code]; said != "" {
			code = said
		}
		fmt.Fprintf(&b, p.purpose, code)
	}
	if len(e.Met) > 0 {
		b.WriteString(p.met)
	}
	if e.Agent.BreakGlass != "" {
		fmt.Fprintf(&b, p.glass, e.Agent.BreakGlass)
	}
	return b.String()
}

// narrative is a text as FHIR has it.
func narrative(l outcome.Language, text string) resource.ObjectOf {
	return resource.ObjectOf{"status", "generated", "div", `<div xmlns="http://www.w3.org/1999/xhtml" lang="` + string(l) + `"><p>` + html.EscapeString(text) + `</p></div>`}
}
