package main

import (
	"context"
	"strconv"

	"github.com/lienthong/lienthong/adapters/bhxh"
	"github.com/lienthong/lienthong/adapters/bhxh/cases"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// attemptBody is GET Claim/{id}/$attempt?version=2&number=1&part=request|reply: what was sent, or came back, byte by byte, for those
// who may read the claim. The request names the patient: who sees records without names gets the reply, unless it tells of a person too, and,
// in $sync-status, the hash alone.
func attemptBody(n *node, base string) rest.Operation {
	return rest.Operation{Name: "attempt", Type: "Claim", Instance: true, Reads: true, Definition: base + "/fhir/OperationDefinition/Claim-attempt",
		Serve: n.attempted(n.outbox.Body)}
}

// checkInStatus is GET Encounter/{id}/$sync-status: the check-in of an Encounter and each attempt to send it, for those who may read it.
func checkInStatus(n *node, base string) rest.Operation {
	return rest.Operation{Name: "sync-status", Type: "Encounter", Instance: true, Reads: true, Names: cases.Names, Codes: cases.Codes, Link: called("Check-in", "Check-in"), Definition: base + "/fhir/OperationDefinition/Encounter-sync-status",
		Run: func(ctx context.Context, a rest.Asked) ([]byte, error) {
			if _, err := n.store.Read(ctx, a.Key, 0); err != nil && !gone(err) {
				return nil, err
			}
			body, err := bhxh.CheckInStatus(ctx, n.store, a.Key.ID)
			if err != nil {
				return nil, err
			}
			return access.Answer(ctx, n.store, a.Key, body)
		}}
}

// checkInBody is GET Encounter/{id}/$attempt?number=1&part=request|reply, as attemptBody.
func checkInBody(n *node, base string) rest.Operation {
	return rest.Operation{Name: "attempt", Type: "Encounter", Instance: true, Reads: true, Definition: base + "/fhir/OperationDefinition/Encounter-attempt",
		Serve: n.attempted(func(ctx context.Context, of delivery.Key, number int, part delivery.Part) ([]byte, error) {
			return bhxh.CheckInBody(ctx, n.store, of.Claim, number, part)
		})}
}

// attempted gives the body of an attempt, which body reads, to those who may read the resource that it was about.
func (n *node) attempted(body func(context.Context, delivery.Key, int, delivery.Part) ([]byte, error)) func(context.Context, rest.Asked) (rest.Content, error) {
	return func(ctx context.Context, a rest.Asked) (rest.Content, error) {
		key, number, part, err := readAttempt(a)
		if err != nil {
			return rest.Content{}, err
		}
		if _, err := n.store.Read(ctx, a.Key, 0); err != nil && !gone(err) {
			return rest.Content{}, err
		}
		media, err := n.mediaOf(ctx, fhir.Key{Type: a.Key.Type, ID: key.Claim}, key.Version, part)
		if err != nil {
			return rest.Content{}, err
		}
		raw, err := body(ctx, key, number, part)
		if err != nil {
			return rest.Content{}, err
		}
		untold, err := access.Untold(ctx, n.store, a.Key, raw)
		if err != nil {
			return rest.Content{}, err
		}
		if !untold {
			return rest.Content{}, fhir.Errorf(fhir.Denied, "attempt-masked", "")
		}
		return rest.Content{Type: media, Name: string(a.Key.ID) + "-" + strconv.Itoa(number) + "-" + string(part), Body: raw}, nil
	}
}

// mediaOf is the media type of a body, for a caller who may see it: a request has what its resource refers to, too.
func (n *node) mediaOf(ctx context.Context, of fhir.Key, version fhir.Version, part delivery.Part) (string, error) {
	if part != delivery.Request {
		return "application/octet-stream", nil // an answer may be anything
	}
	if store.FenceOf(ctx).Hider() != nil {
		return "", fhir.Errorf(fhir.Denied, "attempt-masked", "")
	}
	sees, err := cases.SeesTaken(ctx, n.store, of, version)
	if err != nil {
		return "", err
	}
	if !sees {
		return "", fhir.Errorf(fhir.Denied, "attempt-unseen", "")
	}
	return "application/xml", nil
}

// readAttempt reads which attempt is asked for; key.Claim is the resource, whatever its type.
func readAttempt(a rest.Asked) (key delivery.Key, number int, part delivery.Part, err error) {
	key.Claim = a.Key.ID
	params, err := search.Parse(a.Query)
	if err != nil {
		return key, 0, "", err
	}
	for _, p := range params {
		switch p.Key() {
		case "version":
			v, err := strconv.ParseUint(p.Value, 10, 63)
			if err != nil {
				return key, 0, "", fhir.Errorf(fhir.Invalid, "attempt-parameter", "http.version", "version")
			}
			key.Version = fhir.Version(v)
		case "number":
			if number, err = strconv.Atoi(p.Value); err != nil {
				return key, 0, "", fhir.Errorf(fhir.Invalid, "attempt-parameter", "http.number", "number")
			}
		case "part":
			part = delivery.Part(p.Value)
		default:
			return key, 0, "", fhir.Errorf(fhir.Invalid, "operation-parameter-unknown", "", p.Key())
		}
	}
	switch {
	case key.Version == 0 && a.Key.Type == "Claim":
		err = fhir.Errorf(fhir.Invalid, "attempt-parameter", "http.version", "version")
	case number < 1 || number > 9999:
		err = fhir.Errorf(fhir.Invalid, "attempt-parameter", "http.number", "number")
	case part != delivery.Request && part != delivery.Reply:
		err = fhir.Errorf(fhir.Invalid, "attempt-parameter", "http.part", "part")
	}
	return key, number, part, err
}
