// Package access says who may do what: callers, policies, consents, and the fences (store.Fence) that come of them.
//
// Authentication, in rooms above, establishes a Caller and puts it into the context of the request together with the
// caller's fence. The store then decides by the fence; who the caller is matters to the audit trail alone.
//
// It may import fhir, r4, resource, search, store. Start reading at Caller.
package access
