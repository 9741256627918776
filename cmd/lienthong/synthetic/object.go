package synthetic

import "github.com/lienthong/lienthong/fhir/resource"

// The documents that this room makes are written as these.
type (
	object = resource.ObjectOf
	list   = resource.ListOf
)
