package importing

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/resource"
)

// isClaims tells a claim file by its name, or by its first character.
func (f *file) isClaims(r *bufio.Reader) bool {
	head, _ := r.Peek(512)
	head = bytes.TrimLeft(head, " \t\r\n")
	return kindOf(f.path) == ".xml" || bytes.HasPrefix(head, []byte("<")) || bytes.HasPrefix(head, []byte("\xFF\xFE<\x00")) || bytes.HasPrefix(head, []byte("\xFE\xFF\x00<"))
}

// claims makes a transaction of each episode of a claim file. One that cannot be taken costs only itself.
func (f *file) claims(ctx context.Context, r io.Reader, emit func(*parcel) error) error {
	lim := hoso.DefaultLimits()
	lim.HoSo = 1_000_000
	n := 0
	_, err := hoso.Scan(r, lim, func(head hoso.File, raw hoso.Raw) error {
		h := raw.Read(lim)
		if head.Bare {
			return f.checkIns(h, emit)
		}
		n++
		if err := f.whole(head, h); err != nil {
			f.badEpisode(n, h.MaLK(), err)
			return ctx.Err()
		}
		at := n - 1
		p, err := f.transaction(at, func(o mapping.EpisodeOptions) ([]byte, error) { return mapping.Episode(h, o) })
		if err != nil {
			f.badEpisode(n, h.MaLK(), err)
			return ctx.Err()
		}
		p.episode = h.MaCSKCB() + "|" + h.MaLK()
		return emitted(emit(p))
	})
	return err
}

// whole says why an episode is not taken: what a table holds that cannot be read, or belongs to another
// episode, would be lost without a word. Everything else is for the pre-checks, which hold the claim.
func (f *file) whole(head hoso.File, h hoso.HoSo) error {
	for _, x := range hoso.CheckEpisode(&head, h, hoso.CheckOptions{}) {
		switch x.Rule {
		case "ENV-03", "ENV-04", "ENV-05":
			return fhir.Errorf(fhir.Unprocessable, "bhxh-episode-refused", x.Path(), x.Rule)
		}
	}
	return wholly(h)
}

// wholly refuses what has elements that no table of the decision has (FLD-05): they would be lost without a word.
func wholly(h hoso.HoSo) error {
	for _, t := range h.Tables {
		if lost := t.Dropped(); len(lost) > 0 {
			return fhir.Errorf(fhir.Unprocessable, "bhxh-element-unknown", lost[0], strings.Join(lost, ", "))
		}
	}
	return nil
}

// checkIns makes a transaction of each row of a check-in file.
func (f *file) checkIns(h hoso.HoSo, emit func(*parcel) error) error {
	rows := h.Rows(hoso.XML0)
	if len(rows) == 0 {
		return fhir.Errorf(fhir.Unprocessable, "bhxh-no-episode", "")
	}
	if err := wholly(h); err != nil {
		return err
	}
	for i, row := range rows {
		p, err := f.transaction(i, func(o mapping.EpisodeOptions) ([]byte, error) { return mapping.CheckIn(row, o) })
		if err != nil {
			f.badEpisode(i+1, row.Get("MA_LK"), err)
			continue
		}
		p.episode = row.Get("MA_CSKCB") + "|" + row.Get("MA_LK")
		if err := emitted(emit(p)); err != nil {
			return err
		}
	}
	return nil
}

// transaction is the parcel of what build gives, and knows what it gives for a patient who is registered already.
func (f *file) transaction(at int, build func(mapping.EpisodeOptions) ([]byte, error)) (*parcel, error) {
	parcelOf := func(known bool) (*parcel, error) {
		bundle, err := build(mapping.EpisodeOptions{Systems: f.systems, Known: known})
		if err != nil {
			return nil, err
		}
		doc, err := resource.Parse(bundle, limits)
		if err != nil {
			return nil, err
		}
		p := &parcel{file: f, body: bundle, atomic: true}
		for e := range doc.Root().Get("entry").Elements() {
			p.items = append(p.items, item{typ: typeOf(e), label: strings.Clone(e.Get("request").Get("url").Text()), at: at})
		}
		return p.seal(), nil
	}
	p, err := parcelOf(false)
	if err == nil {
		p.known = func() (*parcel, error) { return parcelOf(true) }
	}
	return p, err
}

// emitted marks an error of emit: it is not the file's.
func emitted(err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", errEmit, err)
	}
	return nil
}
