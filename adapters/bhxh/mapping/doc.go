// Package mapping turns FHIR into the national claim file and back: a Claim with what it refers to becomes one episode
// (FromFHIR), an episode becomes one FHIR transaction (Episode), and what the portal decided becomes a ClaimResponse.
//
// # Where the fields live
//
//	XML1  MA_LK                          Claim.identifier, Encounter.identifier; system …/sid/malk/{MA_CSKCB}
//	      MA_CSKCB                       that system's end; Claim.provider -> Organization.identifier …/sid/cskcb
//	      MA_BN, SO_CCCD                 Patient.identifier …/sid/mabn/{MA_CSKCB}; …/sid/cccd, cmnd or passport
//	      HO_TEN, NGAY_SINH, GIOI_TINH   Patient.name.text, birthDate (+ patient-birthTime), gender
//	      DIA_CHI, DIEN_THOAI            Patient.address.text, telecom (phone)
//	      MA_THE_BHYT, GT_THE_TU, _DEN   Claim.insurance.coverage -> Coverage.identifier …/sid/bhyt, period
//	      MA_DKBD                        Coverage.class, type the-bhyt#MA_DKBD
//	      NGAY_VAO, NGAY_RA              Claim.item.encounter -> Encounter.period, else Claim.billablePeriod
//	      MA_LOAI_KCB, MA_DOITUONG_KCB   Encounter.type, systems ma-loai-kcb and ma-doituong-kcb
//	      LY_DO_VV                       Encounter.reasonCode.text
//	      MA_NOI_DI, MA_NOI_DEN          Encounter.hospitalization.origin, destination (identifier …/sid/cskcb)
//	      KET_QUA_DTRI, MA_LOAI_RV       Encounter.hospitalization.dischargeDisposition, systems ket-qua-dtri, ma-loai-rv
//	      CHAN_DOAN_VAO                  Claim.diagnosis of type admitting, text
//	      MA_BENH_CHINH, CHAN_DOAN_RV    Claim.diagnosis of type principal: ICD-10 code, text
//	      MA_BENH_KT                     the other Claim.diagnosis, in their order
//	      T_TONGCHI_BV                   Claim.total
//	XML2  STT                            order of Claim.item.sequence among the lines of the table
//	XML3  MA_NHOM                        Claim.item.category, system ma-nhom; bang-xml#XML2 or #XML3 tells the table
//	      MA_THUOC, TEN_THUOC            Claim.item.productOrService, system ma-thuoc, display
//	      MA_DICH_VU, TEN_DICH_VU        the same, system ma-dich-vu (XML3)
//	      MA_VAT_TU, TEN_VAT_TU          the same, system ma-vat-tu (XML3)
//	      SO_LUONG, DON_VI_TINH          Claim.item.quantity: value, unit
//	      DON_GIA, DON_GIA_BV            Claim.item.unitPrice
//	      THANH_TIEN_BV                  Claim.item.net
//	      MA_KHOA                        Claim.item.locationCodeableConcept, system ma-khoa
//	      NGAY_TH_YL                     Claim.item.servicedPeriod.start
//	      MA_BAC_SI, NGUOI_THUC_HIEN     Claim.careTeam with that role (vai-tro-kcb) -> Practitioner.identifier …/sid/bhxh
//
//	XML4  each row                       Observation: code (ma-dich-vu, ma-chi-so, text TEN_CHI_SO), value (GIA_TRI, DON_VI_DO),
//	                                     issued (NGAY_KQ), performer (MA_BS_DOC_KQ), note (MO_TA), interpretation (KET_LUAN)
//	XML5  each row                       ClinicalImpression: description (DIEN_BIEN_LS), effective (THOI_DIEM_DBLS), assessor
//	XML6  each row                       CarePlan, security label HIV
//	XML7 to XML12, each row              Composition, titled as the document
//	XML13, XML14, XML15, each row        ServiceRequest, Appointment, CarePlan
//	XML0  each row (CheckIn)             Encounter in progress, fields of the card in its extension too
//
// Claim.supportingInfo refers to the resources of XML4 to XML15, in the order of the rows, with bang-xml#XML4 and so on as
// category; each is found again by its identifier …/sid/dong-xml/{MA_CSKCB}|MA_LK/XML4/1.
//
// All other fields, and any of these whose text does not fit its element, are in one extension per table on the Claim
// (XML1), the item (XML2, XML3) or the row's own resource (XML4 to XML15), with the field's own name, so that the round trip is complete:
//
//	{"url": "https://lienthong.example/fhir/StructureDefinition/xml1",
//	 "extension": [{"url": "MA_DANTOC", "valueString": "01"}, {"url": "CAN_NANG", "valueString": "52.50"}]}
//	… /StructureDefinition/xml2, xml3: {"url": "T_BHTT", "valueDecimal": 12000.00}
//
// Any valueString, valueCode, valueDecimal, valueInteger, valuePositiveInt, valueUnsignedInt, valueMoney, valueDate or
// valueDateTime is read. What the facility wrote into the extension of the claim itself wins over the element, but for
// MA_LK, MA_CSKCB and SO_CCCD, where a difference holds the claim (MAP-03). Fields of XML1 that are about the person may
// also stand in an extension xml1 on the Patient. What Episode makes of a file has the fields of Patient and Coverage there as well, said to
// be absent (data-absent-reason) where they are empty: the Patient and the Coverage may be there already, and say something else
// (docs/decisions/0064).
//
// Code systems are …/fhir/CodeSystem/{name}, with the codes of the decision. Of the answers: adjudication categories are
// HL7's (submitted, eligible, copay, benefit) and giam-dinh#requested-fund (T_BHTT, what is asked of the fund), reasons are ly-do-giam-dinh (the portal's codes), states
// trang-thai-giam-dinh, result codes ma-ket-qua.
//
// # What is computed, and what is not
//
// Amounts that follow from others by the decision's formulas are computed where they are missing (hoso.FillAmounts), and
// so is SO_NGAY_DTRI. Nothing else is made up: what is missing stays empty and is a finding that holds the claim.
//
// Not yet: MedicationRequest, ServiceRequest, Procedure and Condition as sources of their own (a Condition is read where
// Claim.diagnosis refers to one). When a corrected file has fewer rows of XML4 to
// XML15, the resources of the rows that went stay, and the Claim refers to them no longer.
package mapping
