package rest

import (
	"context"
	"errors"
	"net/http"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
)

// validate is POST Type/$validate, POST Type/id/$validate and GET Type/id/$validate: it tells what a create, an update or a
// delete would be told now, and does nothing. The verb itself is tried, up to its commit, so that what passes here can be
// refused only by what others write meanwhile. The answer is 200 with what was found, also where the verb would be refused.
// Source: https://hl7.org/fhir/R4/resource-operation-validate.html
func (s *Server) validate(ctx context.Context, c *call) (answer, error) {
	asked, err := s.validation(ctx, c)
	if err != nil {
		return answer{}, err
	}
	found, err := s.try(ctx, c.key, asked)
	e, ok := errors.AsType[*fhir.Error](err)
	o := outcome.Found(found.Issues, c.language())
	switch {
	case ok && (e.Kind == fhir.Invalid || e.Kind == fhir.Unprocessable || e.Kind == fhir.Conflict || e.Kind == fhir.Precondition):
		o = outcome.Of(err, c.language())
	case err != nil:
		return answer{}, err
	}
	a := answer{status: http.StatusOK, body: buffers.get(), language: c.language()}
	a.body.b = o.AppendJSON(a.body.b)
	return a, nil
}

// try performs the verb that is asked about as a trial.
func (s *Server) try(ctx context.Context, key fhir.Key, asked validation) (interaction.Result, error) {
	switch {
	case asked.mode == "delete":
		return s.Service.Delete(ctx, key, interaction.DeleteOptions{Trial: true})
	case asked.mode == "create":
		return s.Service.Create(ctx, asked.doc, interaction.CreateOptions{Type: key.Type, Trial: true})
	case key.ID == "":
		id, ok := asked.doc.Root().ID()
		if !ok {
			return interaction.Result{}, fhir.Errorf(fhir.Invalid, "id-required", asked.doc.Root().Path())
		}
		key.ID = fhir.ID(id)
	}
	return s.Service.Update(ctx, key, asked.doc, interaction.UpdateOptions{Trial: true})
}

// validation is what $validate is asked.
type validation struct {
	mode string             // create, update, delete
	doc  *resource.Document // nil for a delete
}

// validation reads the parameters of the address and the body, which is the resource or Parameters with it. Without a mode a
// resource at an address with an id is an update, else a create; without a resource it is the one that is there.
func (s *Server) validation(ctx context.Context, c *call) (asked validation, err error) {
	take := func(place, name, value string) (bool, error) {
		switch name {
		case "mode":
			if value != "create" && value != "update" && (value != "delete" || c.key.ID == "") {
				return true, fhir.Errorf(fhir.Invalid, "validate-mode", place, clip(value))
			}
			asked.mode = value
		case "profile":
			return true, fhir.Errorf(fhir.Invalid, "validate-profile", place, clip(value))
		default:
			return false, nil
		}
		return true, nil
	}
	if err := c.eachParam(func(p search.Parameter) (bool, error) { return take("http."+p.Name, p.Key(), p.Value) }); err != nil {
		return asked, err
	}
	if c.http.Method == http.MethodPost && c.http.ContentLength != 0 {
		if asked.doc, err = c.document(s.Limits.ResourceBytes); err != nil {
			return asked, err
		}
	}
	if asked.doc != nil && asked.doc.Root().ResourceType() == "Parameters" {
		if asked.doc, err = unwrap(asked.doc, take); err != nil {
			return asked, err
		}
	}
	switch {
	case asked.mode == "" && c.key.ID == "":
		asked.mode = "create"
	case asked.mode == "":
		asked.mode = "update"
	}
	switch {
	case asked.mode == "delete":
		asked.doc = nil
	case asked.doc == nil && c.key.ID == "":
		return asked, fhir.Errorf(fhir.Invalid, "validate-nothing", "")
	case asked.doc == nil:
		f, err := s.Service.Read(ctx, c.key)
		if err != nil {
			return asked, err
		}
		asked.doc, err = resource.New(f.Stored.Body)
		return asked, err
	}
	return asked, nil
}

// unwrap gives the resource within Parameters, nil if there is none, and hands the other parameters to take.
func unwrap(parameters *resource.Document, take func(place, name, value string) (bool, error)) (doc *resource.Document, err error) {
	for p := range parameters.Root().Get("parameter").Elements() {
		name := p.Get("name").Text()
		if name == "resource" && doc == nil {
			if doc, err = resource.Parse(p.Get("resource").Raw(), resource.Limits{}); err != nil {
				return nil, err
			}
			continue
		}
		value := ""
		for m := p.First(); m.Kind() != resource.None; m = m.Next() {
			if m.Kind() == resource.String && m.Name() != "name" {
				value = m.Text()
			}
		}
		known, err := take(p.Path(), name, value)
		if err == nil && !known {
			err = fhir.Errorf(fhir.Invalid, "operation-parameter-unknown", p.Path(), clip(name))
		}
		if err != nil {
			return nil, err
		}
	}
	return doc, nil
}
