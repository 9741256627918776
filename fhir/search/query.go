package search

import "github.com/lienthong/lienthong/fhir"

// ParamID numbers a search parameter in index keys. Numbers come from the committed r4 tables.
// Those below 16 belong to the store itself:
//
//	0 Exists       one entry with an empty value for each resource that is not deleted
//	1 LastUpdated  date value of meta.lastUpdated, written by the store, which alone knows it
//	2 Sender       the organization on whose behalf the resource was created, written by the store from the caller's
//	               fence; later versions keep it. No query string can ask for it; policies do
//	3 Consent      what a Consent permits and denies, in the short form of consent.go, one entry
//	4 ConsentData  references to the resources that its provisions are about (Consent.provision.data, at any depth)
//	5 Cites        every reference of a Claim or ClaimResponse, wherever in it
//	6 Member       who belongs to a Group or CareTeam, and when (member.go)
//	7 Shape        which parameters find something in the document (shape.go), one entry
type ParamID uint16

const (
	ParamExists      ParamID = 0
	ParamLastUpdated ParamID = 1
	ParamSender      ParamID = 2
	ParamConsent     ParamID = 3
	ParamConsentData ParamID = 4
	ParamCites       ParamID = 5
	ParamMember      ParamID = 6
	ParamShape       ParamID = 7
)

// Entry is one thing that a document can be found by: a value of a parameter in the order-preserving encoding of
// value.go. The entries of a document are sorted by (Param, Value) and free of duplicates.
type Entry struct {
	Param ParamID
	Value []byte
}

// Query is a search, bound: names are resolved, values are encoded, nothing is left to look up but postings.
type Query struct {
	Type    fhir.Type
	Where   []Condition // all must hold; empty = every resource of Type
	Sort    []SortKey   // empty = by creation
	Include []Include
	// Includes says of which types Include adds resources: others are not even looked up. nil = of all.
	Includes func(fhir.Type) bool

	// Inside says where the resources of Type are. For contained ones IDs and Has never hold, there are no Includes and
	// SortKey.ByID is not allowed: in chains and _has there are none at all.
	Inside Inside
	// Besides, of a ContainedIn, leaves out what this Query finds.
	Besides *Query
}

// Condition is one requirement on a resource: one of those below. It is a closed set.
type Condition interface{ isCondition() }

// Terms holds if the resource has an entry that at least one Term accepts (the OR of a comma list).
type Terms struct {
	Name string // as the caller wrote it, for the plan and for messages
	Any  []Term
}

// Term is a range of values of one parameter: those from Low (inclusive) to High (exclusive) that Accept takes.
// An exact value v has Low = v and High = nil with Exact set; its postings are then sorted by resource.
type Term struct {
	Param  ParamID
	Low    []byte
	High   []byte // nil with !Exact = no upper bound within the parameter
	Exact  bool
	Accept func(value []byte) bool // nil = all in the range
}

// Chain holds if a reference parameter of the resource points at a resource that Query finds (patient.identifier=…).
// Each of Targets is one possible type of that resource.
type Chain struct {
	Name    string
	Param   ParamID // reference parameter of the resource searched
	Targets []Query // Sort and Include are empty

	// Within is what is asked of a resource that the same document contains, where the reference points at one ("#med"):
	// normally the Targets. Nil: the chain does not lead there, as those of policies, which must not let a document say
	// whom it belongs to. Type is that of the contained resource; Inside is not set.
	Within []Query
}

// IDs holds if the resource's logical id is one of ID (_id).
type IDs struct{ ID []fhir.ID }

// Not holds if Condition does not (:not, :missing, ne of _filter): also for resources that lack the element.
type Not struct {
	Condition Condition
	// Among, where it is set, holds for all that Not holds for: where to look for them. It changes no answer.
	Among Condition
}

// All holds if each of its conditions does (and of _filter).
type All struct{ Of []Condition }

// Either holds if at least one of its conditions does (or of _filter).
type Either struct{ Of []Condition }

// Has holds if some resource that Source finds points at the resource by the reference parameter Param (_has, _list).
// Sort and Include of Source are empty.
type Has struct {
	Name   string
	Param  ParamID
	Source Query
}

// Derived holds if the condition does that From derives from the resource's own entries, which are valid during the call only.
// look gives the entries of others, in the same state. It is decided on one candidate after the other, so it should stand
// behind a condition that leaves few. No query string can ask for it; fences do.
type Derived struct {
	Name string
	From func(entries []Entry, look Lookup) Condition
}

// Holds and Never are what a Derived comes to when it is decided.
var (
	Holds Condition = All{}
	Never Condition = Either{}
)

func (Derived) isCondition() {}
func (Terms) isCondition()   {}
func (Not) isCondition()     {}
func (All) isCondition()     {}
func (Either) isCondition()  {}
func (Has) isCondition()     {}
func (Chain) isCondition()   {}
func (IDs) isCondition()     {}

// SortKey orders by the least (ascending) or greatest (descending) value of a parameter; resources without one come last.
// LastUpdated has Param ParamLastUpdated; _id has ByID.
type SortKey struct {
	Param      ParamID
	ByID       bool
	Descending bool

	// Marked says that resources with several values of Param have an entry SeveralValue of Param|ParamAside, so that any
	// other has one value at most.
	Marked bool
}

// Include is one _include or _revinclude.
type Include struct {
	Reverse bool
	Source  fhir.Type // type that holds the reference; for a forward include normally Query.Type
	Param   ParamID   // its reference parameter; a wildcard is bound to one Include for each
	Target  fhir.Type // "" = any
	Iterate bool      // also apply it to what was included, until nothing new comes
}

// ReferenceValue is the entry value of a reference to key on this server; engine and index share it.
// It is 'r', type name, 0, id. Others (absolute URLs elsewhere, urn:) are 'u' and the text.
func ReferenceValue(key fhir.Key) []byte {
	b := make([]byte, 0, 2+len(key.Type)+len(key.ID))
	b = append(b, 'r')
	b = append(b, key.Type...)
	b = append(b, 0)
	return append(b, key.ID...)
}

// ReferenceKey reads a value of ReferenceValue; ok is false for references to elsewhere.
func ReferenceKey(value []byte) (key fhir.Key, ok bool) {
	if len(value) == 0 || value[0] != 'r' {
		return key, false
	}
	for i := 1; i < len(value); i++ {
		if value[i] == 0 {
			return fhir.Key{Type: fhir.Type(value[1:i]), ID: fhir.ID(value[i+1:])}, true
		}
	}
	return key, false
}
