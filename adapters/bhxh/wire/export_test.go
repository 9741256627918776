package wire

import (
	"bytes"
	"errors"
	"io"
)

// TokensBothWays gives the tokens of a text as the Decoder reads it, and as encoding/xml alone does; plain says whether the
// former came to the end without the latter.
func TokensBothWays(text []byte) (ours, theirs []string, ourErr, theirErr error, plain bool) {
	d := PlainDecoder(text)
	ours, ourErr = tokens(d)
	theirs, theirErr = tokens(&Decoder{parser: parser(bytes.NewReader(text))})
	return ours, theirs, ourErr, theirErr, d.parser == nil
}

func tokens(d *Decoder) (all []string, err error) {
	for {
		t, err := d.next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		if s := t.read + string(t.text); t.kind == charData {
			all = append(all, "text "+s)
		} else {
			all = append(all, map[tokenKind]string{startTag: "start ", endTag: "end "}[t.kind]+t.name)
		}
	}
}

// LeavesBothWays reads a text as an element with elements with text, as the Decoder does it and as encoding/xml alone.
func LeavesBothWays(text []byte) (ours, theirs []string, ourErr, theirErr error) {
	ours, ourErr = leaves(PlainDecoder(text))
	theirs, theirErr = leaves(&Decoder{parser: parser(bytes.NewReader(text))})
	return ours, theirs, ourErr, theirErr
}

func leaves(d *Decoder) (all []string, err error) {
	name, err := Root(d)
	if err != nil {
		return nil, err
	}
	err = Children(d, func(name string) error {
		text, err := Leaf(d, 100)
		all = append(all, name, text)
		return err
	})
	if err != nil {
		return nil, err
	}
	return append(all, name), End(d)
}
