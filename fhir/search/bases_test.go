package search

import "testing"

func TestOwnBases(t *testing.T) {
	b := Bases{URLs: []string{"https://records.example/fhir"}, Loopback: "/fhir"}
	for base, want := range map[string]bool{
		"https://records.example/fhir": true, "https://records.example": false, "https://else.example/fhir": false, "": false,
		"http://localhost/fhir": true, "http://localhost:8080/fhir": true, "http://127.0.0.1:18080/fhir": true,
		"http://127.8.8.8/fhir": true, "http://[::1]:8080/fhir": true, "http://[::1]/fhir": true,
		"https://localhost/fhir": false, "http://localhost:8080": false, "http://localhost:8080/other/fhir": false,
		"http://localhost.example/fhir": false, "http://10.0.0.1:8080/fhir": false, "http://user@127.0.0.1/fhir": false,
	} {
		if b.Own(base) != want {
			t.Errorf("%q is ours: %v", base, !want)
		}
	}
	if (Bases{}).Own("http://localhost/fhir") {
		t.Error("a loopback base counts without being asked for")
	}
}
