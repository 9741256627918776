package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/lienthong/lienthong/fhir/outcome"
)

// serverFlags say which server is asked, and as whom.
type serverFlags struct {
	Server    string `env:"LIENTHONG_SERVER" default:"http://127.0.0.1:8080/fhir" placeholder:"URL" help:"FHIR base URL of the server. Default: ${default}."`
	TokenFile string `name:"token-file" type:"path" env:"LIENTHONG_TOKEN_FILE" placeholder:"FILE" help:"File with the access token to call it by. Without it nobody calls."`
	AsJSON    bool   `name:"json" help:"Print JSON as the server answers."`

	speaks outcome.Language // in which refusals are asked for; "" = the server's own
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 30

// ask makes a request and gives its body; the error of a refusal has the server's words.
func (f serverFlags) ask(ctx context.Context, method, path string, q url.Values) ([]byte, error) {
	u, err := url.Parse(f.Server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, &exitError{exitUsage, fmt.Errorf("--server %q is no http or https URL, such as http://127.0.0.1:8080/fhir", f.Server)}
	}
	address := strings.TrimSuffix(f.Server, "/") + path
	if len(q) > 0 {
		address += "?" + q.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, err
	}
	if f.speaks != "" {
		r.Header.Set("Accept-Language", string(f.speaks))
	}
	if f.TokenFile != "" {
		token, err := tokenFile(f.TokenFile)(ctx)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	// A token goes to the server that was named, and to no other that it points at.
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, refusal(resp.Status, body)
	}
	return body, nil
}

// get asks for plain JSON and prints it as it came, or reads it into v for show.
func (f serverFlags) get(ctx context.Context, s streams, method, path string, q url.Values, v any, show func(w io.Writer)) error {
	if q == nil {
		q = url.Values{}
	}
	q.Set("output", "json")
	body, err := f.ask(ctx, method, path, q)
	if err != nil {
		return err
	}
	if f.AsJSON {
		_, err := fmt.Fprintf(s.out, "%s\n", body)
		return err
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("the server answered with something else than expected: %w", err)
	}
	w := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
	show(w)
	return w.Flush()
}

// refusal is an OperationOutcome in words.
func refusal(status string, raw []byte) error {
	var o struct {
		Issue []struct{ Details struct{ Text string } }
	}
	var said []string
	if json.Unmarshal(raw, &o) == nil {
		for _, i := range o.Issue {
			said = append(said, i.Details.Text)
		}
	}
	return errors.New(strings.TrimSuffix(status+": "+strings.Join(said, "; "), ": "))
}
