package search

import (
	"encoding/binary"

	"github.com/lienthong/lienthong/fhir"
)

// Member is who belongs to a Group or CareTeam, as the value of ParamMember carries it: one entry for each.
type Member struct {
	Key        fhir.Key
	Start, End int64 // in milliseconds, inclusive; NoStart and NoEnd
	// Unsaid, of an entry with nothing else, says that there may be members that are not named: the group is described by
	// what its members have in common, or it is not in use.
	Unsaid bool
}

const (
	memberNamed  = 'm'
	memberUnsaid = 'u'
)

// AppendMember appends the value of a member.
func AppendMember(dst []byte, m Member) []byte {
	if m.Unsaid {
		return append(dst, memberUnsaid)
	}
	dst = binary.AppendVarint(binary.AppendVarint(append(dst, memberNamed), m.Start), m.End)
	return append(dst, ReferenceValue(m.Key)...)
}

// ReadMember is the inverse of AppendMember. What it cannot read is Unsaid.
func ReadMember(value []byte) Member {
	if len(value) == 0 || value[0] != memberNamed {
		return Member{Unsaid: true}
	}
	rest := value[1:]
	var out Member
	for _, to := range []*int64{&out.Start, &out.End} {
		v, n := binary.Varint(rest)
		if n <= 0 {
			return Member{Unsaid: true}
		}
		*to, rest = v, rest[n:]
	}
	var ok bool
	if out.Key, ok = ReferenceKey(rest); !ok {
		return Member{Unsaid: true}
	}
	return out
}
