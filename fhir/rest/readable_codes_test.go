package rest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/rest"
)

// TestCodesAreReadInWords: a code on a page has beside it what it is called in the language of the page, and stays what it is.
func TestCodesAreReadInWords(t *testing.T) {
	s := serve(t, func(_ *interaction.Config, c *rest.Config) {
		c.Operations = []rest.Operation{{
			Name: "case", Type: "Claim", Instance: true, Reads: true,
			Names: map[outcome.Language]map[string]string{outcome.Vietnamese: {"state": "trạng thái"}},
			Codes: map[string]string{"state": "delivery-state", "finding": "catalogue"},
			Run: func(context.Context, rest.Asked) ([]byte, error) {
				return []byte(`{"resourceType":"Parameters","parameter":[{"name":"state","valueCode":"queued"},{"name":"finding","valueCode":"AMT-06"},{"name":"finding","valueCode":"X-1"},
					{"name":"other","valueCode":"queued"},{"name":"vi","valueString":"chữ Việt"},{"name":"en","valueString":"English words"},
					{"name":"message","valueString":"m"},{"name":"message_vi","valueString":"m vi"},{"name":"lone_vi","valueString":"alone"}]}`), nil
			},
		}}
	})
	answer := `{"resourceType":"ClaimResponse","id":"r1","status":"active","use":"claim","outcome":"queued","disposition":"Đang xét","created":"2026-03-01",
		"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/claim-type","code":"institutional"}]},"patient":{"reference":"Patient/a"},"insurer":{"display":"x"},
		"extension":[{"url":"https://lienthong.example/fhir/StructureDefinition/trang-thai-giam-dinh","valueCode":"DA_GIAM_DINH"}],
		"item":[{"itemSequence":1,"adjudication":[{"category":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/adjudication","code":"benefit"}]}},
			{"category":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/adjudication","code":"copay","display":"người bệnh cùng chi trả"}]}},
			{"category":{"coding":[{"system":"urn:elsewhere","code":"submitted"}]}}]}]}`
	s.do(t, "PUT", "/ClaimResponse/r1", []byte(answer)).want(t, 201)
	page := func(path, language string) string {
		got := string(s.do(t, "GET", path+"?_format=html", nil, "Accept-Language: "+language).want(t, 200).raw)
		return got[strings.Index(got, "<main"):]
	}
	for _, c := range []struct {
		path, language string
		has, hasNot    []string
	}{
		{"/ClaimResponse/r1", "vi", []string{
			`<s data-is="chưa có kết quả giám định">&#34;queued&#34;</s>`, `<s data-is="quỹ BHYT thanh toán">&#34;benefit&#34;</s>`,
			`<s data-is="Hồ sơ đã giám định">&#34;DA_GIAM_DINH&#34;</s>`, `<s>&#34;copay&#34;</s>`, `<s>&#34;submitted&#34;</s>`,
			`<p class="label">khám, chữa bệnh tại cơ sở · Đang xét · có hiệu lực</p>`,
		}, nil},
		{"/ClaimResponse/r1", "en", []string{`<s data-is="not assessed yet">&#34;queued&#34;</s>`, `<s>&#34;active&#34;</s>`, `<p class="label">stay or visit · Đang xét · active</p>`}, nil},
		{"/Claim/c1/$case", "vi", []string{
			"<dt>trạng thái</dt><dd>Chờ gửi [queued]</dd>", "<dt>finding</dt><dd>Phân bổ chi phí sai công thức [AMT-06]</dd>", "<dt>finding</dt><dd>X-1</dd>", "<dt>other</dt><dd>queued</dd>",
			"<dd>chữ Việt</dd>", "<dd>m</dd>", "<dd>alone</dd>",
		}, []string{"<dd>English words</dd>", "<dd>m vi</dd>"}},
		{"/Claim/c1/$case", "en", []string{"<dt>state</dt><dd>waits to be sent [queued]</dd>", "<dd>English words</dd>"}, []string{"<dd>chữ Việt</dd>"}},
	} {
		got := page(c.path, c.language)
		for _, want := range c.has {
			if !strings.Contains(got, want) {
				t.Errorf("%s in %s: no %s in\n%s", c.path, c.language, want, got)
			}
		}
		for _, not := range c.hasNot {
			if strings.Contains(got, not) {
				t.Errorf("%s in %s: %s in\n%s", c.path, c.language, not, got)
			}
		}
	}
}
