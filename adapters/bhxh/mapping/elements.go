package mapping

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/fhir/resource"
)

// summaryElements are where the fields of XML1 come from, unless the claim's extension has them, as it has those that are missing here.
var summaryElements = map[string]string{
	"MA_LK": "Claim.identifier", "MA_CSKCB": "Claim.identifier", "MA_BN": "Patient.identifier", "SO_CCCD": "Patient.identifier",
	"HO_TEN": "Patient.name", "NGAY_SINH": "Patient.birthDate", "GIOI_TINH": "Patient.gender",
	"DIA_CHI": "Patient.address.text", "DIEN_THOAI": "Patient.telecom",
	"MA_THE_BHYT": "Coverage.identifier", "GT_THE_TU": "Coverage.period.start", "GT_THE_DEN": "Coverage.period.end", "MA_DKBD": "Coverage.class",
	"NGAY_VAO": "Encounter.period.start", "NGAY_RA": "Encounter.period.end",
	"MA_LOAI_KCB": "Encounter.type", "MA_DOITUONG_KCB": "Encounter.type", "LY_DO_VV": "Encounter.reasonCode.text",
	"MA_NOI_DI": "Encounter.hospitalization.origin", "MA_NOI_DEN": "Encounter.hospitalization.destination",
	"KET_QUA_DTRI": "Encounter.hospitalization.dischargeDisposition", "MA_LOAI_RV": "Encounter.hospitalization.dischargeDisposition",
	"CHAN_DOAN_VAO": "Claim.diagnosis", "MA_BENH_CHINH": "Claim.diagnosis", "CHAN_DOAN_RV": "Claim.diagnosis", "MA_BENH_KT": "Claim.diagnosis",
	"T_TONGCHI_BV": "Claim.total",
}

// lineElements are where the fields of XML2 and XML3 come from, below the item.
var lineElements = map[string]string{
	"STT": "sequence", "MA_NHOM": "category", "MA_THUOC": "productOrService", "TEN_THUOC": "productOrService",
	"MA_DICH_VU": "productOrService", "TEN_DICH_VU": "productOrService", "MA_VAT_TU": "productOrService", "TEN_VAT_TU": "productOrService",
	"SO_LUONG": "quantity", "DON_VI_TINH": "quantity.unit", "DON_GIA": "unitPrice", "DON_GIA_BV": "unitPrice", "THANH_TIEN_BV": "net",
	"MA_KHOA": "locationCodeableConcept", "NGAY_TH_YL": "servicedPeriod.start", "MA_BAC_SI": "careTeamSequence", "NGUOI_THUC_HIEN": "careTeamSequence",
}

// Elements gives, for findings about a Claim, the FHIRPath of the element that a finding is about: its own, or where the field of the claim
// file comes from: Patient.birthDate, Claim.item.where(sequence=4).net. "" for what is no field of XML1 to XML15. The Claim is read once for
// all findings: there may be a thousand about as many lines. The function is for one at a time.
func Elements(claim resource.Value, s Systems) func(hoso.Finding) string {
	inExtension := map[string]bool{} // fields of XML1; there they win
	for e := range extensionOf(claim, s.Extension(hoso.XML1)).Get("extension").Elements() {
		inExtension[strings.Clone(e.Get("url").Text())] = true
	}
	said := func(field string) bool { return inExtension[field] }
	type row struct {
		table hoso.ID
		stt   string
	}
	lines := sync.OnceValue(func() map[row]int {
		at := map[row]int{}
		for _, l := range linesOf(claim, s) {
			if _, before := at[row{l.table, l.stt}]; !before {
				at[row{l.table, l.stt}] = l.sequence
			}
		}
		return at
	})
	infos := map[hoso.ID][]int{} // sequences of the rows of a table
	return func(f hoso.Finding) string {
		return element(s, f, said, func(table hoso.ID) int {
			if table < hoso.XML4 {
				return lines()[row{table, strconv.Itoa(f.Row)}]
			}
			if infos[table] == nil {
				infos[table] = []int{}
				for _, info := range bySequence(claim.Get("supportingInfo")) {
					if hasCode(info.Get("category"), s.CodeSystem(csBang), table.String()) {
						infos[table] = append(infos[table], sequence(info))
					}
				}
			}
			if n := max(f.Row, 1); n <= len(infos[table]) {
				return infos[table][n-1]
			}
			return 0
		})
	}
}

// ElementOf gives the same for a claim file that is not FHIR yet: where Episode will put the field.
func ElementOf(h hoso.HoSo, s Systems, f hoso.Finding) string {
	return element(s, f, func(string) bool { return false }, func(table hoso.ID) int {
		before := 0
		first := hoso.XML2
		if table >= hoso.XML4 {
			first = hoso.XML4
		}
		for id := first; id < table; id++ {
			before += len(h.Rows(id))
		}
		for i, r := range h.Rows(table) {
			if stt, err := strconv.Atoi(r.Get("STT")); err == nil && stt == f.Row || (err != nil || stt < 1) && i+1 == f.Row {
				return before + i + 1
			}
		}
		return 0
	})
}

// element gives the path. said is asked whether a field of XML1 stands in the extension, sequence for the item that the finding is about, 0 is none.
func element(s Systems, f hoso.Finding, said func(field string) bool, sequence func(table hoso.ID) int) string {
	if f.Element != "" {
		return f.Element
	}
	table, ok := hoso.ParseID(f.Table)
	if !ok || f.Field == "" && f.Row == 0 {
		return ""
	}
	extension := func(on string) string {
		return fmt.Sprintf("%s.extension('%s').extension('%s')", on, s.Extension(table), f.Field)
	}
	switch table {
	case hoso.XML1:
		if e, ok := summaryElements[f.Field]; ok && !said(f.Field) {
			return e
		}
		if f.Field == "" {
			return "Claim"
		}
		return extension("Claim")
	case hoso.XML2, hoso.XML3:
		n := sequence(table)
		if n == 0 {
			return ""
		}
		item := fmt.Sprintf("Claim.item.where(sequence=%d)", n)
		if e, ok := lineElements[f.Field]; ok {
			return item + "." + e
		}
		if f.Field == "" {
			return item
		}
		return extension(item)
	}
	h, known := homes[table]
	n := sequence(table)
	if !known || n == 0 {
		return ""
	}
	at := fmt.Sprintf("Claim.supportingInfo.where(sequence=%d).value.resolve()", n)
	if f.Field == "" {
		return at
	}
	for _, e := range h.elements {
		if e.name == f.Field {
			return at + "." + e.path
		}
	}
	return extension(at)
}
