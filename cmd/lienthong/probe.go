package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// probeCmd is what a container's health check runs: the image has no other program.
type probeCmd struct {
	URL     string        `arg:"" help:"Address to ask, such as http://127.0.0.1:8080/readyz."`
	Timeout time.Duration `default:"3s" help:"How long it may take to answer."`
}

// Run succeeds if the address answers, and not with 5xx.
func (c *probeCmd) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, nil)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("%s answers %s", c.URL, res.Status)
	}
	return nil
}
