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

func (s seeder) push(ctx context.Context, b synthetic.Bundle) error {
	there, err := s.has(ctx, b.Proof)
	if err != nil || there {
		return err
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
