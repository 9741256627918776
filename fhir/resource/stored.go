package resource

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/lienthong/lienthong/fhir"
)

// Stored is a resource as the store keeps it: as it was sent, with its id set, without meta.versionId and
// meta.lastUpdated, and with the place where they go when it is served. Neither the number nor the time of the commit is
// needed before the commit, and nothing is serialised again.
//
// Two documents that differ in versionId and lastUpdated only are Equal, so that writing back what was read is no change.
type Stored struct {
	Body []byte // JSON text of one object; whoever holds a Stored must not change it
	At   int    // offset into Body
	Form uint8  // what goes there: FormMembers or FormMeta; 0 only in the zero Stored
}

const (
	FormMembers uint8 = 1 + iota // "versionId":"3","lastUpdated":"…", as first members of the meta that was sent
	FormMeta                     // ,"meta":{"versionId":"3","lastUpdated":"…"} right after the id
)

// Store gives the stored form of v, a resource: the root or the resource of an entry. It does not change the document.
//
// The id is put in the place of the one sent, or right after resourceType. Replacements by ReplaceString are applied.
// A meta of which nothing is left is taken out; everything else is kept byte for byte.
func (v Value) Store(id fhir.ID) Stored {
	if v.Kind() != Object {
		return Stored{}
	}
	var room [16]splice
	s := room[:0]

	// What goes out: versionId and lastUpdated, and then the meta itself if it would be empty.
	var meta, metaLeft Value
	for c := v.First(); c.d != nil; c = c.Next() {
		if c.Name() == "meta" {
			meta = c
			break
		}
	}
	if meta.Kind() == Object {
		for c := meta.First(); c.d != nil; c = c.Next() {
			if !isStamp(c.Name()) {
				metaLeft = c
				break
			}
		}
	}
	form := FormMeta
	if meta.d != nil {
		if metaLeft.d != nil {
			form = FormMembers
			at := meta.node().start + 1
			s = append(s, splice{from: at, to: at, mark: true})
			s = meta.takeOut(s, func(c Value) bool { return isStamp(c.Name()) })
		} else {
			s = v.takeOut(s, func(c Value) bool { return c == meta })
		}
	}

	// What goes in: the id, and the mark behind it if there is no meta to go into.
	mark := func(at uint32) {
		if form == FormMeta {
			s = append(s, splice{from: at, to: at, mark: true})
		}
	}
	if old := v.Get("id"); old.d != nil {
		n := old.node()
		if n.kind != String || old.Text() != string(id) || n.flags&(flagEdited|flagEscaped) != 0 {
			s = append(s, splice{from: n.start, to: n.end, text: quote(string(id))})
		}
		mark(n.end)
	} else if typ := v.Get("resourceType"); typ.d != nil {
		at := typ.node().end
		s = append(s, splice{from: at, to: at, text: append([]byte(`,"id":`), quote(string(id))...)})
		mark(at)
	} else {
		at := v.node().start + 1
		s = append(s, splice{from: at, to: at, text: append([]byte(`"id":`), quote(string(id))...)})
		mark(at)
		if n := v.Len(); n > 1 || n == 1 && (meta.d == nil || form == FormMembers) {
			s = append(s, splice{from: at, to: at, text: []byte{','}})
		}
	}
	s = v.appendEdits(s)
	slices.SortStableFunc(s, func(a, b splice) int {
		if a.from != b.from {
			return int(a.from) - int(b.from)
		}
		// What is put in at a place comes before what is taken out from there on.
		return bool2int(a.to > a.from) - bool2int(b.to > b.from)
	})
	return v.spliced(s, form)
}

func bool2int(b bool) int {
	if b {
		return 1
	}
	return 0
}

// isStamp says whether a member of meta is the server's own to write, or the companion of one that is.
func isStamp(name string) bool {
	return name == "versionId" || name == "lastUpdated" || name == "_versionId" || name == "_lastUpdated"
}

// takeOut adds the splices that remove members of the object v together with one comma each.
func (v Value) takeOut(s []splice, drop func(Value) bool) []splice {
	kept := false
	var prev Value
	for c := v.First(); c.d != nil; c = c.Next() {
		n := c.node()
		switch {
		case !drop(c):
			kept = true
		case kept: // with the comma before it
			s = append(s, splice{from: prev.node().end, to: n.end})
		default: // nothing is left before it: with the comma behind it, if there is one
			to := n.end
			if c.Next().d != nil {
				to += uint32(bytes.IndexByte(v.d.raw[n.end:], ',')) + 1
			}
			s = append(s, splice{from: n.name - 1, to: to})
		}
		prev = c
	}
	return s
}

// spliced copies v with the splices, which are in order; those that lie within one already applied are left out.
func (v Value) spliced(splices []splice, form uint8) Stored {
	n := v.node()
	size := int(n.end - n.start)
	for _, s := range splices {
		size += len(s.text)
	}
	out := Stored{Body: make([]byte, 0, size), Form: form}
	pos := n.start
	for _, s := range splices {
		if s.from < pos {
			continue
		}
		out.Body = append(out.Body, v.d.raw[pos:s.from]...)
		if s.mark {
			out.At = len(out.Body)
		}
		out.Body = append(out.Body, s.text...)
		pos = s.to
	}
	out.Body = append(out.Body, v.d.raw[pos:n.end]...)
	return out
}

// Append appends the document as it is served: with versionId and lastUpdated in its meta.
func (s Stored) Append(dst []byte, version fhir.Version, at fhir.Instant) []byte {
	if s.Form == 0 {
		return dst
	}
	dst = slices.Grow(dst, len(s.Body)+88)
	dst = append(dst, s.Body[:s.At]...)
	if s.Form == FormMeta {
		dst = append(dst, `,"meta":{`...)
	}
	dst = append(dst, `"versionId":"`...)
	dst = append(dst, version.String()...)
	dst = append(dst, `","lastUpdated":"`...)
	dst = at.AppendFormat(dst)
	if s.Form == FormMeta {
		dst = append(dst, `"}`...)
	} else {
		dst = append(dst, `",`...)
	}
	return append(dst, s.Body[s.At:]...)
}

// Equal says whether both are the same document byte for byte, apart from versionId and lastUpdated.
func (s Stored) Equal(o Stored) bool {
	return s.Form == o.Form && s.At == o.At && bytes.Equal(s.Body, o.Body)
}

// AppendEncoded appends the form in which the store keeps s: Form (1 byte), At (uvarint), Body.
func (s Stored) AppendEncoded(dst []byte) []byte {
	dst = slices.Grow(dst, len(s.Body)+1+binary.MaxVarintLen32)
	dst = binary.AppendUvarint(append(dst, s.Form), uint64(s.At))
	return append(dst, s.Body...)
}

// Encode gives the form in which the store keeps s.
func (s Stored) Encode() []byte { return s.AppendEncoded(nil) }

var errStored = errors.New("no encoded document")

// DecodeStored is the inverse of Encode. Body is a part of b, not a copy. The error has Kind Internal: the store is damaged.
func DecodeStored(b []byte) (Stored, error) {
	if len(b) > 0 && b[0] <= FormMeta {
		at, n := binary.Uvarint(b[1:])
		if body := b[1+max(n, 0):]; n > 0 && at <= uint64(len(body)) && (b[0] != 0 || len(body) == 0) {
			return Stored{Body: body, At: int(at), Form: b[0]}, nil
		}
	}
	return Stored{}, fhir.Wrap(fhir.Internal, "stored-damaged", errStored)
}
