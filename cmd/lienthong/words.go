package main

import (
	"errors"
	"strings"
	"syscall"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
)

// words gives an error as people read it: the catalogue's text where it has a code, with what the code cannot know. The
// causes are shown too: whoever starts the command is the operator.
func words(err error) string { return wordsIn(outcome.English, err) }

// wordsIn is words in a language; causes stay as they are.
func wordsIn(l outcome.Language, err error) string {
	e, ok := errors.AsType[*fhir.Error](err)
	if !ok {
		return err.Error()
	}
	if _, known := outcome.Lookup(e.Code); !known || e.Kind == fhir.Internal {
		return err.Error()
	}
	text := outcome.Text(e.Code, l, e.Args...)
	if e.Path != "" {
		text += " (" + e.Path + ")"
	}
	if e.Err != nil && !errors.Is(e.Err, syscall.EAGAIN) { // a lock that somebody holds is what the text is about
		text = strings.TrimSuffix(text, ".") + ": " + e.Err.Error()
	}
	return text
}
