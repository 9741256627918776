package mapping

import (
	"strings"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/fhir/identity"
)

// DefaultBase is the base of our systems and extensions where none is configured.
const DefaultBase = "https://lienthong.example"

// Systems names the identifier systems, code systems and extensions. The zero value has the defaults.
type Systems struct {
	Base string // without a slash at its end; "" is DefaultBase
}

func (s Systems) base() string {
	if s.Base == "" {
		return DefaultBase
	}
	return strings.TrimSuffix(s.Base, "/")
}

func (s Systems) sid() identity.Systems { return identity.Systems{Base: s.base() + "/sid/"} }

// Extension is the URL of the extension with the fields of a table.
func (s Systems) Extension(id hoso.ID) string {
	return s.base() + "/fhir/StructureDefinition/" + strings.ToLower(id.String())
}

// CodeSystem is the URL of one of our code systems.
func (s Systems) CodeSystem(name string) string { return s.base() + "/fhir/CodeSystem/" + name }

// CorrectionReason is the URL of the extension of a Claim with the reason why this version of it is sent again (valueString).
func (s Systems) CorrectionReason() string {
	return s.base() + "/fhir/StructureDefinition/correction-reason"
}

// CardPeriod is the system of a Coverage as one period of one card: the number alone does not tell two of them apart.
func (s Systems) CardPeriod() string { return s.base() + "/sid/bhyt-ky" }

// RowSystem is the system of identifiers of the resources that rows of XML4 to XML15 become: MA_LK/XML4/1.
func (s Systems) RowSystem(maCSKCB string) string { return s.base() + "/sid/dong-xml/" + maCSKCB }

// FacilityOf gives the facility that numbers what an identifier system names: its episodes, or the rows of their files.
func (s Systems) FacilityOf(system string) (maCSKCB string, ok bool) {
	if maCSKCB, ok = s.sid().FacilityOfEpisode(system); ok {
		return maCSKCB, true
	}
	maCSKCB, ok = strings.CutPrefix(s.sid().Fold(system), s.RowSystem(""))
	return maCSKCB, ok && maCSKCB != ""
}

// Receipt is the system of the portal's receipt numbers (maGiaoDich).
func (s Systems) Receipt() string { return s.base() + "/sid/ma-giao-dich" }

// Names of our code systems.
const (
	csBang        = "bang-xml"             // XML2, XML3
	csNhom        = "ma-nhom"              // MA_NHOM
	csThuoc       = "ma-thuoc"             // MA_THUOC
	csDichVu      = "ma-dich-vu"           // MA_DICH_VU
	csVatTu       = "ma-vat-tu"            // MA_VAT_TU
	csChiSo       = "ma-chi-so"            // MA_CHI_SO
	csKhoa        = "ma-khoa"              // MA_KHOA
	csVaiTro      = "vai-tro-kcb"          // MA_BAC_SI, NGUOI_THUC_HIEN
	csLoaiKCB     = "ma-loai-kcb"          // MA_LOAI_KCB
	csDoiTuong    = "ma-doituong-kcb"      // MA_DOITUONG_KCB
	csKetQua      = "ket-qua-dtri"         // KET_QUA_DTRI
	csLoaiRV      = "ma-loai-rv"           // MA_LOAI_RV
	csThe         = "the-bhyt"             // MA_DKBD
	csGiamDinh    = "giam-dinh"            // categories of adjudication that HL7 has not
	csLyDo        = "ly-do-giam-dinh"      // reasons of the assessment
	csTrangThai   = "trang-thai-giam-dinh" // wire.TrangThai
	csMaKetQua    = "ma-ket-qua"           // wire.MaKetQua
	requestedFund = "requested-fund"       // T_BHTT
	roleOrders    = "MA_BAC_SI"
	rolePerforms  = "NGUOI_THUC_HIEN"
	classRegister = "MA_DKBD"
)

// Systems of HL7.
const (
	icd10            = "http://hl7.org/fhir/sid/icd-10"
	actCode          = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	diagnosisType    = "http://terminology.hl7.org/CodeSystem/ex-diagnosistype"
	adjudicationCode = "http://terminology.hl7.org/CodeSystem/adjudication"
	claimTypeCode    = "http://terminology.hl7.org/CodeSystem/claim-type"
	priorityCode     = "http://terminology.hl7.org/CodeSystem/processpriority"
	birthTimeURL     = "http://hl7.org/fhir/StructureDefinition/patient-birthTime"
	absentURL        = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
	insurerName      = "Bảo hiểm xã hội Việt Nam"
	currency         = "VND"
)

// Named is one of our identifier systems by its name, for rooms that stand on this one.
func (s Systems) Named(name string) string { return s.base() + "/sid/" + name }
