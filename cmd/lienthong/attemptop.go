package main

import (
	"context"
	"strconv"

	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// attemptBody is GET Claim/{id}/$attempt?version=2&number=1&part=request|reply: what was sent, or came back, byte by byte, for those
// who may read the claim. The request names the patient: who sees records without names gets the reply and, in $sync-status, the
// hash alone.
func attemptBody(n *node, base string) rest.Operation {
	return rest.Operation{Name: "attempt", Type: "Claim", Instance: true, Reads: true, Definition: base + "/fhir/OperationDefinition/Claim-attempt",
		Serve: func(ctx context.Context, a rest.Asked) (rest.Content, error) {
			key, number, part, err := readAttempt(a)
			if err != nil {
				return rest.Content{}, err
			}
			if _, err := n.store.Read(ctx, a.Key, 0); err != nil && !gone(err) {
				return rest.Content{}, err
			}
			media := "application/octet-stream" // an answer may be anything
			if part == delivery.Request {
				if store.FenceOf(ctx).Hider() != nil {
					return rest.Content{}, fhir.Errorf(fhir.Denied, "attempt-masked", "")
				}
				media = "application/xml"
			}
			raw, err := n.outbox.Body(ctx, key, number, part)
			return rest.Content{Type: media, Name: string(a.Key.ID) + "-" + strconv.Itoa(number) + "-" + string(part), Body: raw}, err
		}}
}

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
	case key.Version == 0:
		err = fhir.Errorf(fhir.Invalid, "attempt-parameter", "http.version", "version")
	case number < 1 || number > 9999:
		err = fhir.Errorf(fhir.Invalid, "attempt-parameter", "http.number", "number")
	case part != delivery.Request && part != delivery.Reply:
		err = fhir.Errorf(fhir.Invalid, "attempt-parameter", "http.part", "part")
	}
	return key, number, part, err
}
