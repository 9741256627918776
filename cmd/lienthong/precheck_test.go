package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/lienthong/lienthong/fhir/fhirtest"
)

func TestPrecheckTellsWhatItFindsByExitCode(t *testing.T) {
	samples := fhirtest.Data(t, "domain", "claim-xml", "samples")
	raw, err := os.ReadFile(filepath.Join(samples, "outpatient.xml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	warned := file("bom.xml", "\uFEFF"+string(raw))
	wrong := file("wrong.xml", strings.Replace(string(raw), "<MACSKCB>51901", "<MACSKCB>51902", 1))
	broken := file("broken.xml", string(raw[:200]))
	book := filepath.Join(dir, "out.xlsx")
	for _, c := range []struct {
		args []string
		code int
		want string // in the output
	}{
		{[]string{samples}, 0, "16 files, 18 episodes: 0 errors, 0 warnings"},
		{[]string{warned}, exitWarnings, "ENC-01"},
		{[]string{warned, wrong}, exitErrors, "Mã cơ sở trong phong bì khác XML1"},
		{[]string{"--lang", "en", wrong}, exitErrors, "Facility code in the envelope differs from XML1"},
		{[]string{broken, wrong}, exitUnreadable, "ENV-01"},
		{[]string{broken, wrong}, exitUnreadable, "ENV-03"},
		{[]string{"--format", "json", broken}, exitUnreadable, `"rule":"ENV-03","severity":"error","table":"envelope","row":0,"field":"","message":"Nội dung tệp không đọc được"`},
		{[]string{filepath.Join(dir, "none.xml")}, exitUnreadable, "1 files, 0 episodes: 1 errors"},
		{[]string{"--format", "xlsx", "--output", book, wrong}, exitErrors, ""},
		{[]string{"--format", "pdf", wrong}, exitNoPrecheck, ""},
		{[]string{"--output", filepath.Join(dir, "no", "such", "folder"), wrong}, exitNoPrecheck, ""},
		{nil, exitNoPrecheck, ""},
	} {
		var out, stderr bytes.Buffer
		err := run(t.Context(), append([]string{"precheck"}, c.args...), &out, &stderr)
		if exitCode(err) != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("%v: code %d, %v\n%s", c.args, exitCode(err), err, out.String())
		}
	}
	var out, stderr bytes.Buffer
	for lang, want := range map[string]string{"vi": "Tệp không phải là tệp hồ sơ", "en": "The file is no claim envelope"} {
		stderr.Reset()
		if _ = run(t.Context(), []string{"precheck", "--lang", lang, broken}, &out, &stderr); !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: %s", lang, stderr.String())
		}
	}
	out.Reset()
	if err := run(t.Context(), []string{"precheck", "--format", "json", wrong}, &out, &stderr); exitCode(err) != exitErrors {
		t.Error(err)
	}
	var line struct {
		File, Rule, Severity, Table, Field, Message string
		Row                                         int
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.File != wrong || line.Rule != "ENV-01" || line.Severity != "error" || line.Table != "envelope" || line.Field != "MACSKCB" {
		t.Errorf("%v %s", err, out.String())
	}
	f, err := excelize.OpenFile(book)
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := f.GetRows("precheck"); err != nil || len(rows) != 2 || rows[1][1] != "ENV-01" {
		t.Errorf("%v %v", rows, err)
	}
}
