package importing

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Bounds of a batch that is made here from single resources.
const (
	batchEntries = 400
	batchBytes   = 4 << 20
)

// limits of a document that is read from a file: the user's own, so only the machine's memory is guarded.
var limits = resource.Limits{Bytes: 2 << 30, Depth: 64, Nodes: 64 << 20}

// file is a source while it is being imported. When pending comes to 0 all of it was answered.
type file struct {
	source
	hash    string       // SHA-256 of the bytes on disk, known when all was read
	pending atomic.Int64 // parcels that wait for an answer, and 1 while it is still being read
	failed  atomic.Bool
	badLine func(n int, err error) // told of each line of NDJSON that cannot be taken, n from 1
	// badEpisode is told of each episode of a claim file that cannot be taken, n from 1.
	badEpisode func(n int, maLK string, err error)
	systems    mapping.Systems
}

// item is what the report needs to know about one entry of a parcel.
type item struct {
	typ   fhir.Type
	label string // "Patient/p1" or the entry's fullUrl
	at    int    // index in the file, from 0: entry of the bundle, line of the NDJSON
}

// parcel is one request to be.
type parcel struct {
	file   *file
	body   []byte // a Bundle of type transaction or batch
	hash   string // SHA-256 of body, in hex
	atomic bool   // transaction
	items  []item

	episode string // of a claim file: whose parcels go out one after the other; "" = any time
	turn    turn
	known   func() (*parcel, error) // the same for a patient who is registered already; nil: there is no such thing
}

// read takes the file apart and hands its parcels to emit.
func (f *file) read(ctx context.Context, emit func(*parcel) error) error {
	in, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer in.Close()
	sum := sha256.New()
	raw := io.TeeReader(in, sum)
	plain, err := decompress(raw)
	if err != nil {
		return fmt.Errorf("cannot be unpacked: %w", err)
	}
	if err := f.split(ctx, plain, emit); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, raw); err != nil {
		return err
	}
	f.hash = hexOf(sum)
	return nil
}

func hexOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// decompress looks at the first bytes: gzip, bzip2, or neither. A byte order mark is taken off.
func decompress(r io.Reader) (*bufio.Reader, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, _ := b.Peek(3)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, err
		}
		b = bufio.NewReaderSize(z, 64<<10)
	case bytes.HasPrefix(head, []byte("BZh")):
		b = bufio.NewReaderSize(bzip2.NewReader(b), 64<<10)
	}
	if head, _ := b.Peek(3); bytes.Equal(head, []byte("\xef\xbb\xbf")) {
		if _, err := b.Discard(3); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// split tells NDJSON from one document: by the file's name, or since it has a whole object on its first line and more
// after it.
func (f *file) split(ctx context.Context, r *bufio.Reader, emit func(*parcel) error) error {
	if f.isClaims(r) {
		return f.claims(ctx, r, emit)
	}
	if isLines(f.path) {
		return f.lines(ctx, r, emit)
	}
	first, err := r.ReadBytes('\n')
	if err != nil && err != io.EOF {
		return fmt.Errorf("cannot be read: %w", err)
	}
	if err == io.EOF {
		return f.document(first, emit)
	}
	if _, parseErr := resource.Parse(bytes.TrimSpace(first), limits); parseErr == nil {
		rest, err := r.ReadBytes('\n')
		for err == nil && len(bytes.TrimSpace(rest)) == 0 {
			rest, err = r.ReadBytes('\n')
		}
		if err != nil && err != io.EOF {
			return fmt.Errorf("cannot be read: %w", err)
		}
		if len(bytes.TrimSpace(rest)) == 0 {
			return f.document(first, emit)
		}
		return f.lines(ctx, io.MultiReader(bytes.NewReader(first), bytes.NewReader(rest), r), emit)
	}
	all, err := io.ReadAll(io.LimitReader(r, limits.Bytes))
	if err != nil {
		return fmt.Errorf("cannot be read: %w", err)
	}
	return f.document(append(first, all...), emit)
}

// document handles a file that is one JSON object.
func (f *file) document(raw []byte, emit func(*parcel) error) error {
	doc, err := resource.Parse(raw, limits)
	if err != nil {
		return err
	}
	root := doc.Root()
	if root.ResourceType() != "Bundle" {
		b := batch{file: f, emit: emit}
		if err := b.add(root, 0); err != nil {
			return err
		}
		return b.flush()
	}
	switch kind := root.Get("type").Text(); kind {
	case "transaction", "batch":
		p := &parcel{file: f, body: raw, atomic: kind == "transaction"}
		i := 0
		for e := range root.Get("entry").Elements() {
			p.items = append(p.items, item{typ: typeOf(e), label: labelOf(e), at: i})
			i++
		}
		return emit(p.seal())
	}
	b := batch{file: f, emit: emit}
	i := 0
	for e := range root.Get("entry").Elements() {
		if res := e.Get("resource"); res.Kind() == resource.Object {
			if err := b.add(res, i); err != nil {
				return fmt.Errorf("entry %d: %w", i+1, err)
			}
		}
		i++
	}
	return b.flush()
}

// lines handles NDJSON. Its lines have nothing to do with each other: one that cannot be taken costs only itself. When the
// file itself ends in the middle (a packed one that is cut short) what was whole before is kept.
func (f *file) lines(ctx context.Context, in io.Reader, emit func(*parcel) error) error {
	b := batch{file: f, emit: emit}
	r := bufio.NewReaderSize(in, 64<<10)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return errors.Join(b.flush(), fmt.Errorf("cannot be read from line %d on: %w", n, err))
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			doc, bad := resource.Parse(line, limits)
			if bad == nil {
				bad = b.add(doc.Root(), n-1)
			}
			if errors.Is(bad, errEmit) {
				return bad
			}
			if bad != nil {
				f.badLine(n, bad)
			}
		}
		if err == io.EOF {
			return b.flush()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// errEmit marks an error that is not the data's: the import ends.
var errEmit = errors.New("the import ended")

// batch gathers single resources into parcels of PUT entries.
type batch struct {
	file *file
	emit func(*parcel) error
	p    *parcel
}

const batchHead = `{"resourceType":"Bundle","type":"batch","entry":[`

var errNoResource = errors.New("this is no FHIR resource: it has no resourceType")

func (b *batch) add(res resource.Value, at int) error {
	typ := string(res.ResourceType())
	if typ == "" {
		return errNoResource
	}
	raw := res.Raw()
	id, ok := res.ID()
	if !ok {
		sum := sha256.Sum256(raw)
		id = "imp-" + hex.EncodeToString(sum[:20])
		raw = append([]byte(`{"id":"`+id+`",`), bytes.TrimLeft(raw[1:], " \t\r\n")...)
	}
	if b.p != nil && (len(b.p.items) >= batchEntries || len(b.p.body)+len(raw) > batchBytes) {
		if err := b.flush(); err != nil {
			return err
		}
	}
	if b.p == nil {
		b.p = &parcel{file: b.file, body: []byte(batchHead)}
	} else {
		b.p.body = append(b.p.body, ',')
	}
	b.p.body = append(b.p.body, `{"resource":`...)
	b.p.body = append(b.p.body, raw...)
	b.p.body = append(b.p.body, `,"request":{"method":"PUT","url":`...)
	b.p.body = strconv.AppendQuote(b.p.body, typ+"/"+id)
	b.p.body = append(b.p.body, "}}"...)
	b.p.items = append(b.p.items, item{typ: fhir.Type(strings.Clone(typ)), label: strings.Clone(typ + "/" + id), at: at})
	return nil
}

func (b *batch) flush() error {
	if b.p == nil {
		return nil
	}
	p := b.p
	b.p = nil
	p.body = append(p.body, "]}"...)
	if err := b.emit(p.seal()); err != nil {
		return fmt.Errorf("%w: %w", errEmit, err)
	}
	return nil
}

// seal computes the hash by which the parcel is known.
func (p *parcel) seal() *parcel {
	sum := sha256.Sum256(p.body)
	p.hash = hex.EncodeToString(sum[:])
	return p
}

// pick gives a batch of only some of the entries, for those that failed the last time.
func (p *parcel) pick(entries []int) (*parcel, error) {
	doc, err := resource.Parse(p.body, limits)
	if err != nil {
		return nil, err
	}
	q := &parcel{file: p.file, hash: p.hash, body: []byte(batchHead)}
	i, next := 0, 0
	for e := range doc.Root().Get("entry").Elements() {
		if next < len(entries) && entries[next] == i {
			if next > 0 {
				q.body = append(q.body, ',')
			}
			q.body = append(q.body, e.Raw()...)
			q.items = append(q.items, p.items[i])
			next++
		}
		i++
	}
	q.body = append(q.body, "]}"...)
	return q, nil
}

// typeOf gives the type that an entry is about.
func typeOf(entry resource.Value) fhir.Type {
	if t := entry.Get("resource").ResourceType(); t != "" {
		return fhir.Type(strings.Clone(string(t)))
	}
	url := entry.Get("request").Get("url").Text()
	if i := strings.IndexAny(url, "/?"); i >= 0 {
		url = url[:i]
	}
	return fhir.Type(strings.Clone(url))
}

func labelOf(entry resource.Value) string {
	if s := entry.Get("fullUrl").Text(); s != "" {
		return strings.Clone(s)
	}
	return strings.Clone(entry.Get("request").Get("url").Text())
}
