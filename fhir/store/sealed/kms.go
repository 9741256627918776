package sealed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/tink-crypto/tink-go-hcvault/v2/integration/hcvault"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// A key file whose keys lie in it under the key of a management service (KMS): nobody reads them who may not ask that. The
// service is the transit engine of HashiCorp Vault, or of OpenBao, which has the same interface. It is asked when a file is
// opened or changes, never for a file of the store. Where it is stands in the file; how to log in is in the environment
// (VAULT_TOKEN, VAULT_CACERT and the others of Vault's own client), so that the file alone opens nothing.
//
//	{"kms": "hcvault://vault.example:8200/transit/keys/lienthong", "keyset": {"encryptedKeyset": …, "keysetInfo": …}}
type managedFile struct {
	KMS    string          `json:"kms"`
	Keyset json.RawMessage `json:"keyset"`
}

// managedFor is what the keyset is bound to besides the key: what else the same key of the service has sealed is no key file.
var managedFor = []byte("lienthong encryption key file")

// kmsTime bounds one question to the service.
const kmsTime = 10 * time.Second

// kms gives what the service encrypts by.
func kms(uri string) (tink.AEAD, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "hcvault" || u.Host == "" || u.User != nil || u.RawQuery != "" || !strings.Contains(u.Path, "/keys/") {
		return nil, fmt.Errorf("%q names no key of a management service: it must be such as hcvault://vault.example:8200/transit/keys/lienthong", uri)
	}
	c := api.DefaultConfig()
	if c.Error != nil {
		return nil, fmt.Errorf("the environment of the key management service: %w", c.Error)
	}
	c.Address, c.Timeout, c.MaxRetries = "https://"+u.Host, kmsTime, 1
	client, err := api.NewClient(c)
	if err != nil {
		return nil, err
	}
	if client.Token() == "" {
		return nil, errors.New("the key management service needs a token: VAULT_TOKEN is not set")
	}
	service, err := hcvault.NewClientWithAEADOptions("hcvault://"+u.Host, client.Logical())
	if err != nil {
		return nil, err
	}
	return service.GetAEAD(uri)
}

// readManaged reads a key file under a service's key; ok is false for one that is in clear, or none.
func readManaged(raw []byte) (h *keyset.Handle, uri string, ok bool, err error) {
	var f managedFile
	if json.Unmarshal(raw, &f) != nil || f.KMS == "" {
		return nil, "", false, nil
	}
	service, err := kms(f.KMS)
	if err == nil {
		h, err = keyset.ReadWithAssociatedData(keyset.NewJSONReader(bytes.NewReader(f.Keyset)), service, managedFor)
	}
	if err != nil {
		err = fmt.Errorf("encryption key: the key management service at %s does not open it: %w", f.KMS, err)
	}
	return h, f.KMS, true, err
}

// encoded gives what a key file holds; uri "" = in clear.
func encoded(h *keyset.Handle, uri string) ([]byte, error) {
	var b bytes.Buffer
	if uri == "" {
		err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&b))
		return b.Bytes(), err
	}
	service, err := kms(uri)
	if err != nil {
		return nil, err
	}
	if err := h.WriteWithAssociatedData(keyset.NewJSONWriter(&b), service, managedFor); err != nil {
		return nil, fmt.Errorf("the key management service at %s does not seal it: %w", uri, err)
	}
	return json.Marshal(managedFile{uri, b.Bytes()})
}
