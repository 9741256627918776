package access_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// invented persons, of whom the texts below tell.
const inventedPersons = `"contained":[{"resourceType":"Patient","id":"p","name":[{"use":"official","family":"Nguyễn","given":["Thị","Hà"]}],"telecom":[{"system":"phone","value":"+84 901 234 567"},{"system":"email","value":"Ha.Thu@mail.example"}],` +
	`"identifier":[{"system":"https://lienthong.example/sid/cccd","value":"051185000011"},{"system":"https://lienthong.example/sid/mabn/51901","value":"BN000001"},{"system":"https://lienthong.example/sid/bhyt","value":"GD4515100000011"},{"value":"123456"},{"system":"https://lienthong.example/sid/mabn/51902","value":"7654321"}],` +
	`"address":[{"text":"Xã Giả Định, tỉnh Quảng Ngãi"}]},` +
	`{"resourceType":"RelatedPerson","id":"r","patient":{"reference":"#p"},"name":[{"text":"Trần Văn Thử"}],"identifier":[{"system":"https://lienthong.example/sid/mabn/51902","value":"20458812"}]},` +
	`{"resourceType":"RelatedPerson","id":"s","patient":{"reference":"#p"},"name":[{"family":"LE","given":["NA"]},{"text":"Hồ An"}]}]`

// TestFreeTextOfPersons: what tells of known persons goes out of words that were freely written, and what only looks like it stays.
func TestFreeTextOfPersons(t *testing.T) {
	const name, number, line = "[tên bị che]", "[số bị che]", "[địa chỉ bị che]"
	for in, want := range map[string]string{
		"BN Nguyễn Thị Hà vào viện vì sốt":                             "BN " + name + " vào viện vì sốt",
		"NGUYEN THI HA, 41t":                                           name + ", 41t",
		"Hà Nguyễn Thị":                                                name,
		"Nguyễn\n Thị   Hà":                                            name,
		"nguyễn thị hà":                                                name,
		"Nguye\u0302\u0303n Thi\u0323 Ha\u0300":                        name,
		"Chị Thị Hà đau bụng":                                          "Chị " + name + " đau bụng",
		"bà Hà than mệt; ba Ha do":                                     "bà " + name + " than mệt; ba " + name + " do",
		"bệnh nhân: Hà":                                                "bệnh nhân: " + name,
		"N.T.Hà tái khám":                                              name + " tái khám",
		"Ng. Thị Hà":                                                   name,
		"NguyenThiHa_XN.pdf và nguyen_thi_ha":                          name + ".pdf và " + name,
		"uống thuốc thì hạ sốt, hà hơi, Hà Nội":                        "uống thuốc thì hạ sốt, hà hơi, Hà Nội",
		"BS Nguyễn Thị Lan khám, bệnh nhân hạ áp":                      "BS Nguyễn Thị Lan khám, bệnh nhân hạ áp",
		"con trai Tran Van Thu đưa đến, thử đường huyết":               "con trai " + name + " đưa đến, thử đường huyết",
		"anh Thử ký":                                                   "anh " + name + " ký",
		"CCCD 051185000011, 0511 8500 0011, 051.185.000.011":           "CCCD " + number + ", " + number + ", " + number,
		"CCCD051185000011":                                             "CCCD" + number,
		"gọi 0901234567, 0901.234.567, +84901234567, (84) 901 234 567": "gọi " + number + ", " + number + ", +" + number + ", (" + number,
		"thẻ GD4515100000011 hay gd 4 51 5100000011, BHXH 5100000011":  "thẻ " + number + " hay " + number + ", BHXH " + number,
		"thư ha.thu@MAIL.example.":                                     "thư " + number + ".",
		"MA BN000001; BN0000012; LK_BN000001_1":                        "MA " + number + "; BN0000012; LK_BN000001_1",
		"NguyễnThị Hà, Nguyễn ThịHà, nguyễnthị hà và HàNguyễn":         name + ", " + name + ", " + name + " và HàNguyễn",
		"Họ tên: Nguyễn\tThị         Hà      Nữ":                       "Họ tên: " + name + "      Nữ",
		"Nguyễn Thi HÀ, NGUYỄN thị Ha, nGUYEN tHỊ hÀ":                  name + ", " + name + ", " + name,
		"con lê na, Lê Na, LE NA, LeNa, lena":                          "con " + name + ", " + name + ", " + name + ", " + name + ", lena",
		"na lê, lẻ":                                                    "na lê, lẻ",
		"hoan toan binh thuong, hoàn toàn, HồAn":                       "hoan toan binh thuong, hoàn toàn, " + name,
		"MABN 7654321, số 7654321; 17654321, 7654321a, 765 4321":       "MABN " + number + ", số " + number + "; 17654321, 7654321a, 765 4321",
		"mẹ có MABN 20458812":                                          "mẹ có MABN " + number,
		"glucose 123456, 120/80 mmHg, 36.5":                            "glucose 123456, 120/80 mmHg, 36.5",
		"về xa gia dinh - tỉnh Quảng Ngãi. Gia đình khoẻ":              "về " + line + ". Gia đình khoẻ",
	} {
		got, found := freeText(t, in)
		if got != want || found != (in != want) {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
	}
}

// freeText is what an auditor sees of a text about the invented persons; found says whether the document is marked.
func freeText(t *testing.T, text string) (string, bool) {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	shown := shownToAuditor(t, "ClinicalImpression", inventedPersons+`,"status":"completed","description":`+string(quoted)+`,"subject":{"reference":"#p"}`)
	var out struct {
		Description string
		Meta        struct{ Security []struct{ Code string } }
	}
	if err := json.Unmarshal([]byte(shown), &out); err != nil {
		t.Fatal(err)
	}
	if len(out.Meta.Security) != 1 { // the persons themselves are hidden
		t.Errorf("%s", shown)
	}
	return out.Description, out.Description != text
}

func shownToAuditor(t *testing.T, typ, members string) string {
	t.Helper()
	doc, err := resource.New([]byte(`{"resourceType":"` + typ + `","id":"x",` + members + `}`))
	if err != nil {
		t.Fatal(err)
	}
	f := hidden(t, auditor(t), store.Found{Key: fhir.Key{Type: fhir.Type(typ), ID: "x"}, Stored: doc.Root().Store("x")})
	if _, err := resource.Parse(f.Stored.Body, resource.Limits{}); err != nil {
		t.Fatalf("%v: %s", err, f.Stored.Body)
	}
	return string(f.Stored.Body)
}

// Attachments: text is shown without names, what cannot be read only in what claims cite as documents.
func TestAttachmentsOfPersons(t *testing.T) {
	encoded := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	letter, clean := encoded("Kính gửi, Nguyễn Thị Hà đau bụng"), encoded("Kính gửi, [tên bị che] đau bụng")
	const scan = "JVBERi0xLjcgTmd1eeG7hW4="
	for name, c := range map[string]struct {
		typ, members string
		has, not     string
	}{
		"a letter":                       {"DocumentReference", `"content":[{"attachment":{"contentType":"text/plain; charset=utf-8","data":"` + letter + `","hash":"AAAA","size":3}}]`, `"data":"` + clean + `"}`, letter},
		"XML":                            {"DocumentReference", `"content":[{"attachment":{"contentType":"application/xml","data":"` + encoded("<a>Nguyễn Thị Hà</a>") + `"}}]`, encoded("<a>[tên bị che]</a>"), "AAAA"},
		"XML with escapes, as a scan":    {"Communication", `"payload":[{"contentAttachment":{"contentType":"application/xml","data":"` + encoded("<a>Nguy&#7877;n</a>") + `"}}]`, `"contentAttachment":{"contentType":"application/xml","extension":[`, `"data"`},
		"a letter elsewhere":             {"Communication", `"payload":[{"contentAttachment":{"contentType":"text/plain","data":"` + letter + `"}}]`, clean, letter},
		"a letter of nobody":             {"Communication", `"payload":[{"contentAttachment":{"contentType":"text/plain","data":"` + encoded("đau") + `","hash":"AAAA"}}]`, `"hash":"AAAA"`, "masked]"},
		"a scan that is cited":           {"DocumentReference", `"content":[{"attachment":{"contentType":"application/pdf","data":"` + scan + `","title":"Giấy của Nguyễn Thị Hà"}}]`, scan, "Nguyễn"},
		"a scan in a claim":              {"Claim", `"supportingInfo":[{"sequence":1,"valueAttachment":{"contentType":"image/png","data":"` + scan + `"}}]`, scan, "masked]"},
		"a scan in a message":            {"Communication", `"payload":[{"contentAttachment":{"contentType":"application/pdf","data":"` + scan + `","hash":"AAAA"}}]`, `"contentType":"application/pdf"`, scan},
		"a file elsewhere, in a message": {"Communication", `"payload":[{"contentAttachment":{"url":"https://x.example/1.pdf"}}]`, `"contentAttachment":{"extension":[`, "1.pdf"},
		"its name":                       {"Media", `"content":{"contentType":"image/png","url":"https://x.example/Nguyễn Thị Hà.png"}`, `"contentType":"image/png"`, "Hà.png"},
		"in an answer":                   {"QuestionnaireResponse", `"item":[{"linkId":"1","answer":[{"valueAttachment":{"contentType":"image/png","data":"` + scan + `"}}]}]`, `"contentType":"image/png"`, scan},
		"an extension is none":           {"Communication", `"extension":[{"url":"https://x.example/a","extension":[{"url":"b","valueString":"c"}]}]`, `{"url":"https://x.example/a","extension":[{"url":"b","valueString":"c"}]}`, "masked]}]"},
	} {
		t.Run(name, func(t *testing.T) {
			shown := shownToAuditor(t, c.typ, inventedPersons+","+c.members)
			_, shown, _ = strings.Cut(shown, `"RelatedPerson"`) // the persons themselves are hidden, see TestMaskedDocuments
			if !strings.Contains(shown, c.has) || strings.Contains(shown, c.not) {
				t.Error(shown)
			}
		})
	}
}

// BenchmarkFreeText is a claim of 50 lines as an auditor sees it, where all persons are known.
func BenchmarkFreeText(b *testing.B) {
	line := `{"sequence":1,"productOrService":{"coding":[{"system":"urn:x","code":"40.30","display":"Amlodipin 5mg viên nén bao phim"}]},"extension":[{"url":"https://x.example/xml2","extension":[{"url":"LIEU_DUNG","valueString":"2 lần/ngày"},{"url":"GHI_CHU","valueString":"BN Nguyễn Thị Hà uống sau ăn"}]}]}`
	doc, err := resource.New([]byte(`{"resourceType":"Claim","id":"x",` + inventedPersons + `,"item":[` + strings.Repeat(line+",", 49) + line + `]}`))
	if err != nil {
		b.Fatal(err)
	}
	f := store.Found{Key: fhir.Key{Type: "Claim", ID: "x"}, Stored: doc.Root().Store("x")}
	for name, h := range map[string]store.Hider{"names": auditor(b), "elements": fenceOf(b, `roles: {auditor: {rules: [{types: [Claim], actions: rs}], mask: {Patient: [photo]}}}`, access.Caller{Role: access.RoleAuditor}, time.Now()).Hider()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(f.Stored.Body)))
			for b.Loop() {
				hidden(b, h, f)
			}
		})
	}
}
