package rest_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/rest"
)

// listedCall is how something that the CapabilityStatement lists is called; T in the path stands for the type.
type listedCall struct {
	method, path, body string
	status             int
}

const (
	aTag     = `{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"system":"http://t","code":"x"}]}}]}`
	aBatch   = `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Patient/1"}}]}`
	newOne   = "new"   // a document without an id
	secondly = "other" // a document with the id 2
)

var listedCalls = map[string]listedCall{
	"read": {"GET", "/T/1", "", 200}, "vread": {"GET", "/T/1/_history/1", "", 200}, "history-instance": {"GET", "/T/1/_history", "", 200},
	"history-type": {"GET", "/T/_history", "", 200}, "search-type": {"GET", "/T", "", 200}, "create": {"POST", "/T", newOne, 201}, "update": {"PUT", "/T/2", secondly, 201},
	"patch": {"PATCH", "/T/1", `[{"op":"replace","path":"/language","value":"fr"}]`, 200}, "delete": {"DELETE", "/T/3", "", 204},
	"$meta": {"GET", "/T/1/$meta", "", 200}, "$meta-add": {"POST", "/T/1/$meta-add", aTag, 200}, "$meta-delete": {"POST", "/T/1/$meta-delete", aTag, 200},
	"$validate": {"POST", "/T/$validate", newOne, 200},
	"$diff":     {"GET", "/T/1/$diff", "", 200}, "$everything": {"GET", "/T/1/$everything", "", 200}, "$lastn": {"GET", "/T/$lastn?patient=Patient/1&code=x", "", 200}, "$status": {"GET", "/T/1/$status", "", 200},
}

var listedOfServer = map[string]listedCall{
	"batch": {"POST", "", aBatch, 200}, "transaction": {"POST", "", strings.Replace(aBatch, "batch", "transaction", 1), 200}, "history-system": {"GET", "/_history", "", 200},
	"search-system": {"GET", "?_type=Patient&_id=1", "", 200}, "$meta": {"GET", "/$meta", "", 200}, "$diff": {"GET", "/$diff?from=Patient/1/_history/1&to=Patient/1/_history/2", "", 200},
}

// listedTypes are the types that have operations of their own, with a document of each.
var listedTypes = map[string]string{
	"Patient": `"active":true`, "Encounter": `"status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/1"}`,
	"Observation":     `"status":"final","code":{"text":"x"},"subject":{"reference":"Patient/1"}`,
	"SearchParameter": `"url":"urn:sp:N","name":"x","status":"draft","description":"x","code":"x","base":["Patient"],"type":"string","expression":"Patient.language"`,
}

// listedDocument gives a document of a type; N tells apart what must differ.
func listedDocument(typ, id string) string {
	doc := `{"resourceType":"` + typ + `","language":"vi",` + strings.Replace(listedTypes[typ], "N", "x"+id, 1) + `}`
	if id == "" {
		return doc
	}
	return strings.Replace(doc, "{", `{"id":"`+id+`",`, 1)
}

// TestMetadataListsWhatCanBeDone calls each interaction and operation that the CapabilityStatement lists, for types with
// operations of their own and for the server; and each operation that has a route is listed.
func TestMetadataListsWhatCanBeDone(t *testing.T) {
	s := serve(t)
	for typ := range listedTypes {
		for _, id := range []string{"1", "3"} {
			s.do(t, "PUT", "/"+typ+"/"+id, []byte(listedDocument(typ, id))).want(t, 201)
		}
		s.do(t, "PUT", "/"+typ+"/1", []byte(strings.Replace(listedDocument(typ, "1"), `"vi"`, `"en"`, 1))).want(t, 200)
	}
	root := s.do(t, "GET", "/metadata", nil).want(t, 200).doc(t).Get("rest").At(0)
	operations := map[string]bool{}
	for r := range root.Get("resource").Elements() {
		typ := r.Get("type").Text()
		names := listedNames(r)
		for _, name := range names {
			operations[name] = true
		}
		if listedTypes[typ] != "" {
			s.callListed(t, typ, names, listedCalls)
			continue
		}
		for _, name := range names {
			if _, known := listedCalls[name]; !known || name == "$everything" || name == "$lastn" || name == "$status" {
				t.Errorf("%s lists %s, which is not called here", typ, name)
			}
		}
	}
	names := listedNames(root)
	s.callListed(t, "", names, listedOfServer)
	for _, name := range names {
		operations[name] = true
	}
	server, err := rest.New(ours(context.Background()), rest.Config{Service: interaction.New(interaction.Config{Store: s.store}), Authenticate: rest.Unauthenticated, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for _, route := range server.Routes() {
		if _, name, ok := strings.Cut(route, "$"); ok && !operations["$"+name] {
			t.Errorf("%s is offered, and no type nor the server lists it", route)
		}
	}
}

// listedNames gives the interactions of a type or of the server, and its operations with a $.
func listedNames(v resource.Value) (names []string) {
	for i := range v.Get("interaction").Elements() {
		names = append(names, i.Get("code").Text())
	}
	for o := range v.Get("operation").Elements() {
		names = append(names, "$"+o.Get("name").Text())
	}
	return names
}

func (s *served) callListed(t *testing.T, typ string, names []string, calls map[string]listedCall) {
	t.Helper()
	for _, name := range names {
		c, known := calls[name]
		if !known {
			t.Errorf("%q lists %s, and nobody knows how to call that", typ, name)
			continue
		}
		var body []byte
		switch c.body {
		case "":
		case newOne:
			body = []byte(listedDocument(typ, ""))
		case secondly:
			body = []byte(listedDocument(typ, "2"))
		default:
			body = []byte(c.body)
		}
		header := "Content-Type: application/fhir+json"
		if name == "patch" {
			header = "Content-Type: application/json-patch+json"
		}
		path := strings.Replace(c.path, "/T", "/"+typ, 1)
		if a := s.do(t, c.method, path, body, header); a.StatusCode != c.status {
			t.Errorf("%s lists %s: %s %s gives %d %.300s", typ, name, c.method, path, a.StatusCode, a.raw)
		}
	}
}
