package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

func main() {
	definitions := flag.String("definitions", "", "folder with valuesets.json.gz and its neighbours")
	out := flag.String("out", "content_gen.zst", "file to write")
	plain := flag.Bool("text", false, "write the text uncompressed")
	flag.Parse()
	text, err := content(*definitions)
	if err == nil && !*plain {
		text, err = pack(text)
	}
	if err == nil {
		err = os.WriteFile(*out, text, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// pack compresses as small as it goes: the file is written once a year and read by each process.
func pack(text []byte) ([]byte, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(4<<20))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return z.EncodeAll(text, nil), nil
}

// content reads the definitions and gives the text.
func content(definitions string) ([]byte, error) {
	d := definitionSet{codeSystems: map[string]codeSystem{}, valueSets: map[string]valueSet{}}
	for _, name := range []string{"valuesets", "v3-codesystems", "v2-tables"} {
		if err := d.readBundle(filepath.Join(definitions, name+".json.gz")); err != nil {
			return nil, err
		}
	}
	if err := d.readPublished(filepath.Join(definitions, "examples.tar.gz")); err != nil {
		return nil, err
	}
	return d.text(), nil
}

// definitionSet holds what was read, by url.
type definitionSet struct {
	codeSystems map[string]codeSystem
	valueSets   map[string]valueSet
}

// gunzip gives a gzipped file's content.
func gunzip(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return raw, nil
}

func (d *definitionSet) readBundle(name string) error {
	raw, err := gunzip(name)
	if err != nil {
		return err
	}
	var bundle struct {
		Entry []struct{ Resource json.RawMessage }
	}
	if err := json.Unmarshal(raw, &bundle); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, e := range bundle.Entry {
		if err := d.add(e.Resource, false); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// readPublished replaces definitions by HL7's own files of them.
func (d *definitionSet) readPublished(name string) error {
	raw, err := gunzip(name)
	if err != nil {
		return err
	}
	for files := tar.NewReader(bytes.NewReader(raw)); ; {
		h, err := files.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		base := path.Base(h.Name)
		if !strings.HasSuffix(base, ".json") || !strings.HasPrefix(base, "codesystem-") && !strings.HasPrefix(base, "valueset-") {
			continue
		}
		one, err := io.ReadAll(files)
		if err == nil {
			err = d.add(one, true)
		}
		if err != nil {
			return fmt.Errorf("%s: %s: %w", name, h.Name, err)
		}
	}
}

// add keeps one definition; with replace only if it is the same version of one that is there.
func (d *definitionSet) add(raw []byte, replace bool) error {
	var head struct{ ResourceType, URL, Version, Copyright string }
	if err := json.Unmarshal(raw, &head); err != nil {
		return err
	}
	if foreign(head.Version) || strings.Contains(head.Copyright, "No part of this work may be reproduced") {
		return nil
	}
	switch head.ResourceType {
	case "CodeSystem":
		return put(d.codeSystems, raw, head.URL, head.Version, replace)
	case "ValueSet":
		return put(d.valueSets, raw, head.URL, head.Version, replace)
	}
	return nil
}

// foreign tells versions of FHIR after R4. The tables of HL7 v2 (2.9, 0360) and v3 (2018-08-12) have versions of their own.
func foreign(version string) bool {
	return strings.HasPrefix(version, "5.") || strings.HasPrefix(version, "6.") || strings.HasPrefix(version, "4.3.")
}

func put[T interface{ version() string }](in map[string]T, raw []byte, url, version string, replace bool) error {
	if old, known := in[url]; replace && (!known || old.version() != version) {
		return nil
	}
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	in[url] = v
	return nil
}
