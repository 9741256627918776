package main

import (
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/fhir/facility"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/search/index"
)

// facilities decides of which facilities a caller may write.
func facilities(n *node, o index.Options, claims mapping.Systems) facility.Facilities {
	return facility.Facilities{
		Store: n.store, Systems: identity.Systems{Base: claims.Named("")}, Of: claims.FacilityOf, Local: localTo(o), Any: n.policies.AnyFacility,
		Writes: n.policies.MayWrite,
	}
}
