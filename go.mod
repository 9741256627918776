module github.com/lienthong/lienthong

go 1.26.0

require (
	codeberg.org/go-fonts/liberation v0.6.0 // the font of printed certificates, OFL 1.1, with the letters of Vietnamese: fhir/printed
	codeberg.org/go-pdf/fpdf v0.12.0 // PDF of certificates and evidence, MIT: fhir/printed, fhir/certificate, adapters/bhxh/evidence
	github.com/HdrHistogram/hdrhistogram-go v1.4.0 // latencies of the bench: cmd/lienthong/bench
	github.com/alecthomas/kong v1.17.0 // the command line: cmd/lienthong
	github.com/beevik/etree v1.8.1 // XML as goxmldsig takes it: adapters/bhxh/signature
	github.com/cenkalti/backoff/v5 v5.0.3 // retries of calls without effect: adapters/bhxh
	github.com/cespare/xxhash/v2 v2.3.0 // hash of rows that servers compare: fhir/store/engine
	github.com/chromedp/cdproto v0.159.0 // what chromedp says to the browser, MIT: tests of cmd/lienthong/clients
	github.com/chromedp/chromedp v0.23.0 // a real browser, MIT: tests of cmd/lienthong/clients
	github.com/cockroachdb/apd/v3 v3.2.3 // exact decimals of FHIR and money: fhir/search, adapters/bhxh/hoso
	github.com/cockroachdb/pebble/v2 v2.1.7 // the rows on disk, pure Go: fhir/store/engine, commitlog/embedded
	github.com/evanphx/json-patch/v5 v5.9.11 // JSON Patch (RFC 6902): fhir/interaction
	github.com/fxamacker/cbor/v2 v2.10.0 // CBOR of HC1 certificates, MIT: fhir/certificate
	github.com/gin-gonic/gin v1.12.0 // HTTP routing: fhir/rest
	github.com/go-jose/go-jose/v4 v4.1.9 // signed tokens, certificates, key sets (JOSE), Apache 2.0: fhir/jwt, fhir/certificate
	github.com/go-json-experiment/json v1.27.2 // strict JSON tokens: fhir/resource; rows read back: adapters/delivery; rows of its ledger: adapters/bhxhmock
	github.com/goccy/go-yaml v1.19.2 // settings and rules: cmd/lienthong/config, adapters/bhxhmock
	github.com/gofrs/flock v0.13.2 // one process on one folder: cmd/lienthong, adapters/bhxhmock
	github.com/google/uuid v1.6.0 // ids: fhir/interaction
	github.com/jonboulle/clockwork v0.5.0 // the clock that goxmldsig takes: adapters/bhxh/signature
	github.com/klauspost/compress v1.20.3 // gzip of answers: fhir/rest; zstd of what was sent: adapters/delivery; of the shared log: fhir/store/commitlog/mongodb
	github.com/makiuchi-d/gozxing v0.1.1 // reads QR codes from images, MIT: fhir/certificate/scan
	github.com/prometheus/client_golang v1.25.0 // figures for operators, Apache 2.0: cmd/lienthong/metrics
	github.com/robfig/cron/v3 v3.0.1 // cron expressions and the trigger: scheduler
	github.com/rogpeppe/go-internal v1.16.0 // scripts of exchanges in tests
	github.com/russellhaering/goxmldsig v1.6.1 // XML-DSig of claim files: adapters/bhxh/signature
	github.com/samply/golang-fhir-models/fhir-models v0.3.2 // typed views, read only: fhir/resource
	github.com/schollz/progressbar/v3 v3.19.1 // progress of an import: cmd/lienthong/importing
	github.com/skip2/go-qrcode v0.0.0-20200617195104-da1b6568686e // QR codes, which takes the modes for digits and base45 by itself, MIT: fhir/certificate
	github.com/sony/gobreaker/v2 v2.4.0 // circuit breaker of calls to the portal, MIT: adapters/bhxh
	github.com/veraison/go-cose v1.3.0 // COSE_Sign1 of HC1 certificates, MPL 2.0, used unchanged: fhir/certificate
	github.com/xuri/excelize/v2 v2.11.1 // spreadsheets: adapters/bhxh/precheck, fhir/tabular
	go.mongodb.org/mongo-driver/v2 v2.10.0 // the log that many servers share, Apache 2.0: fhir/store/commitlog/mongodb
	golang.org/x/oauth2 v0.38.0 // authorization code and PKCE, BSD: fhir/openid, fhir/signin
	golang.org/x/sync v0.24.0 // bounded goroutines with an owner
	golang.org/x/term v0.47.0 // whether the demo talks to a terminal: cmd/lienthong
	golang.org/x/text v0.43.0 // Unicode normalisation, languages: fhir/search, fhir/outcome
	pgregory.net/rapid v1.3.0 // property tests
)

require (
	github.com/hashicorp/vault/api v1.20.0 // the client of Vault and OpenBao, MPL 2.0, used unchanged: fhir/store/sealed
	github.com/tink-crypto/tink-go-hcvault/v2 v2.5.0 // key files under a managed key, Apache 2.0: fhir/store/sealed
	github.com/tink-crypto/tink-go/v2 v2.9.0 // key file of an encrypted store: fhir/store/sealed
	github.com/transparency-dev/merkle v0.0.2 // Merkle tree over the audit journal: fhir/audit
	golang.org/x/mod v0.43.0 // signed notes, the checkpoints of the audit journal: fhir/audit
)

require (
	github.com/DataDog/zstd v1.5.7 // indirect
	github.com/RaduBerinde/axisds v0.1.0 // indirect
	github.com/RaduBerinde/btreemap v0.0.0-20250419174037-3d62b7205d54 // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/bytedance/gopkg v0.1.3 // indirect
	github.com/bytedance/sonic v1.15.0 // indirect
	github.com/bytedance/sonic/loader v0.5.0 // indirect
	github.com/cloudwego/base64x v0.1.6 // indirect
	github.com/cockroachdb/crlib v0.0.0-20241112164430-1264a2edc35b // indirect
	github.com/cockroachdb/errors v1.11.3 // indirect
	github.com/cockroachdb/logtags v0.0.0-20230118201751-21c54148d20b // indirect
	github.com/cockroachdb/redact v1.1.5 // indirect
	github.com/cockroachdb/swiss v0.0.0-20260820225851-333444432258 // indirect
	github.com/cockroachdb/tokenbucket v0.0.0-20230807174530-cc333fc44b06 // indirect
	github.com/gabriel-vasile/mimetype v1.4.12 // indirect
	github.com/getsentry/sentry-go v0.27.0 // indirect
	github.com/gin-contrib/sse v1.1.0 // indirect
	github.com/go-playground/locales v0.14.1 // indirect
	github.com/go-playground/universal-translator v0.18.1 // indirect
	github.com/go-playground/validator/v10 v10.30.1 // indirect
	github.com/goccy/go-json v0.10.5 // indirect
	github.com/gogo/protobuf v1.3.2 // indirect
	github.com/golang/snappy v0.0.5-0.20231225225746-43d5d4cd4e0e // indirect
	github.com/json-iterator/go v1.1.12 // indirect
	github.com/klauspost/cpuid/v2 v2.3.0 // indirect
	github.com/kr/pretty v0.3.1 // indirect
	github.com/kr/text v0.2.0 // indirect
	github.com/leodido/go-urn v1.4.0 // indirect
	github.com/mattn/go-isatty v0.0.22 // indirect
	github.com/minio/minlz v1.0.1-0.20250507153514-87eb42fe8882 // indirect
	github.com/mitchellh/colorstring v0.0.0-20190213212951-d06e56a500db // indirect
	github.com/modern-go/concurrent v0.0.0-20180306012644-bacd9c7ef1dd // indirect
	github.com/modern-go/reflect2 v1.0.2 // indirect
	github.com/pelletier/go-toml/v2 v2.2.4 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/quic-go/qpack v0.6.0 // indirect
	github.com/quic-go/quic-go v0.59.0 // indirect
	github.com/richardlehane/mscfb v1.0.9 // indirect
	github.com/richardlehane/msoleps v1.0.6 // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/tiendc/go-deepcopy v1.7.2 // indirect
	github.com/twitchyliquid64/golang-asm v0.15.1 // indirect
	github.com/ugorji/go/codec v1.3.1 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	github.com/xuri/efp v0.0.3-0.20260924042702-217b81952dec // indirect
	github.com/xuri/nfp v0.0.2-0.20250530014748-2ddeb826f9a9 // indirect
	golang.org/x/arch v0.22.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/exp v0.0.0-20231110203233-9a3e6036ecaa // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // fdatasync of the audit journal
	golang.org/x/tools v0.52.0 // indirect
	golang.org/x/xerrors v0.0.0-20200804184101-5ec99f83aff1 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

require github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect

require (
	github.com/cenkalti/backoff/v4 v4.3.0 // indirect
	github.com/emersion/go-sasl v0.0.0-20241020182733-b788ff22d5a6 // indirect
	github.com/hashicorp/errwrap v1.1.0 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-multierror v1.1.1 // indirect
	github.com/hashicorp/go-retryablehttp v0.7.7 // indirect
	github.com/hashicorp/go-rootcerts v1.0.2 // indirect
	github.com/hashicorp/go-secure-stdlib/parseutil v0.1.6 // indirect
	github.com/hashicorp/go-secure-stdlib/strutil v0.1.2 // indirect
	github.com/hashicorp/go-sockaddr v1.0.2 // indirect
	github.com/hashicorp/hcl v1.0.1-vault-7 // indirect
	github.com/mitchellh/go-homedir v1.1.0 // indirect
	github.com/mitchellh/mapstructure v1.5.0 // indirect
	github.com/ryanuber/go-glob v1.0.0 // indirect
	github.com/xdg-go/scram v1.4.0 // indirect
	github.com/xdg-go/stringprep v1.0.4 // indirect
	github.com/youmark/pkcs8 v0.0.0-20240726163527-a2c0da244d78 // indirect
	golang.org/x/time v0.3.0 // indirect
)

require (
	github.com/emersion/go-smtp v0.25.1 // the mail server of tests and of the demo, MIT: adapters/reminder, cmd/lienthong
	github.com/wneessen/go-mail v0.8.1 // e-mail of reminders, MIT: adapters/reminder
)
