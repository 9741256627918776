package rest

import (
	"context"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
)

// meta is GET $meta of a resource, of a type, of the server.
func (s *Server) meta(ctx context.Context, c *call) (answer, error) {
	if err := c.noParams(); err != nil {
		return answer{}, err
	}
	out, err := s.operations.Meta(ctx, c.key, c.at)
	if err != nil {
		return answer{}, err
	}
	return parametersAnswer(out), nil
}

// metaAdd is POST Type/id/$meta-add.
func (s *Server) metaAdd(ctx context.Context, c *call) (answer, error) {
	return s.changeMeta(ctx, c, false)
}

// metaDelete is POST Type/id/$meta-delete.
func (s *Server) metaDelete(ctx context.Context, c *call) (answer, error) {
	return s.changeMeta(ctx, c, true)
}

func (s *Server) changeMeta(ctx context.Context, c *call, remove bool) (answer, error) {
	if err := c.noParams(); err != nil {
		return answer{}, err
	}
	v, accept, err := c.ifMatch()
	if err != nil {
		return answer{}, err
	}
	doc, err := c.document(s.Limits.FormBytes)
	if err != nil {
		return answer{}, err
	}
	if t := doc.Root().ResourceType(); t != "Parameters" {
		return answer{}, fhir.Errorf(fhir.Invalid, "type-mismatch", "", clip(string(t)), "Parameters")
	}
	m, err := interaction.ParseMetaChange(doc.Root(), remove)
	if err != nil {
		return answer{}, err
	}
	r, out, err := s.operations.ChangeMeta(ctx, c.key, m, interaction.PatchOptions{IfMatch: v, Accept: accept})
	if err != nil {
		return answer{}, err
	}
	a := parametersAnswer(out)
	a.version, a.at = r.Version, r.At
	return a, nil
}
