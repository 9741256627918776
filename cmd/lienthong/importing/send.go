package importing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Target is where the data goes.
type Target struct {
	Base   string // base URL such as "http://127.0.0.1:8080/fhir"
	Client *http.Client
}

// check finds out whether there is a FHIR server at all: a wrong address would refuse every file for the same reason. One
// that does not answer may be starting; post waits for it.
func (t Target) check(ctx context.Context) error {
	status, body, err := t.get(ctx, "metadata")
	if err != nil || status >= 500 || status == http.StatusTooManyRequests {
		return ctx.Err()
	}
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		return fmt.Errorf("the server at %s does not let this command in (HTTP %d)", t.Base, status)
	}
	doc, err := resource.Parse(body, limits)
	if err != nil || doc.Root().ResourceType() != "CapabilityStatement" {
		return fmt.Errorf("there is no FHIR server at %s: %s/metadata answers HTTP %d and no CapabilityStatement. Is the path right? It often ends in /fhir", t.Base, t.Base, status)
	}
	return nil
}

// Attempts for one parcel while the server is busy, starting, or gone for a moment.
const attempts = 6

// verdict is the server's answer to a parcel.
type verdict struct {
	refused string   // why the parcel as a whole was refused; "" if it was taken
	code    string   // of the refusal, "" if it has none
	entries []string // for each item "" or why it failed; nil if all are well
	witness string   // the last resource that it made, or else changed: "Claim/c1"
}

// inDoubt says that a request may or may not have been carried out.
type inDoubt struct{ err error }

func (d inDoubt) Error() string { return d.err.Error() }
func (d inDoubt) Unwrap() error { return d.err }

// post sends a parcel until there is a verdict. Where a try ended in doubt, settle is asked before the next one: it says
// whether the parcel turned out to have landed.
func (t Target) post(ctx context.Context, p *parcel, settle func() (bool, error)) (verdict, error) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval = 300 * time.Millisecond
	var doubt bool
	v, err := backoff.Retry(ctx, func() (verdict, error) {
		if doubt {
			landed, err := settle()
			if err != nil || landed {
				return verdict{}, err
			}
			doubt = false
		}
		v, err := t.once(ctx, p)
		if ctx.Err() != nil {
			return v, backoff.Permanent(ctx.Err())
		}
		var d inDoubt
		if errors.As(err, &d) {
			doubt = true
		}
		return v, err
	}, backoff.WithBackOff(wait), backoff.WithMaxTries(attempts))
	if _, denied := errors.AsType[notLetIn](err); denied {
		err = fmt.Errorf("the server at %s does not let this command in: %w", t.Base, err)
	} else if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("the server at %s does not answer: %w", t.Base, err)
	}
	return v, err
}

// notLetIn is the server's word that it does not know who calls.
type notLetIn struct{ text string }

func (n notLetIn) Error() string { return n.text }

// once is one try. An error means that there is no verdict and another try makes sense.
func (t Target) once(ctx context.Context, p *parcel) (verdict, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.Base, bytes.NewReader(p.body))
	if err != nil {
		return verdict{}, backoff.Permanent(err)
	}
	req.Header.Set("Content-Type", "application/fhir+json")
	req.Header.Set("Accept", "application/fhir+json")
	req.Header.Set("Prefer", "return=minimal")
	resp, err := t.Client.Do(req)
	if err != nil {
		var dial *net.OpError
		if errors.As(err, &dial) && dial.Op == "dial" {
			return verdict{}, err
		}
		return verdict{}, inDoubt{err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return verdict{}, inDoubt{err}
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return readVerdict(p, body)
	case http.StatusUnauthorized: // not about what was sent: with another token the same will be taken
		return verdict{}, backoff.Permanent(notLetIn{reason(body, resp.Status)})
	case http.StatusTooManyRequests:
		return verdict{}, fmt.Errorf("busy: %s", reason(body, resp.Status))
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return verdict{}, inDoubt{errors.New(reason(body, resp.Status))}
	}
	return refusal(body, resp.Status), nil
}

// readVerdict goes through the response bundle beside the items that were sent.
func readVerdict(p *parcel, body []byte) (verdict, error) {
	doc, err := resource.Parse(body, limits)
	if err != nil {
		return verdict{}, inDoubt{fmt.Errorf("the answer is not FHIR: %w", err)}
	}
	var v verdict
	i, made := 0, false
	for e := range doc.Root().Get("entry").Elements() {
		response := e.Get("response")
		status := response.Get("status").Text()
		if strings.HasPrefix(status, "2") || strings.HasPrefix(status, "304") {
			// What was made tells this store from another, and what stands last most of all: a facility may be known to both.
			isNew := strings.HasPrefix(status, "201")
			if at := response.Get("location").Text(); at != "" && (isNew || !made) {
				v.witness, made = witness(at), isNew
			}
		} else if i < len(p.items) {
			if v.entries == nil {
				v.entries = make([]string, len(p.items))
			}
			v.entries[i] = reasonOf(response.Get("outcome"), status)
		}
		i++
	}
	if i != len(p.items) {
		return verdict{}, backoff.Permanent(fmt.Errorf("%d entries were sent and %d were answered", len(p.items), i))
	}
	return v, nil
}

// witness makes "Patient/p1" from a location such as "http://host/fhir/Patient/p1/_history/1".
func witness(location string) string {
	location, _, _ = strings.Cut(location, "/_history/")
	parts := strings.Split(location, "/")
	if len(parts) < 2 {
		return ""
	}
	return strings.Clone(strings.Join(parts[len(parts)-2:], "/"))
}

// reason takes the words out of an OperationOutcome; where there is none the status has to do.
func reason(body []byte, status string) string {
	return refusal(body, status).refused
}

// refusal takes the words and the server's own code out of an OperationOutcome.
func refusal(body []byte, status string) verdict {
	doc, err := resource.Parse(body, limits)
	if err != nil {
		return verdict{refused: "HTTP " + status}
	}
	code := doc.Root().Get("issue").At(0).Get("details").Get("coding").At(0).Get("code").Text()
	return verdict{refused: reasonOf(doc.Root(), "HTTP "+status), code: strings.Clone(code)}
}

// reasonOf words the first issue of an outcome with its path; indices are kept, so that the place can be found.
func reasonOf(outcome resource.Value, otherwise string) string {
	issue := outcome.Get("issue").At(0)
	words := issue.Get("details").Get("text").Text()
	if words == "" {
		words = issue.Get("diagnostics").Text()
	}
	if words == "" {
		return strings.Clone(otherwise)
	}
	if path := issue.Get("expression").At(0).Text(); path != "" {
		words += " (" + path + ")"
	}
	return strings.Clone(words)
}
