package rest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
)

// read is GET Type/id.
func (s *Server) read(ctx context.Context, c *call) (answer, error) {
	if err := c.readParams(); err != nil {
		return answer{}, err
	}
	f, err := s.Service.Store().Read(ctx, c.key, c.at)
	if err != nil {
		return answer{}, err
	}
	return s.found(c, f)
}

// vread is GET Type/id/_history/version.
func (s *Server) vread(ctx context.Context, c *call) (answer, error) {
	if err := c.readParams(); err != nil {
		return answer{}, err
	}
	f, err := s.Service.VRead(ctx, c.key, c.version)
	if e, ok := errors.AsType[*fhir.Error](err); ok && e.Kind == fhir.NotFound {
		// The resource may be there, or have been there, and the version not.
		if current, err := s.Service.Read(ctx, c.key); err == nil || current.Version > 0 {
			return answer{}, fhir.Errorf(fhir.NotFound, "version-unknown", string(c.key.Type)+".meta.versionId", c.version)
		}
	}
	if err != nil {
		return answer{}, err
	}
	a, err := s.found(c, f)
	a.immutable = true
	return a, err
}

// create is POST Type. Criteria belong into If-None-Exist: to pass over those of the address would create twice.
func (s *Server) create(ctx context.Context, c *call) (answer, error) {
	if c.criteria() != "" {
		return answer{}, fhir.Errorf(fhir.Invalid, "create-criteria", "")
	}
	doc, err := c.document(s.Limits.ResourceBytes)
	if err != nil {
		return answer{}, err
	}
	o := interaction.CreateOptions{Type: c.key.Type}
	if criteria := c.http.Header["If-None-Exist"]; len(criteria) > 0 { // also when it is empty, which is refused
		o.IfNoneExist = &criteria[0]
	}
	r, err := s.Service.Create(ctx, doc, o)
	if err != nil {
		return answer{}, err
	}
	return s.written(c, r)
}

// update is PUT Type/id.
func (s *Server) update(ctx context.Context, c *call) (answer, error) {
	return s.updateWith(c, func(doc *resource.Document, o interaction.UpdateOptions) (interaction.Result, error) {
		return s.Service.Update(ctx, c.key, doc, o)
	})
}

// updateByCriteria is PUT Type?criteria.
func (s *Server) updateByCriteria(ctx context.Context, c *call) (answer, error) {
	return s.updateWith(c, func(doc *resource.Document, o interaction.UpdateOptions) (interaction.Result, error) {
		return s.Service.UpdateByCriteria(ctx, c.key.Type, c.criteria(), doc, o)
	})
}

func (s *Server) updateWith(c *call, apply func(*resource.Document, interaction.UpdateOptions) (interaction.Result, error)) (answer, error) {
	v, accept, err := c.ifMatch()
	if err != nil {
		return answer{}, err
	}
	if c.ifNoneMatch != "" && c.ifNoneMatch != "*" {
		return answer{}, fhir.Errorf(fhir.Invalid, "if-none-match-write", "")
	}
	doc, err := c.document(s.Limits.ResourceBytes)
	if err != nil {
		return answer{}, err
	}
	r, err := apply(doc, interaction.UpdateOptions{IfMatch: v, Accept: accept, IfNoneMatchAny: c.ifNoneMatch == "*"})
	if err != nil {
		return answer{}, err
	}
	return s.written(c, r)
}

// patch is PATCH Type/id.
func (s *Server) patch(ctx context.Context, c *call) (answer, error) {
	return s.patchWith(c, func(p interaction.Patcher, o interaction.PatchOptions) (interaction.Result, error) {
		return s.Service.Patch(ctx, c.key, p, o)
	})
}

// patchByCriteria is PATCH Type?criteria.
func (s *Server) patchByCriteria(ctx context.Context, c *call) (answer, error) {
	return s.patchWith(c, func(p interaction.Patcher, o interaction.PatchOptions) (interaction.Result, error) {
		return s.Service.PatchByCriteria(ctx, c.key.Type, c.criteria(), p, o)
	})
}

func (s *Server) patchWith(c *call, apply func(interaction.Patcher, interaction.PatchOptions) (interaction.Result, error)) (answer, error) {
	v, accept, err := c.ifMatch()
	if err != nil {
		return answer{}, err
	}
	p, err := s.patchOf(c)
	if err != nil {
		return answer{}, err
	}
	r, err := apply(p, interaction.PatchOptions{IfMatch: v, Accept: accept})
	if err != nil {
		return answer{}, err
	}
	return s.written(c, r)
}

// delete is DELETE Type/id.
func (s *Server) delete(ctx context.Context, c *call) (answer, error) {
	v, accept, err := c.ifMatch()
	if err != nil {
		return answer{}, err
	}
	r, err := s.Service.Delete(ctx, c.key, interaction.DeleteOptions{IfMatch: v, Accept: accept})
	if err != nil {
		return answer{}, err
	}
	return s.deleted(c, r)
}

// deleteByCriteria is DELETE Type?criteria.
func (s *Server) deleteByCriteria(ctx context.Context, c *call) (answer, error) {
	v, accept, err := c.ifMatch()
	if err != nil {
		return answer{}, err
	}
	r, err := s.Service.DeleteByCriteria(ctx, c.key.Type, c.criteria(), interaction.DeleteOptions{IfMatch: v, Accept: accept})
	if err != nil {
		return answer{}, err
	}
	return s.deleted(c, r)
}

// deleted answers 204, or 200 with an outcome if that is preferred; the tag is that of the version which says: deleted.
func (s *Server) deleted(c *call, r interaction.Result) (answer, error) {
	a := answer{status: http.StatusNoContent, version: r.Version}
	if c.prefer.ret == "OperationOutcome" {
		code := "deleted"
		if !r.Deleted {
			code = "delete-nothing"
		}
		a.status, a.body, a.language = http.StatusOK, buffers.get(), c.language()
		a.body.b = outcome.Info(code, c.language(), r.Key.String(), r.Version).AppendJSON(a.body.b)
	}
	return a, nil
}

// criteria is the query of a conditional interaction without what only says how to answer.
func (c *call) criteria() string { return dropParams(c.query, "_format", "_pretty") }

// parseHTTPTime reads a date header.
func parseHTTPTime(s string) (time.Time, error) { return http.ParseTime(s) }
