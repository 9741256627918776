package main

import (
	"testing"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
)

func TestOwnBases(t *testing.T) {
	for name, c := range map[string]struct {
		config config.Server
		served string
		own    []string
		not    []string
	}{
		"the default": {config.Server{Listen: "127.0.0.1:8080"}, "http://127.0.0.1:8080/fhir",
			[]string{"http://127.0.0.1:8080/fhir", "http://localhost:18080/fhir"}, []string{"http://10.0.0.5:8080/fhir"}},
		"an address of the network": {config.Server{Listen: "10.0.0.5:8080"}, "http://10.0.0.5:8080/fhir",
			[]string{"http://10.0.0.5:8080/fhir", "http://127.0.0.1:8080/fhir"}, []string{"http://10.0.0.6:8080/fhir"}},
		"a free port of it": {config.Server{Listen: "10.0.0.5:0"}, "http://10.0.0.5:40123/fhir", []string{"http://127.0.0.1:1/fhir"}, []string{"http://10.0.0.5:40123/fhir"}},
		"a configured one and an old name": {config.Server{BaseURL: "https://a.example/r4", AlsoBaseURL: []string{"https://b.example/r4"}}, "https://a.example/r4",
			[]string{"https://b.example/r4"}, []string{"http://127.0.0.1:8080/fhir", "https://c.example/r4"}},
	} {
		b := ownBases(c.config, c.served)
		for _, u := range c.own {
			if !b.Own(u) {
				t.Errorf("%s: %s is not ours", name, u)
			}
		}
		for _, u := range c.not {
			if b.Own(u) {
				t.Errorf("%s: %s is ours", name, u)
			}
		}
	}
}
