package interaction

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// contentResource is the id under which R4 defines _content: who asks for its status asks for the index that SetContent
// switches on. Registered has "" there, which no resource has for its id.
const contentResource fhir.ID = "Resource-content"

// SetContent says whether _content is to have an index. It is built, or taken away, like that of a SearchParameter that is
// added: while the server runs, in all servers of the log. A store that adds no parameters
// refuses: search-content-none.
func (s *Service) SetContent(ctx context.Context, on bool) error {
	if s.params.builder == nil {
		if on {
			return fhir.Errorf(fhir.Unavailable, "search-content-none", "")
		}
		return nil
	}
	for {
		d, err := s.definitions(ctx)
		if err != nil {
			return err
		}
		r := registration{next: d.counter.Next, added: slices.Clone(d.added)}
		var list []*r4.SearchParam
		if on {
			list = append(list, search.ContentParam())
		}
		if r.replace("", list); len(r.changed) == 0 {
			return nil
		}
		if r.next > r4.LastCustom+1 {
			return fhir.Errorf(fhir.Unprocessable, "search-custom-full", "SearchParameter", r4.LastCustom-r4.FirstCustom+1)
		}
		state, err := json.Marshal(search.Registrations{Generation: d.counter.Generation + 1, Next: r.next})
		if err != nil {
			return fhir.Wrap(fhir.Internal, "search-custom-record", err)
		}
		c := store.Changes{
			Require: []store.Precondition{store.RecordIs{Space: search.RegisteredSpace, Key: search.RegisteredState, Value: d.state}},
			Records: append(r.records(), store.Record{Space: search.RegisteredSpace, Key: search.RegisteredState, Value: state}),
		}
		if _, err := s.store.Commit(ctx, c); err == nil || !definitionsChanged(err) {
			return err
		}
	}
}
