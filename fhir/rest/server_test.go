package rest_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// served is a server over a store in a temporary folder, with the hook that keeps citizen IDs unique.
type served struct {
	*httptest.Server
	service *interaction.Service
	store   store.Store
	base    string
}

func serve(tb testing.TB, change ...func(*interaction.Config, *rest.Config)) *served {
	tb.Helper()
	systems := identity.Systems{}
	st := enginetest.Open(tb, enginetest.Indexed(engine.Options{Now: steps()}, index.Options{FoldSystem: systems.Fold}))
	ic := interaction.Config{Store: st, FoldSystem: systems.Fold, Hooks: []interaction.Hook{uniqueCitizen(systems)}}
	rc := rest.Config{Authenticate: rest.Unauthenticated, Log: slog.New(slog.DiscardHandler)}
	// A busy machine may stand still in the middle of a body; what is given up on in time is asked for by the tests of that.
	rc.Limits.BodyStall, rc.Limits.BodiesWait, rc.Limits.DrainTime = time.Hour, fhirtest.Patience, fhirtest.Patience
	for _, f := range change {
		f(&ic, &rc)
	}
	rc.Service = interaction.New(ic)
	h, err := rest.New(ours(context.Background()), rc)
	if err != nil {
		tb.Fatal(err)
	}
	srv := httptest.NewServer(h)
	tb.Cleanup(func() {
		srv.Close()
		if err := st.Verify(ours(context.Background())); err != nil {
			tb.Errorf("the store does not agree with its log: %v", err)
		}
	})
	return &served{srv, rc.Service, st, srv.URL + "/fhir"}
}

// steps is a clock that goes on by a second each time it is looked at, so that no two commits have the same instant.
func steps() func() time.Time {
	var n atomic.Int64
	return func() time.Time {
		return time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(n.Add(1)) * time.Second)
	}
}

func uniqueCitizen(systems identity.Systems) interaction.Hook {
	return func(_ context.Context, w interaction.Write) (interaction.Additions, error) {
		if w.Method == store.MethodDelete || w.Key.Type != "Patient" {
			return interaction.Additions{}, nil
		}
		keys, issues := systems.PatientKeys(w.Doc)
		if slices.ContainsFunc(issues, func(i fhir.Issue) bool { return i.Severity == fhir.SeverityError }) {
			return interaction.Additions{}, &fhir.Error{Kind: fhir.Unprocessable, Code: "identity-invalid", Issues: issues}
		}
		return interaction.Additions{Unique: keys}, nil
	}
}

// reply is an answer that was read to its end.
type reply struct {
	*http.Response
	raw []byte
}

// do sends one request; headers are "Name: value".
func (s *served) do(tb testing.TB, method, path string, body []byte, headers ...string) reply {
	tb.Helper()
	url := path
	if !strings.HasPrefix(path, "http") {
		url = s.base + path
	}
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/fhir+json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		req.Header.Set(name, strings.TrimSpace(value))
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return reply{res, raw}
}

// doc parses the answer's body.
func (r reply) doc(tb testing.TB) resource.Value {
	tb.Helper()
	d, err := resource.New(r.raw)
	if err != nil {
		tb.Fatalf("%s %s: %d: %v\n%.500s", r.Request.Method, r.Request.URL, r.StatusCode, err, r.raw)
	}
	return d.Root()
}

// want fails unless the status is one of those.
func (r reply) want(tb testing.TB, status ...int) reply {
	tb.Helper()
	if !slices.Contains(status, r.StatusCode) {
		tb.Fatalf("%s %s: status %d, want %v\n%.1000s", r.Request.Method, r.Request.URL, r.StatusCode, status, r.raw)
	}
	return r
}

// ours gives a context whose fence is open.
func ours(ctx context.Context) context.Context { return store.WithFence(ctx, store.OpenFence()) }
