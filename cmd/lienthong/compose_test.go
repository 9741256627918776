package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir/fhirtest"
)

// The commands of docker-compose.yml are commands of this binary, and the secrets that they name are handed to them.
func TestComposeFileStartsWhatThereIs(t *testing.T) {
	root, err := fhirtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(root, "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Build   string
			Command []string
			Secrets []string
		}
		Secrets map[string]struct{ File string }
	}
	if err := yaml.UnmarshalWithOptions(raw, &file, yaml.AllowDuplicateMapKey()); err != nil {
		t.Fatal(err)
	}
	ours := 0
	for name, s := range file.Services {
		if s.Build == "" {
			continue // not our image
		}
		ours++
		parses(t, name, s.Command)
		for _, arg := range s.Command {
			if _, secret, ok := strings.Cut(arg, "=/run/secrets/"); ok && !strings.Contains(fmt.Sprint(s.Secrets), secret) {
				t.Errorf("%s reads the secret %s and is not given it", name, secret)
			}
		}
		for _, secret := range s.Secrets {
			path := file.Secrets[secret].File
			if _, otherwise, ok := strings.Cut(path, ":-"); ok {
				path = strings.TrimSuffix(otherwise, "}")
			}
			path = filepath.Join(root, path)
			var err error
			switch secret {
			case "gateway-account":
				_, err = (config.Gateway{Credentials: path}).Accounts()
			case "log-uri":
				_, err = (config.Log{URIFile: path}).Address()
			default:
				t.Errorf("%s: nobody has tried the secret %s", name, secret)
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if ours < 3 {
		t.Errorf("%d services run this binary, want two servers and the mock", ours)
	}
}

// parses demands that arguments are understood; nothing is run.
func parses(t *testing.T, name string, args []string) {
	t.Helper()
	parser, err := newParser(t.Context(), io.Discard, io.Discard, func(int) { t.Errorf("%s asks for help", name) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Errorf("%s: %v: %q", name, err, args)
	}
}
