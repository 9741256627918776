package commitlog_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"pgregory.net/rapid"
)

// commits generates any commit that the pipeline could decide, and some that it would not.
func commits() *rapid.Generator[commitlog.Commit] {
	return rapid.Custom(func(t *rapid.T) commitlog.Commit {
		var c commitlog.Commit
		copy(c.ID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		c.T = fhir.T(rapid.Uint64().Draw(t, "t"))
		c.At = fhir.Instant(rapid.Int64().Draw(t, "at"))
		if rapid.Bool().Draw(t, "shared") {
			copy(c.Prev[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "prev"))
			c.Sum = commitlog.Sum{Definition: rapid.Uint32().Draw(t, "definition"), Rows: rapid.Uint64().Draw(t, "rows")}
		}
		for range rapid.IntRange(0, 4).Draw(t, "writes") {
			w := commitlog.Write{
				Key:     fhir.Key{Type: fhir.Type(rapid.String().Draw(t, "type")), ID: fhir.ID(rapid.String().Draw(t, "id"))},
				Version: fhir.Version(rapid.Uint64().Draw(t, "version")),
				Method:  rapid.Byte().Draw(t, "method"),
				Sender:  rapid.String().Draw(t, "sender"),
			}
			if doc := rapid.SliceOf(rapid.Byte()).Draw(t, "doc"); len(doc) > 0 {
				w.Document = doc
			}
			for range rapid.IntRange(0, 2).Draw(t, "unique") {
				w.Unique = append(w.Unique, rapid.String().Draw(t, "key"))
			}
			c.Writes = append(c.Writes, w)
		}
		for range rapid.IntRange(0, 3).Draw(t, "records") {
			r := commitlog.Record{Space: rapid.String().Draw(t, "space"), Key: rapid.String().Draw(t, "key")}
			if rapid.Bool().Draw(t, "set") {
				r.Value = append([]byte{}, rapid.SliceOf(rapid.Byte()).Draw(t, "value")...)
			}
			c.Records = append(c.Records, r)
		}
		return c
	})
}

func TestCommitSurvivesItsEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := commits().Draw(t, "commit")
		got, err := commitlog.DecodeCommit(commitlog.AppendCommit(nil, &c))
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Fatalf("LOSSLESS: %+v became %+v, %v", c, got, err)
		}
		head, err := commitlog.DecodeHeader(commitlog.AppendHeader(nil, &c))
		c.T = 0
		for i := range c.Writes {
			c.Writes[i].Document = nil
		}
		if err != nil || !reflect.DeepEqual(head, c) {
			t.Fatalf("header: %+v became %+v, %v", c, head, err)
		}
	})
}

// FuzzDecode feeds foreign bytes: no panic, no runaway memory, and what is accepted encodes to the same bytes or
// to a shorter form of the same commit.
func FuzzDecode(f *testing.F) {
	c := commitlog.Commit{At: 5, Writes: []commitlog.Write{{Key: fhir.Key{Type: "Patient", ID: "p1"}, Version: 1, Method: 1, Unique: []string{"u"}, Document: []byte("{}")}}, Records: []commitlog.Record{{Space: "s", Key: "k"}}}
	f.Add(commitlog.AppendCommit(nil, &c))
	c.Prev, c.Sum.Rows = commitlog.ID{1}, 7
	f.Add(commitlog.AppendCommit(nil, &c))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := commitlog.DecodeCommit(raw)
		if err != nil {
			return
		}
		again, err := commitlog.DecodeCommit(commitlog.AppendCommit(nil, &c))
		if err != nil || !reflect.DeepEqual(c, again) {
			t.Fatalf("%x: %+v became %+v, %v", raw, c, again, err)
		}
		if !bytes.Equal(commitlog.AppendCommit(nil, &c), commitlog.AppendCommit(nil, &again)) {
			t.Fatal("two encodings of one commit")
		}
	})
}
