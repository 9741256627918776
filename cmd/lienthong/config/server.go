package config

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir/setting"
	"github.com/lienthong/lienthong/scheduler/cron"
)

// Server is what a server needs to know. The struct tags are the explanations that users read.
type Server struct {
	Listen      string        `default:"127.0.0.1:8080" env:"LIENTHONG_LISTEN" placeholder:"ADDR" help:"Address to serve on; port 0 takes a free one. Default: ${default}."`
	Data        string        `type:"path" env:"LIENTHONG_DATA" placeholder:"DIR" help:"Folder of the store. One process at a time."`
	BaseURL     string        `name:"base-url" env:"LIENTHONG_BASE_URL" placeholder:"URL" help:"FHIR base URL by which others reach this server, such as https://records.example/fhir. Default: links follow the address of each request, and references count as ours that begin with a loopback address or the one served on."`
	AlsoBaseURL []string      `name:"also-base-url" env:"LIENTHONG_ALSO_BASE_URL" placeholder:"URL" help:"Further base URL by which this server is or was reached, such as its old name: references that begin with it are to resources here. May be repeated. The store is indexed anew when these, or --base-url, change."`
	SIDBase     string        `name:"sid-base" default:"https://lienthong.example" env:"LIENTHONG_SID_BASE" placeholder:"URL" help:"Base of the identifier systems: BASE/sid/cccd is the citizen ID. Default: ${default}."`
	MaxBody     int64         `name:"max-body" default:"134217728" env:"LIENTHONG_MAX_BODY" placeholder:"BYTES" help:"Longest body of a transaction or batch; longer ones are refused before they are read. A single resource may have 16 MiB at most, or this if it is less. Default: ${default}."`
	MaxEntries  int           `name:"max-entries" default:"100000" env:"LIENTHONG_MAX_ENTRIES" placeholder:"N" help:"Most entries of a batch or transaction. Default: ${default}."`
	Schedules   string        `type:"path" env:"LIENTHONG_SCHEDULES" placeholder:"DIR" help:"Folder of further vaccination schedules (*.json), such as campaigns and older circulars, in the form of the national one, which is built in."`
	MemoryLimit int64         `name:"memory-limit" default:"360" env:"LIENTHONG_MEMORY_LIMIT" placeholder:"MiB" help:"Memory to stay within, as far as the work allows; a sixth of it keeps what was read lately; GOMEMLIMIT, if set, goes before it. 0: no limit. Default: ${default}."`
	DiskReserve int64         `name:"disk-reserve" default:"256" env:"LIENTHONG_DISK_RESERVE" placeholder:"MiB" help:"Room on the disk of the store below which nothing new is taken; reads are answered. It goes on by itself when there is more. Default: ${default}."`
	FullText    string        `name:"full-text-content" enum:"on,off,keep" default:"keep" env:"LIENTHONG_FULL_TEXT_CONTENT" help:"Whether each word of all documents is indexed, for searches by _content (docs/search.md says what it costs): on, off, or as the store has it (keep), which begins without. The index is built and removed in the background."`
	Policy      string        `type:"path" env:"LIENTHONG_POLICY" placeholder:"FILE" help:"Policy: who may see and change what. It is read again when it changes. Default: the built-in one, which 'lienthong policy show' prints."`
	Drain       time.Duration `default:"15s" env:"LIENTHONG_DRAIN" help:"How long running requests may take when the server is asked to end."`
	LogFormat   string        `name:"log-format" enum:"text,json" default:"text" env:"LIENTHONG_LOG_FORMAT" help:"Log lines as text or json."`
	LogLevel    string        `name:"log-level" enum:"debug,info,warn,error" default:"info" env:"LIENTHONG_LOG_LEVEL" help:"Least level that is logged: debug, info, warn, error."`
	AuditKey    string        `name:"audit-key" type:"path" env:"LIENTHONG_AUDIT_KEY" placeholder:"FILE" help:"Secret key that signs checkpoints of the audit journal; it is made, with FILE.pub, if it is not there. Keep it where who administers the data cannot take it. Default: audit.key in the folder of the store."`
	AuditName   string        `name:"audit-name" default:"lienthong" env:"LIENTHONG_AUDIT_NAME" placeholder:"NAME" help:"Name of this server's audit journal when its key is made: one of its own for each server of a store. Default: ${default}."`
	Metrics     string        `name:"metrics-listen" env:"LIENTHONG_METRICS_LISTEN" placeholder:"ADDR" help:"Address on which Prometheus may read figures, at /metrics: numbers and times, nothing about persons. Whoever reaches it may look; keep it inside. Default: none."`
	// Unwatched leaves out the audit trail: nothing says who saw or changed what. Only the bench sets it, to know what a trail costs.
	Unwatched bool `kong:"-"`

	Info        string      `type:"path" placeholder:"FILE" help:"Write where the server is found to this file, as JSON, once it is ready."`
	Gateway     Gateway     `embed:"" prefix:"gateway-"`
	Log         Log         `embed:""`
	LogCopy     LogCopy     `embed:""`
	Mirror      Mirror      `embed:""`
	Certificate Certificate `embed:"" prefix:"certificate-"`
	Reminders   Reminders   `embed:"" prefix:"reminder-"`
	// Authentication is who may call; its flags have no prefix.
	Authentication `embed:""`

	EncryptionKey string `name:"encryption-key" type:"path" env:"LIENTHONG_ENCRYPTION_KEY" placeholder:"FILE" help:"Key file, as made by 'lienthong encryption-key new', with which all files of the store are encrypted. A store has one from its beginning or not at all. Default: the store is not encrypted."`
}

// Gateway is the assessment portal that claims go to.
type Gateway struct {
	URL             string        `name:"url" env:"LIENTHONG_GATEWAY_URL" placeholder:"URL" help:"Base URL of the assessment portal. Without it claims wait in the outbox."`
	Credentials     string        `type:"path" env:"LIENTHONG_GATEWAY_CREDENTIALS" placeholder:"FILE" help:"File with username and password of the account, as YAML or JSON; or with 'accounts', a list of username, password, facilities (MA_CSKCB)."`
	Schedule        string        `default:"*/5 * * * *" env:"LIENTHONG_GATEWAY_SCHEDULE" placeholder:"CRON" help:"When due claims are sent: five fields, or '@every 10s'. Vietnamese time. Default: ${default}."`
	StatusSchedule  string        `name:"status-schedule" default:"*/15 * * * *" env:"LIENTHONG_GATEWAY_STATUS_SCHEDULE" placeholder:"CRON" help:"When the portal is asked what became of claims. Default: ${default}."`
	Reconcile       string        `name:"reconcile-schedule" default:"30 2 * * *" env:"LIENTHONG_GATEWAY_RECONCILE_SCHEDULE" placeholder:"CRON" help:"When claims are held against the portal's lists, and what it paid is taken over; empty: only when asked to. Default: ${default}."`
	ReconcileMonths int           `name:"reconcile-months" default:"6" env:"LIENTHONG_GATEWAY_RECONCILE_MONTHS" placeholder:"N" help:"How many months back it looks. Default: ${default}."`
	Timeout         time.Duration `default:"60s" env:"LIENTHONG_GATEWAY_TIMEOUT" help:"How long one call to the portal may take."`
	Rate            float64       `env:"LIENTHONG_GATEWAY_RATE" placeholder:"N" help:"Most claim files sent in a second. Default: no bound."`
	Plan            string        `type:"path" env:"LIENTHONG_GATEWAY_PLAN" placeholder:"FILE" help:"Plan of the hospitals, as YAML: schedule, zone, catch-up of missed slots, jitter, concurrency and rate of each. It goes before the other flags."`
	AtOnce          int           `name:"at-once" default:"16" env:"LIENTHONG_GATEWAY_AT_ONCE" placeholder:"N" help:"Most calls under way to the portal at once, all hospitals together. 0: no bound. Default: ${default}."`
	BreakerFailures int           `name:"breaker-failures" default:"10" env:"LIENTHONG_GATEWAY_BREAKER_FAILURES" placeholder:"N" help:"Calls that fail in a row, after which the portal is left alone for a while. 0: never. Default: ${default}."`
	BreakerRest     time.Duration `name:"breaker-rest" default:"1m" env:"LIENTHONG_GATEWAY_BREAKER_REST" help:"How long it is left alone then; afterwards one call tries."`
	CheckIns        bool          `name:"check-ins" env:"LIENTHONG_GATEWAY_CHECK_INS" help:"Send check-ins (XML0) too: of each Encounter in progress with an MA_LK, once, within a minute."`
	HashesOnly      bool          `name:"hashes-only" env:"LIENTHONG_GATEWAY_HASHES_ONLY" help:"Keep of each attempt to send a claim the hashes of what was sent and answered, and not the bodies. Default: bodies are kept, encrypted where the store is."`
	AskEvery        time.Duration `name:"ask-every" default:"10m" env:"LIENTHONG_GATEWAY_ASK_EVERY" help:"Distance of questions about one accepted claim; the status schedule must come round at least as often."`
	RetryFirst      time.Duration `name:"retry-first" default:"10s" env:"LIENTHONG_GATEWAY_RETRY_FIRST" help:"Wait after a claim could not be sent, or a question was not answered; it doubles each time."`
	RetryMax        time.Duration `name:"retry-max" default:"10m" env:"LIENTHONG_GATEWAY_RETRY_MAX" help:"Longest such wait."`
	Lease           time.Duration `default:"1m" env:"LIENTHONG_GATEWAY_LEASE" help:"How long after the death of a server another one, or the same started again, takes its work over."`
	Settle          time.Duration `default:"15m" env:"LIENTHONG_GATEWAY_SETTLE" help:"How long after a send without a trustworthy reply the portal's 'not received' is believed, and how long after that it must be said again. Longer than any proxy on the way keeps a request."`
	Resend          string        `enum:"auto,settled,person" default:"auto" env:"LIENTHONG_GATEWAY_RESEND" help:"What was not received is sent again once that is settled (settled), or by a person's decision alone (person). auto: settled if --gateway-settle is at least ten times --gateway-timeout, else person. Default: ${default}."`
	Path            string        `enum:"auto,qd4750,qd3176" default:"auto" env:"LIENTHONG_GATEWAY_PATH" help:"Path of the portal for claim files: by the decision in force at discharge (auto), or always the one of decision 4750 or 3176. Default: ${default}."`
	SigningKeys     string        `name:"signing-keys" type:"path" env:"LIENTHONG_GATEWAY_SIGNING_KEYS" placeholder:"DIR" help:"Folder with {MA_CSKCB}.pem (certificate and private key) of each facility, or default.pem. Claim files are then signed (XML-DSig in CHUKYDONVI)."`
	CorrectionText  string        `name:"correction-reason" default:"Cơ sở khám bệnh, chữa bệnh điều chỉnh hồ sơ" env:"LIENTHONG_GATEWAY_CORRECTION_REASON" placeholder:"TEXT" help:"Reason (LD) that a corrected claim file gives. Default: ${default}."`
}

// Check refuses settings that cannot work, in words.
func (s *Server) Check() error {
	if s.Data == "" {
		return errors.New("--data is needed: the folder of the store (it is made if it is not there)")
	}
	if err := KeyApart(s.EncryptionKey, s.Data); err != nil {
		return err
	}
	if err := s.Log.check(s.Listen, s.BaseURL); err != nil {
		return err
	}
	if err := s.LogCopy.check(s.Log); err != nil {
		return err
	}
	urls := []struct{ flag, value string }{{"--base-url", s.BaseURL}, {"--sid-base", s.SIDBase}, {"--gateway-url", s.Gateway.URL}}
	for i, u := range s.AlsoBaseURL {
		s.AlsoBaseURL[i] = strings.TrimSuffix(u, "/")
		urls = append(urls, struct{ flag, value string }{"--also-base-url", u})
	}
	for _, u := range urls {
		if u.value == "" {
			continue
		}
		parsed, err := url.Parse(u.value)
		if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" {
			return fmt.Errorf("%s %q is no http or https URL", u.flag, u.value)
		}
	}
	if s.Gateway.URL != "" && s.Gateway.Credentials == "" {
		return errors.New("--gateway-url needs --gateway-credentials: the file with username and password")
	}
	if s.Gateway.URL != "" && s.Gateway.Settle <= s.Gateway.Timeout {
		return errors.New("--gateway-settle must be longer than --gateway-timeout: a call that is still under way could take effect after the portal was asked")
	}
	if s.MaxBody < 1 || s.MaxEntries < 1 {
		return errors.New("--max-body and --max-entries must be positive")
	}
	if err := s.Certificate.check(); err != nil {
		return err
	}
	if _, err := s.Reminders.Senders(); err != nil {
		return err
	}
	if err := s.Mirror.check(s.Log); err != nil {
		return err
	}
	s.BaseURL = strings.TrimSuffix(s.BaseURL, "/")
	s.SIDBase = strings.TrimSuffix(s.SIDBase, "/")
	s.Gateway.URL = strings.TrimSuffix(s.Gateway.URL, "/")
	if s.Gateway.URL == "" {
		return nil
	}
	return s.Gateway.check()
}

// check looks at what is only read when the sync starts, so that a mistake shows before the store is opened.
func (g Gateway) check() error {
	for _, c := range []struct{ flag, expression string }{{"--gateway-schedule", g.Schedule}, {"--gateway-status-schedule", g.StatusSchedule}, {"--gateway-reconcile-schedule", g.Reconcile}} {
		if c.expression == "" {
			continue
		}
		if _, err := cron.Parse(c.expression, ""); err != nil {
			return fmt.Errorf("%s %q is no schedule: five fields as in '*/5 * * * *', or '@every 10s'", c.flag, c.expression)
		}
	}
	if _, err := ReadPlan(g.Plan); err != nil {
		return err
	}
	if g.AtOnce < 0 || g.BreakerFailures < 0 || g.Rate < 0 {
		return errors.New("--gateway-at-once, --gateway-breaker-failures and --gateway-rate must not be negative")
	}
	if g.ReconcileMonths < 0 || g.ReconcileMonths > 36 {
		return errors.New("--gateway-reconcile-months must be at most 36")
	}
	_, err := g.Accounts()
	return err
}

// SettledRatio is how much longer than one call may take the settle time must be, for what was not received to be sent
// again without a person.
const SettledRatio = 10

// ByPerson says whether only a person may have a claim sent again that the portal says it has not received.
func (g Gateway) ByPerson() bool {
	return g.Resend == "person" || g.Resend != "settled" && g.Settle < SettledRatio*g.Timeout
}

// Account is what logs in to the portal.
type Account struct {
	Username   string   `yaml:"username"`
	Password   string   `yaml:"password"`
	Facilities []string `yaml:"facilities"` // MA_CSKCB that it speaks for; none = all that no other account names
}

// Accounts reads the credentials file: one account, or several under "accounts".
func (g Gateway) Accounts() ([]Account, error) {
	raw, err := os.ReadFile(g.Credentials)
	if err != nil {
		return nil, fmt.Errorf("credentials of the gateway: %w", err)
	}
	var file struct {
		Account  `yaml:",inline"`
		Accounts []Account `yaml:"accounts"`
	}
	if err := setting.ParseYAML(raw, &file); err != nil {
		return nil, fmt.Errorf("credentials of the gateway: %s is not a YAML or JSON file with username and password", g.Credentials)
	}
	all := file.Accounts
	if file.Username != "" || file.Password != "" || len(all) == 0 {
		all = append(all, file.Account)
	}
	for _, a := range all {
		if a.Username == "" || a.Password == "" {
			return nil, fmt.Errorf("credentials of the gateway: %s lacks username or password", g.Credentials)
		}
	}
	return all, nil
}
