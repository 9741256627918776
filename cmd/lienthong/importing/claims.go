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
		bundle, err := f.episode(head, h)
		if err != nil {
			f.badEpisode(n, h.MaLK(), err)
			return ctx.Err()
		}
		return f.transaction(bundle, h.MaCSKCB()+"|"+h.MaLK(), n-1, emit)
	})
	return err
}

// episode gives the transaction, or why there is none: what a table holds that cannot be read, or belongs to another
// episode, would be lost without a word. Everything else is for the pre-checks, which hold the claim.
func (f *file) episode(head hoso.File, h hoso.HoSo) ([]byte, error) {
	for _, x := range hoso.CheckEpisode(&head, h, hoso.CheckOptions{}) {
		switch x.Rule {
		case "ENV-03", "ENV-04", "ENV-05":
			return nil, fhir.Errorf(fhir.Unprocessable, "bhxh-episode-refused", x.Path(), x.Rule)
		}
	}
	if err := wholly(h); err != nil {
		return nil, err
	}
	return mapping.Episode(h, mapping.EpisodeOptions{Systems: f.systems})
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
		bundle, err := mapping.CheckIn(row, mapping.EpisodeOptions{Systems: f.systems})
		if err != nil {
			f.badEpisode(i+1, row.Get("MA_LK"), err)
			continue
		}
		if err := f.transaction(bundle, row.Get("MA_CSKCB")+"|"+row.Get("MA_LK"), i, emit); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) transaction(bundle []byte, episode string, at int, emit func(*parcel) error) error {
	doc, err := resource.Parse(bundle, limits)
	if err != nil {
		return err
	}
	p := &parcel{file: f, body: bundle, atomic: true, episode: episode}
	for e := range doc.Root().Get("entry").Elements() {
		p.items = append(p.items, item{typ: typeOf(e), label: strings.Clone(e.Get("request").Get("url").Text()), at: at})
	}
	if err := emit(p.seal()); err != nil {
		return fmt.Errorf("%w: %w", errEmit, err)
	}
	return nil
}
