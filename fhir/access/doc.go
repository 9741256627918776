// Package access says who may do what: callers, policies, consents, and the fences (store.Fence) that come of them.
//
//	policy file (policy.yaml) -> Policy: rules by role, checked (policy.go, criterion.go)
//	Caller + Policy           -> Policies.Fence: criteria bound by fhir/search for each type and action (compile.go),
//	                             each with the condition that no Consent denies it (consented.go: consent.go has the rules,
//	                             content.go the dates and codes of a resource, members.go who belongs to an actor), all
//	                             narrowed by the scopes of the token (scope.go)
//	fence with a mask         -> Masked: documents without what is hidden, searches that would tell it refused (mask.go);
//	                             persons.go learns of whom a document may tell in its words, freetext.go finds them there
//
// Authentication, in rooms above, establishes a Caller and puts it into the context of the request together with the
// caller's fence. The store then decides by the fence; who the caller is matters to the audit trail alone.
//
// Caveats. A resource belongs to the patient that it refers to by a reference to this server: one that names its patient by an
// identifier alone, or contains him, is bound by no Consent and in no compartment. Restricted resources (labels R and V) are
// held to what is denied of normal ones too. In free text is found what is known of the persons of a document: somebody whom no resource
// and no field names, a misspelt name, a given name alone without a title, and a number of fewer than nine digits stay in it.
//
// It may import fhir, r4, resource, search, store, outcome. Start reading at Policies.Fence.
package access
