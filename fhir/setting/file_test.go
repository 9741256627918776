package setting

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestAFileIsReadAgainAndABadOneLeavesWhatWasThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write := func(s string) {
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parse := func(b []byte) (string, error) {
		if string(b) == "bad" {
			return "", errors.New("bad")
		}
		return string(b), nil
	}
	if _, err := Open(path, parse, nil); err == nil {
		t.Fatal("a file that is not there was opened")
	}
	write("bad")
	if _, err := Open(path, parse, nil); err == nil {
		t.Fatal("a bad file was opened")
	}
	write("one")
	var reported []error
	f, err := Open(path, parse, func(err error) { reported = append(reported, err) })
	if err != nil || f.Get() != "one" {
		t.Fatal(err)
	}
	f.now = f.now.later()
	write("second")
	if f.Get() != "second" {
		t.Error("a change was not seen")
	}
	for range 3 {
		write("bad")
		f.now = f.now.later()
		if f.Get() != "second" {
			t.Error("a bad file took the place of a good one")
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		f.now = f.now.later()
		if f.Get() != "second" {
			t.Error("a file that went took the setting with it")
		}
	}
	if n := len(reported); n < 2 || n > 4 {
		t.Errorf("%d reports of two faults: %v", n, reported)
	}
	write("third")
	f.now = f.now.later()
	if f.Get() != "third" {
		t.Error("a file that came back was not seen")
	}
}
