package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/lienthong/lienthong/fhir/resource"
)

// atOnce runs f n times at the same moment and gives the replies.
func atOnce(n int, f func(i int) reply) []reply {
	replies := make([]reply, n)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range n {
		done.Add(1)
		go func() {
			defer done.Done()
			start.Wait()
			replies[i] = f(i)
		}()
	}
	start.Done()
	done.Wait()
	return replies
}

func count(replies []reply) map[int]int {
	m := map[int]int{}
	for _, r := range replies {
		m[r.StatusCode]++
	}
	return m
}

// EXACT: of 64 pushes of the same citizen one is created; the others are told which.
func TestCitizenIDBelongsToOnePatient(t *testing.T) {
	s := serve(t)
	body := []byte(`{"resourceType":"Patient","active":true,"identifier":[{"system":"https://lienthong.example/sid/cccd","value":"051215000011"}]}`)
	replies := atOnce(64, func(int) reply { return s.do(t, "POST", "/Patient", body) })
	if got := count(replies); got[201] != 1 || got[409] != 63 {
		t.Fatalf("statuses %v, want one 201 and 63 times 409", got)
	}
	var key string
	for _, r := range replies {
		if r.StatusCode == 201 {
			id, _ := r.doc(t).ID()
			key = "Patient/" + id
		}
	}
	for _, r := range replies {
		if r.StatusCode == 409 && (!strings.Contains(string(r.raw), key) || !strings.Contains(string(r.raw), "unique-taken")) {
			t.Fatalf("the refusal does not name %s: %s", key, r.raw)
		}
		if strings.Contains(string(r.raw), "051215000011") && r.StatusCode == 409 {
			t.Fatalf("the refusal shows the citizen ID: %s", r.raw)
		}
	}
	if n := s.do(t, "GET", "/Patient?_summary=count", nil).doc(t).Get("total").Text(); n != "1" {
		t.Fatalf("%s patients", n)
	}
}

// EXACT: 64 equal conditional creates make one resource, and all are told the same one.
func TestConditionalCreateRace(t *testing.T) {
	s := serve(t)
	body := []byte(`{"resourceType":"Organization","identifier":[{"system":"urn:x","value":"1"}]}`)
	replies := atOnce(64, func(int) reply { return s.do(t, "POST", "/Organization", body, "If-None-Exist: identifier=urn:x|1") })
	if got := count(replies); got[201] != 1 || got[200] != 63 {
		t.Fatalf("statuses %v, want one 201 and 63 times 200", got)
	}
	ids := map[string]bool{}
	for _, r := range replies {
		id, _ := r.doc(t).ID()
		ids[id] = true
	}
	if len(ids) != 1 {
		t.Fatalf("%d ids", len(ids))
	}
}

// EXACT: transactions that create the same by criteria, and refer to it by criteria, agree on one.
func TestConditionalTransactionRace(t *testing.T) {
	s := serve(t)
	replies := atOnce(16, func(i int) reply {
		return s.do(t, "POST", "", fmt.Appendf(nil, `{"resourceType":"Bundle","type":"transaction","entry":[
			{"fullUrl":"urn:uuid:1e8e0d6c-9a2b-4c7a-8a57-3f1f1a4b2c01","resource":{"resourceType":"Organization","identifier":[{"system":"urn:x","value":"1"}]},"request":{"method":"POST","url":"Organization","ifNoneExist":"identifier=urn:x|1"}},
			{"resource":{"resourceType":"Location","id":"l%d","managingOrganization":{"reference":"urn:uuid:1e8e0d6c-9a2b-4c7a-8a57-3f1f1a4b2c01"}},"request":{"method":"PUT","url":"Location/l%d"}}]}`, i, i))
	})
	if got := count(replies); got[200] != 16 {
		t.Fatalf("statuses %v", got)
	}
	orgs := s.do(t, "GET", "/Organization?_revinclude=Location:organization&_total=accurate", nil).doc(t)
	if orgs.Get("total").Text() != "1" || orgs.Get("entry").Len() != 17 {
		t.Fatalf("organizations: %s, with locations: %d", orgs.Get("total").Text(), orgs.Get("entry").Len())
	}
}

// EXACT: no update is lost: each of those that say what they saw either lands or is refused.
func TestIfMatchLosesNoUpdate(t *testing.T) {
	s := serve(t)
	s.do(t, "PUT", "/Patient/p", []byte(`{"resourceType":"Patient","id":"p"}`)).want(t, 201)
	replies := atOnce(32, func(i int) reply {
		return s.do(t, "PUT", "/Patient/p", fmt.Appendf(nil, `{"resourceType":"Patient","id":"p","language":"x-%d"}`, i), `If-Match: W/"1"`)
	})
	if got := count(replies); got[200] != 1 || got[412] != 31 {
		t.Fatalf("statuses %v", got)
	}
	// Without If-Match all land, one after the other, also when a hook wants to know the version.
	replies = atOnce(32, func(i int) reply {
		return s.do(t, "PUT", "/Patient/p", fmt.Appendf(nil, `{"resourceType":"Patient","id":"p","language":"y-%d"}`, i))
	})
	if got := count(replies); got[200] != 32 {
		t.Fatalf("statuses %v", got)
	}
	if n := s.do(t, "GET", "/Patient/p/_history?_count=1", nil).doc(t).Get("total").Text(); n != "34" {
		t.Fatalf("%s versions, want 34", n)
	}
}

// Patches that go on at the same time are all applied, each to the result of the one before.
func TestPatchesAddUp(t *testing.T) {
	s := serve(t)
	s.do(t, "PUT", "/Patient/p", []byte(`{"resourceType":"Patient","id":"p","name":[{"family":"x"}]}`)).want(t, 201)
	replies := atOnce(8, func(i int) reply {
		return s.do(t, "PATCH", "/Patient/p", fmt.Appendf(nil, `[{"op":"add","path":"/name/-","value":{"family":"n%d"}}]`, i), "Content-Type: application/json-patch+json")
	})
	if got := count(replies); got[200] != 8 {
		t.Fatalf("statuses %v", got)
	}
	if n := s.do(t, "GET", "/Patient/p", nil).doc(t).Get("name").Len(); n != 9 {
		t.Fatalf("%d names, want 9", n)
	}
}

// AS-OF: the pages of a search show each match of the first page's moment once while others write.
func TestPagesWhileOthersWrite(t *testing.T) {
	s := serve(t)
	const n = 120
	for i := range n {
		s.do(t, "PUT", fmt.Sprintf("/Observation/o%03d", i), fmt.Appendf(nil, `{"resourceType":"Observation","id":"o%03d","status":"final","code":{"coding":[{"code":"c%d"}]},"effectiveDateTime":"2026-01-%02d"}`, i, i%7, 1+i%28)).want(t, 201)
	}
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Add(1)
	go func() {
		defer writer.Done()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			id := fmt.Sprintf("o%03d", (i*37)%(2*n)) // also new ones
			if i%3 == 0 {
				s.do(t, "DELETE", "/Observation/"+id, nil)
			} else {
				s.do(t, "PUT", "/Observation/"+id, fmt.Appendf(nil, `{"resourceType":"Observation","id":"%s","status":"amended","code":{"coding":[{"code":"c%d"}]},"effectiveDateTime":"2025-02-%02d"}`, id, i%7, 1+i%28))
			}
		}
	}()
	defer writer.Wait()
	defer close(stop)
	for _, query := range []string{"?_count=7", "?_count=7&_sort=-date", "?_count=9&_sort=date,code", "?_count=11&code=c1,c2,c3", "?_count=5&status=final&_sort=-_lastUpdated"} {
		at := s.do(t, "GET", "/Observation"+query+"&_total=accurate", nil).want(t, 200).doc(t)
		total := at.Get("total").Text()
		seen := map[string]bool{}
		for {
			for e := range at.Get("entry").Elements() {
				id, _ := e.Get("resource").ID()
				if seen[id] {
					t.Fatalf("%s: %s is shown twice", query, id)
				}
				seen[id] = true
			}
			next := ""
			for l := range at.Get("link").Elements() {
				if l.Get("relation").Text() == "next" {
					next = l.Get("url").Text()
				}
			}
			if next == "" {
				break
			}
			at = s.do(t, "GET", next, nil).want(t, 200).doc(t)
		}
		if fmt.Sprint(len(seen)) != total {
			t.Errorf("%s: %d shown, total was %s", query, len(seen), total)
		}
	}
}

// FRESH: what was acknowledged is found by the very next search.
func TestFoundByTheNextSearch(t *testing.T) {
	s := serve(t)
	replies := atOnce(16, func(i int) reply {
		id := fmt.Sprintf("f%d", i)
		s.do(t, "PUT", "/Patient/"+id, fmt.Appendf(nil, `{"resourceType":"Patient","id":"%s","identifier":[{"system":"urn:x","value":"%s"}]}`, id, id))
		return s.do(t, "GET", "/Patient?identifier=urn:x|"+id, nil)
	})
	for _, r := range replies {
		if r.StatusCode != http.StatusOK || r.doc(t).Get("entry").At(0).Get("resource").Kind() != resource.Object {
			t.Fatalf("not found: %s", r.raw)
		}
	}
}
