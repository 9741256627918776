package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/lienthong/lienthong/fhir/setting"
)

// yamlSettings reads a settings file for kong: a flat mapping from flag names, such as "gateway-url", to values.
func yamlSettings(r io.Reader) (kong.Resolver, error) {
	values := settings{}
	raw, err := io.ReadAll(r)
	if err == nil {
		err = setting.ParseYAML(raw, &values)
	}
	if err != nil {
		return nil, fmt.Errorf("the settings are no YAML mapping of flag names to values: %w", err)
	}
	return values, nil
}

// forgetEmptySettings takes empty LIENTHONG_ variables out of the environment: a composition or a unit file that passes on a variable
// which nobody has set means no setting, where kong would take an empty path for the working directory, and fail on an empty time.
func forgetEmptySettings() {
	for _, pair := range os.Environ() {
		if name, value, _ := strings.Cut(pair, "="); value == "" && strings.HasPrefix(name, "LIENTHONG_") {
			_ = os.Unsetenv(name) // its name is one
		}
	}
}

type settings map[string]any

// Validate refuses names that no command has: a misspelt setting must not be passed over.
func (s settings) Validate(app *kong.Application) error {
	known := map[string]bool{}
	var visit func(n *kong.Node)
	visit = func(n *kong.Node) {
		for _, f := range n.Flags {
			known[f.Name] = true
		}
		for _, child := range n.Children {
			visit(child)
		}
	}
	visit(app.Node)
	for name := range s {
		if !known[name] {
			return fmt.Errorf("the settings file has %q, which is no flag of any command", name)
		}
	}
	return nil
}

// Resolve gives the file's value of a flag, unless the environment has one.
func (s settings) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if slices.ContainsFunc(flag.Envs, func(name string) bool { _, set := os.LookupEnv(name); return set }) {
		return nil, nil
	}
	return s[flag.Name], nil
}
