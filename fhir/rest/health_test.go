package rest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/rest"
)

// TestNotReady: /readyz tells each thing that is in the way once, in words of either language, and no cause, which may name addresses.
func TestNotReady(t *testing.T) {
	cause := errors.New("dial mongodb://writer:secret@log.example:27017")
	s := serve(t, func(_ *interaction.Config, c *rest.Config) {
		c.Ready = func(context.Context) (error, error) {
			return errors.Join(fhir.Errorf(fhir.Unavailable, "store-full", ""), errors.Join(nil, fhir.Errorf(fhir.Unavailable, "store-full", "")),
				fmt.Errorf("asked: %w", fhir.Wrap(fhir.Unavailable, "log-denied", cause)), fhir.Wrap(fhir.Unavailable, "log-behind", cause, 7, 9)), nil
		}
	})
	for language, words := range map[string][]string{
		"en": {"store-full: The disk", "log-denied: The log", "log-behind: The log of changes ends at commit 7, but this server has read up to commit 9"},
		"vi": {"store-full: Đĩa", "log-denied: Nhật ký", "log-behind: Nhật ký thay đổi kết thúc ở lần ghi 7"},
	} {
		r := s.do(t, "GET", strings.TrimSuffix(s.base, "/fhir")+"/readyz", nil, "Accept-Language: "+language)
		r.want(t, 503)
		text := string(r.raw)
		for _, want := range words {
			if strings.Count(text, "not ready: "+want) != 1 {
				t.Errorf("%s: no %q, or twice, in:\n%s", language, want, text)
			}
		}
		if strings.Contains(text, "log.example") || strings.Contains(text, "secret") || strings.Count(text, "\n") != 3 || r.Header.Get("Content-Language") != language {
			t.Errorf("%s: %v\n%s", language, r.Header, text)
		}
	}
}

// TestNotReadyWithoutACode: what has no code of the catalogue is told by nothing but the status.
func TestNotReadyWithoutACode(t *testing.T) {
	s := serve(t, func(_ *interaction.Config, c *rest.Config) {
		c.Ready = func(context.Context) (error, error) { return errors.New("something at log.example"), nil }
	})
	r := s.do(t, "GET", strings.TrimSuffix(s.base, "/fhir")+"/readyz", nil)
	if r.want(t, 503); string(r.raw) != "not ready\n" {
		t.Errorf("%s", r.raw)
	}
}
