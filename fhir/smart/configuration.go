package smart

import "net/http"

// Configuration is GET (base)/.well-known/smart-configuration.
// Source: https://hl7.org/fhir/smart-app-launch/conformance.html
func (s *Server) Configuration(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                s.Issuer,
		"jwks_uri":                              s.Issuer + "/jwks",
		"token_endpoint":                        s.TokenURL(),
		"grant_types_supported":                 []string{"client_credentials"},
		"token_endpoint_auth_methods_supported": []string{"private_key_jwt"},
		"token_endpoint_auth_signing_alg_values_supported": []string{"RS384", "ES384"},
		"scopes_supported": []string{"system/*.cruds", "system/*.rs"},
		"capabilities":     []string{"client-confidential-asymmetric", "permission-v1", "permission-v2"},
		// Required by the specification; it is about authorization codes, which are not given here.
		"code_challenge_methods_supported": []string{"S256"},
	})
}
