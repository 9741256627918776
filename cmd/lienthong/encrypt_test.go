package main

import (
	"bytes"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
)

// ask runs a command within this process.
func ask(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), args, &out, &out)
	return out.String(), err
}

// holding gives the files below dir that hold text.
func holding(t *testing.T, dir, text string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(text)) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestEncryptionAtRest puts a synthetic person into a server in clear, makes an encrypted copy, serves it with a key that
// is rotated meanwhile, kills it, and looks through all that lies in the folder.
func TestEncryptionAtRest(t *testing.T) {
	enginetest.InFolder(t)
	const name, id = "Synthetic-Nguyễn-Văn-Thử", "051085000011"
	dir := t.TempDir()
	data, copied, key := filepath.Join(dir, "clear"), filepath.Join(dir, "sealed"), filepath.Join(dir, "store.key")
	serve := func(args ...string) *child {
		return startChild(t, append([]string{"serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0"}, args...)...)
	}
	put := func(c *child, patient string) {
		t.Helper()
		body := strings.NewReplacer("ID", id, "NAME", name, "PATIENT", patient).Replace(
			`{"resourceType":"Patient","id":"PATIENT","active":false,"name":[{"text":"NAME"}],"identifier":[{"system":"https://lienthong.example/sid/cccd","value":"ID"}]}`)
		if status, answer, err := exchange(http.MethodPut, c.info.FHIR+"/Patient/"+patient, body); err != nil || status != http.StatusCreated {
			t.Fatal(status, string(answer), err)
		}
	}
	server := serve("--data", data)
	put(server, "p1")
	server.kill()
	if holding(t, data, name) == nil || holding(t, data, id) == nil {
		t.Fatal("the search does not find what is there in clear")
	}

	if out, err := ask(t, "encryption-key", "new", key); err != nil {
		t.Fatal(out, err)
	}
	sealedAt := []string{"--data", copied, "--encryption-key", key}
	if out, err := ask(t, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", data, "--encryption-key", key); err == nil || !strings.Contains(words(err), "lienthong encrypt") {
		t.Fatal("a key on a store in clear: ", out, err)
	}
	if out, err := ask(t, "encrypt", "--from", data, "--to", copied, "--encryption-key", key); err != nil {
		t.Fatal(out, err)
	}
	if out, err := ask(t, "encrypt", "--from", data, "--to", copied, "--encryption-key", key); err == nil {
		t.Fatal("over another copy: ", out)
	}
	if out, err := ask(t, "serve", "--insecure-no-authentication", "--listen", "127.0.0.1:0", "--data", copied); err == nil || !strings.Contains(words(err), "--encryption-key") {
		t.Fatal("without a key: ", out, err)
	}
	if out, err := ask(t, append([]string{"verify-audit"}, "--data", copied)...); err == nil {
		t.Fatal("without a key: ", out)
	}

	server = serve(sealedAt...)
	if out, err := ask(t, "encryption-key", "rotate", key); err != nil {
		t.Fatal(out, err)
	}
	put(server, "p2")
	for _, patient := range []string{"p1", "p2"} {
		if status, answer, err := exchange(http.MethodGet, server.info.FHIR+"/Patient/"+patient, ""); err != nil || status != http.StatusOK || !strings.Contains(string(answer), name) {
			t.Fatal(status, string(answer), err)
		}
	}
	if out, err := ask(t, append([]string{"encryption-key", "rewrite"}, sealedAt...)...); err == nil {
		t.Fatal("rewritten while it is served: ", out)
	}
	server.kill()

	for _, secret := range []string{name, id} {
		if files := holding(t, copied, secret); files != nil {
			t.Errorf("%q stands in %v", secret, files)
		}
	}
	if out, err := ask(t, append([]string{"encryption-key", "rewrite"}, sealedAt...)...); err != nil {
		t.Fatal(out, err)
	}
	if out, err := ask(t, append([]string{"encryption-key", "status", "--files"}, sealedAt...)...); err != nil || strings.Count(out, "\n") != 1 || !strings.Contains(out, "(primary)") {
		t.Fatal(out, err)
	}
	if out, err := ask(t, append([]string{"verify-audit"}, sealedAt...)...); err != nil {
		t.Fatal(out, err)
	}
	server = serve(sealedAt...)
	for _, patient := range []string{"p1", "p2"} {
		if status, answer, err := exchange(http.MethodGet, server.info.FHIR+"/Patient/"+patient, ""); err != nil || status != http.StatusOK {
			t.Fatal(status, string(answer), err)
		}
	}
	server.kill()
}
