package interaction

import (
	"context"
	"errors"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
)

// unique refuses two entries that would both hold a value which only one resource may hold, and names both: the one that
// the store would name is not there yet.
func (tx *transaction) unique(context.Context) error {
	holder := map[store.UniqueKey]int{}
	for i, c := range tx.changes {
		if c == nil {
			continue
		}
		for _, u := range c.more.Unique {
			first, taken := holder[u]
			if !taken {
				holder[u] = i
				continue
			}
			if first == i {
				continue
			}
			same := func(entry, other int) fhir.Issue {
				return fhir.Issue{Code: "entry-same-identifier", Path: tx.identifierPath(entry), Args: []any{other}}
			}
			return &fhir.Error{Kind: fhir.Conflict, Code: "entry-same-identifier", Args: []any{first}, Issues: []fhir.Issue{same(first, i), same(i, first)}}
		}
	}
	return nil
}

// identifierPath is the place of entry i's identifiers.
func (tx *transaction) identifierPath(i int) string {
	if tx.changes[i].value.Get("identifier").Kind() != resource.None {
		return tx.entries[i].path(".resource.identifier")
	}
	return tx.entries[i].path(".resource")
}

// placed puts the path of the entry at fault to what the store refused, and calls If-None-Match: * by its name.
func (tx *transaction) placed(err error) error {
	err = told(err)
	e, ok := errors.AsType[*fhir.Error](err)
	if ok && e.Code == codePersonKnown {
		return within(tx.onlyUnique(), e)
	}
	if !ok || e.Path != "" || len(e.Issues) > 0 {
		return err
	}
	at := -1
	switch e.Code {
	case codeVersionConflict, "version-none", codeIDExists:
		for i, c := range tx.changes {
			if c != nil && len(e.Args) > 0 && e.Args[0] == c.key.String() {
				at = i
			}
		}
	case "access-denied":
		for i, c := range tx.changes {
			if c != nil && len(e.Args) > 0 && e.Args[0] == string(c.key.Type) {
				if unseen := c.unseen(e); unseen != error(e) {
					return within(tx.entries[i].path(""), unseen)
				}
			}
		}
	case codeUniqueTaken:
		return within(tx.onlyUnique(), e)
	}
	if at < 0 {
		return e
	}
	return within(tx.entries[at].path(""), asPrecondition(e, tx.entries[at].ifNoneMatchAny))
}

// onlyUnique is the place of the unique values if just one entry has any, "" if not.
func (tx *transaction) onlyUnique() string {
	only := -1
	for i, c := range tx.changes {
		switch {
		case c == nil || len(c.more.Unique) == 0:
		case only >= 0:
			return ""
		default:
			only = i
		}
	}
	if only < 0 {
		return ""
	}
	return tx.identifierPath(only)
}
