package sealed_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/lienthong/lienthong/fhir/store/sealed"
)

// vault plays the transit engine of a key management service: one key, and a token that it wants to see.
type vault struct {
	*httptest.Server
	aead  cipher.AEAD
	token string
	asked atomic.Int64
}

func startVault(t *testing.T, token string) *vault {
	t.Helper()
	block, err := aes.NewCipher(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	v := &vault{token: token}
	if v.aead, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		t.Fatal(err)
	}
	v.Server = httptest.NewTLSServer(v)
	t.Cleanup(v.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: v.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("VAULT_CACERT", ca)
	t.Setenv("VAULT_TOKEN", token)
	t.Setenv("VAULT_ADDR", "https://elsewhere.invalid") // what stands in the file counts
	return v
}

func (v *vault) uri(key string) string {
	return "hcvault://" + strings.TrimPrefix(v.URL, "https://") + "/transit/keys/" + key
}

// ServeHTTP answers /v1/transit/encrypt/{key} and decrypt.
// Source: https://developer.hashicorp.com/vault/api-docs/secret/transit
func (v *vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.asked.Add(1)
	var q struct {
		Plaintext  []byte `json:"plaintext"`
		Ciphertext string `json:"ciphertext"`
		Associated []byte `json:"associated_data"`
	}
	if r.Header.Get("X-Vault-Token") != v.token || json.NewDecoder(r.Body).Decode(&q) != nil {
		http.Error(w, `{"errors":["permission denied"]}`, http.StatusForbidden)
		return
	}
	out := map[string]any{}
	switch key := []byte(filepath.Base(r.URL.Path)); {
	case strings.HasPrefix(r.URL.Path, "/v1/transit/encrypt/"):
		out["ciphertext"] = "vault:v1:" + base64.StdEncoding.EncodeToString(v.aead.Seal(nil, nil, q.Plaintext, append(key, q.Associated...)))
	case strings.HasPrefix(r.URL.Path, "/v1/transit/decrypt/"):
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(q.Ciphertext, "vault:v1:"))
		if err == nil {
			raw, err = v.aead.Open(nil, nil, raw, append(key, q.Associated...))
		}
		if err != nil {
			http.Error(w, `{"errors":["cipher: message authentication failed"]}`, http.StatusBadRequest)
			return
		}
		out["plaintext"] = raw
	default:
		http.NotFound(w, r)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": out})
}

// TestAKeyFileUnderAManagedKey: it opens with the service and by nothing else, rotates, and the store does not ask the service
// for each file.
func TestAKeyFileUnderAManagedKey(t *testing.T) {
	v := startVault(t, "t0ken")
	dir := t.TempDir()
	path := filepath.Join(dir, "store.key")
	first, err := sealed.NewKeyFile(path, v.uri("lienthong"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(raw, []byte("encryptedKeyset")) || bytes.Contains(raw, []byte("t0ken")) {
		t.Fatalf("%v\n%s", err, raw)
	}
	keys, err := sealed.OpenKeys(path, nil)
	if err != nil || keys.Primary() != first {
		t.Fatal(err)
	}
	disk, err := sealed.Disk(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	before := v.asked.Load()
	for _, name := range []string{"a", "b", "c"} {
		f, err := disk.Create(filepath.Join(dir, name), vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("record")); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := v.asked.Load() - before; n > 0 {
		t.Errorf("three files made %d questions to the service", n)
	}
	second, err := sealed.RotateKeyFile(path)
	if err != nil || second == first {
		t.Fatal(err)
	}
	if keys, err = sealed.OpenKeys(path, nil); err != nil || keys.Primary() != second || !keys.Has(first) {
		t.Errorf("after a rotation: %v", err)
	}
	if raw, _ := os.ReadFile(path); !bytes.Contains(raw, []byte("encryptedKeyset")) {
		t.Error("the rotation left the keys in clear")
	}
	disk, err = sealed.Disk(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := disk.Open(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 6)
	if _, err := f.ReadAt(got, 0); err != nil || string(got) != "record" {
		t.Errorf("%q %v", got, err)
	}
	_ = f.Close()

	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(t *testing.T) []byte{
		"another token": func(t *testing.T) []byte { t.Setenv("VAULT_TOKEN", "x"); return whole },
		"no token":      func(t *testing.T) []byte { t.Setenv("VAULT_TOKEN", ""); return whole },
		"another key": func(*testing.T) []byte {
			return bytes.Replace(whole, []byte("/keys/lienthong"), []byte("/keys/other"), 1)
		},
		"a strange host": func(*testing.T) []byte { return bytes.Replace(whole, []byte("hcvault://"), []byte("https://"), 1) },
		"a changed keyset": func(*testing.T) []byte {
			return bytes.Replace(whole, []byte(`"encryptedKeyset":"`), []byte(`"encryptedKeyset":"AAAA`), 1)
		},
		"the service is down": func(t *testing.T) []byte {
			return bytes.Replace(whole, []byte(strings.TrimPrefix(v.URL, "https://")), []byte("127.0.0.1:1"), 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HOME", t.TempDir()) // Vault's client would take a token from there
			other := filepath.Join(t.TempDir(), "k")
			if err := os.WriteFile(other, change(t), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := sealed.OpenKeys(other, nil); err == nil || !strings.Contains(err.Error(), "key management service") && !strings.Contains(err.Error(), "key of a management service") || strings.Contains(err.Error(), "t0ken") {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := sealed.NewKeyFile(filepath.Join(dir, "none"), "hcvault://x/transit"); err == nil {
		t.Error("a URI without a key was taken")
	}
	if _, err := os.Stat(filepath.Join(dir, "none")); err == nil {
		t.Error("a key file was left that no service sealed")
	}
}
