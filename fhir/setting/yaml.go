package setting

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

// ParseYAML reads a file of YAML, or of JSON, into what into points to. A field that into does not have is an error, so that a
// misspelt one is not passed over; an empty file sets nothing. Errors say the place, as in "[2:3] unknown field", and nothing of
// what the file holds, since it may hold names or secrets. The library panics on some files that are no YAML of this shape: that is
// an error here too, so no file stops the server.
func ParseYAML(file []byte, into any) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = errors.New("it is no YAML of the shape that is expected")
		}
	}()
	if err := yaml.UnmarshalWithOptions(file, into, yaml.Strict()); err != nil {
		place, _, _ := strings.Cut(yaml.FormatError(err, false, false), "\n")
		return fmt.Errorf("it is no YAML of the shape that is expected: %s", place)
	}
	return nil
}
