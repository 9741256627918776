package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lienthong/lienthong/cmd/lienthong/synthetic"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// seedSenders is how many bundles of the population are pushed at the same time.
const seedSenders = 4

// seeder pushes an invented population to a server as a hospital would: transactions over HTTP.
type seeder struct {
	base   string
	client *http.Client
}

// load pushes what is not there yet. A bundle lands whole, so that one of its resources tells: what was loaded by an
// earlier start, and perhaps changed or deleted since, is left alone.
func (s seeder) load(ctx context.Context, p *synthetic.Population) error {
	for stage := range synthetic.Stages {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(seedSenders)
		for b, err := range p.Bundles(stage) {
			if err != nil {
				return err
			}
			g.Go(func() error { return s.push(ctx, b) })
		}
		if err := g.Wait(); err != nil {
			return fmt.Errorf("the invented population could not be loaded: %w", err)
		}
	}
	return nil
}

// day gives the day as of which the population of a seed was invented when it was loaded first; today if it never was.
// Ages and vaccinations hang on it, so a later start must not invent it anew as of its own day.
func (s seeder) day(ctx context.Context, seed uint64) (time.Time, error) {
	status, answer, err := s.do(ctx, http.MethodGet, "/Patient/"+synthetic.CitizenID(seed, 1)+"/_history/1", nil)
	if err != nil || status != http.StatusOK {
		return time.Now().In(vietnam), err
	}
	doc, err := resource.New(answer)
	if err != nil {
		return time.Time{}, err
	}
	at, err := time.Parse(time.RFC3339, doc.Root().Get("meta").Get("lastUpdated").Text())
	return at.In(vietnam), err
}

// vietnam has had no daylight saving time since 1975.
var vietnam = time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60)

func (s seeder) push(ctx context.Context, b synthetic.Bundle) error {
	there, err := s.has(ctx, b.Proof)
	if err != nil || there {
		return err
	}
	if b.Sender != "" {
		ctx = context.WithValue(ctx, senderKey{}, b.Sender)
	}
	status, answer, err := s.do(ctx, http.MethodPost, "", b.Body)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s: HTTP %d: %.500s", b.Name, status, answer)
	}
	return nil
}

// senderKey is of the Organization on whose behalf a request of this process is made. None comes so from outside.
type senderKey struct{}

// allOnBehalfOf allows everything, and says who sends what is created.
func allOnBehalfOf(organization fhir.ID) store.Fence {
	all := store.Grant{All: true}
	grants := map[fhir.Type]*store.Grants{}
	for _, t := range r4.Types() {
		grants[t] = &store.Grants{all, all, all, all, all}
	}
	return store.NewFence(grants, string(organization))
}

// has says whether the resource is there, or was.
func (s seeder) has(ctx context.Context, key fhir.Key) (bool, error) {
	status, _, err := s.do(ctx, http.MethodGet, "/"+key.String(), nil)
	return status == http.StatusOK || status == http.StatusGone, err
}

func (s seeder) do(ctx context.Context, method, path string, body []byte) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/fhir+json")
	req.Header.Set("Prefer", "return=minimal")
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}
