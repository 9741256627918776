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
