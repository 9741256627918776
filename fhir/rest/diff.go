package rest

import (
	"context"
	"strings"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/operation"
	"github.com/lienthong/lienthong/fhir/search"
)

// diff is GET Type/id/$diff?fromVersion=1&toVersion=2: without toVersion to the current version, without fromVersion from
// the one before.
func (s *Server) diff(ctx context.Context, c *call) (answer, error) {
	from, to := operation.Version{Key: c.key}, operation.Version{Key: c.key}
	given := false
	err := c.eachParam(func(p search.Parameter) (bool, error) {
		at := &from
		switch p.Key() {
		case "fromVersion":
			given = true
		case "toVersion":
			at = &to
		default:
			return false, nil
		}
		v, ok := fhir.ParseVersion(p.Value)
		if !ok || v == 0 {
			return true, fhir.Errorf(fhir.Invalid, "diff-version", "http."+p.Name, clip(p.Key()), clip(p.Value))
		}
		at.Version = v
		return true, nil
	})
	if err != nil {
		return answer{}, err
	}
	if !given {
		if from, err = s.operations.Previous(ctx, to, c.at); err != nil {
			return answer{}, err
		}
	}
	return s.difference(ctx, c, from, to)
}

// diffOf is GET Type/$diff?from=Type/id/_history/1&to=Type/id, and the same of the server.
func (s *Server) diffOf(ctx context.Context, c *call) (answer, error) {
	var from, to operation.Version
	err := c.eachParam(func(p search.Parameter) (bool, error) {
		at := &from
		switch p.Key() {
		case "from":
		case "to":
			at = &to
		default:
			return false, nil
		}
		v, ok := versionOf(strings.TrimPrefix(p.Value, c.base+"/"))
		if !ok || c.key.Type != "" && v.Key.Type != c.key.Type {
			return true, fhir.Errorf(fhir.Invalid, "diff-reference", "http."+p.Name, p.Key(), clip(p.Value))
		}
		*at = v
		return true, nil
	})
	if err != nil {
		return answer{}, err
	}
	for name, v := range map[string]operation.Version{"from": from, "to": to} {
		if v.Key.ID == "" {
			return answer{}, fhir.Errorf(fhir.Invalid, "diff-reference", "http."+name, name, "")
		}
	}
	return s.difference(ctx, c, from, to)
}

func (s *Server) difference(ctx context.Context, c *call, from, to operation.Version) (answer, error) {
	out, err := s.operations.Diff(ctx, from, to, c.at)
	if err != nil {
		return answer{}, err
	}
	return parametersAnswer(out), nil
}

// versionOf reads Type/id or Type/id/_history/version.
func versionOf(text string) (operation.Version, bool) {
	var v operation.Version
	parts := strings.Split(text, "/")
	if len(parts) != 2 && (len(parts) != 4 || parts[2] != "_history") {
		return v, false
	}
	c := &call{}
	version := ""
	if len(parts) == 4 {
		version = parts[3]
	}
	if parts[0] == "" || parts[1] == "" || len(parts) == 4 && version == "" || c.place(parts[0], parts[1], version) != nil {
		return v, false
	}
	return operation.Version{Key: c.key, Version: c.version}, true
}

// eachParam calls use with the parameters of an operation; those that it does not take are refused, unless they say how to
// show or the call is lenient.
func (c *call) eachParam(use func(search.Parameter) (bool, error)) error {
	params, err := search.Parse(c.query)
	if err != nil {
		return err
	}
	for _, p := range params {
		used, err := use(p)
		if err != nil {
			return err
		}
		if !used && p.Key() != "_format" && p.Key() != "_pretty" && !c.prefer.lenient {
			return fhir.Errorf(fhir.Invalid, "operation-parameter-unknown", "http."+p.Name, clip(p.Key()))
		}
	}
	return nil
}
