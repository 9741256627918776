package config

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// Server is what a server needs to know. The struct tags are the explanations that users read.
type Server struct {
	Listen      string        `default:"127.0.0.1:8080" env:"LIENTHONG_LISTEN" placeholder:"ADDR" help:"Address to serve on; port 0 takes a free one."`
	Data        string        `type:"path" env:"LIENTHONG_DATA" placeholder:"DIR" help:"Folder of the store. One process at a time."`
	BaseURL     string        `name:"base-url" env:"LIENTHONG_BASE_URL" placeholder:"URL" help:"FHIR base URL by which others reach this server, such as https://records.example/fhir. Default: made from the address."`
	SIDBase     string        `name:"sid-base" default:"https://lienthong.example" env:"LIENTHONG_SID_BASE" placeholder:"URL" help:"Base of the identifier systems: BASE/sid/cccd is the citizen ID."`
	MaxBody     int64         `name:"max-body" default:"134217728" env:"LIENTHONG_MAX_BODY" placeholder:"BYTES" help:"Longest request body; longer ones are refused before they are read."`
	MaxEntries  int           `name:"max-entries" default:"100000" env:"LIENTHONG_MAX_ENTRIES" placeholder:"N" help:"Most entries of a batch or transaction."`
	MemoryLimit int64         `name:"memory-limit" default:"360" env:"LIENTHONG_MEMORY_LIMIT" placeholder:"MiB" help:"Memory to stay within, as far as the work allows; GOMEMLIMIT, if set, goes before it. 0: no limit."`
	Drain       time.Duration `default:"15s" env:"LIENTHONG_DRAIN" help:"How long running requests may take when the server is asked to end."`
	LogFormat   string        `name:"log-format" enum:"text,json" default:"text" env:"LIENTHONG_LOG_FORMAT" help:"Log lines as text or json."`
	LogLevel    string        `name:"log-level" enum:"debug,info,warn,error" default:"info" env:"LIENTHONG_LOG_LEVEL" help:"Least level that is logged: debug, info, warn, error."`
	Info        string        `type:"path" placeholder:"FILE" help:"Write where the server is found to this file, as JSON, once it is ready."`
	Gateway     Gateway       `embed:"" prefix:"gateway-"`
}

// Gateway is the assessment portal that claims go to.
type Gateway struct {
	URL            string        `name:"url" env:"LIENTHONG_GATEWAY_URL" placeholder:"URL" help:"Base URL of the assessment portal. Without it claims wait in the outbox."`
	Credentials    string        `type:"path" env:"LIENTHONG_GATEWAY_CREDENTIALS" placeholder:"FILE" help:"File with username and password of the facility's account, as YAML or JSON."`
	Schedule       string        `default:"*/5 * * * *" env:"LIENTHONG_GATEWAY_SCHEDULE" placeholder:"CRON" help:"When due claims are sent: five fields, or '@every 10s'. Vietnamese time."`
	StatusSchedule string        `name:"status-schedule" default:"*/15 * * * *" env:"LIENTHONG_GATEWAY_STATUS_SCHEDULE" placeholder:"CRON" help:"When the portal is asked what became of claims."`
	Timeout        time.Duration `default:"60s" env:"LIENTHONG_GATEWAY_TIMEOUT" help:"How long one call to the portal may take."`
	Rate           float64       `env:"LIENTHONG_GATEWAY_RATE" placeholder:"N" help:"Most claim files sent in a second. Default: no bound."`
	AskEvery       time.Duration `name:"ask-every" default:"10m" env:"LIENTHONG_GATEWAY_ASK_EVERY" help:"Distance of questions about one accepted claim; the status schedule must come round at least as often."`
	RetryFirst     time.Duration `name:"retry-first" default:"10s" env:"LIENTHONG_GATEWAY_RETRY_FIRST" help:"Wait after a claim could not be sent, or a question was not answered; it doubles each time."`
	RetryMax       time.Duration `name:"retry-max" default:"10m" env:"LIENTHONG_GATEWAY_RETRY_MAX" help:"Longest such wait."`
	Lease          time.Duration `default:"1m" env:"LIENTHONG_GATEWAY_LEASE" help:"How long after the death of a server another one, or the same started again, takes its work over."`
	Settle         time.Duration `default:"2m" env:"LIENTHONG_GATEWAY_SETTLE" help:"How long after a send without a trustworthy reply the portal's 'not received' is believed."`
}

// Check refuses settings that cannot work, in words.
func (s *Server) Check() error {
	if s.Data == "" {
		return errors.New("--data is needed: the folder of the store (it is made if it is not there)")
	}
	for _, u := range []struct{ flag, value string }{{"--base-url", s.BaseURL}, {"--sid-base", s.SIDBase}, {"--gateway-url", s.Gateway.URL}} {
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
	s.BaseURL = strings.TrimSuffix(s.BaseURL, "/")
	s.SIDBase = strings.TrimSuffix(s.SIDBase, "/")
	s.Gateway.URL = strings.TrimSuffix(s.Gateway.URL, "/")
	return nil
}

// Account is what logs in to the portal.
type Account struct {
	Username string `yaml:"username"`
	Password string `yaml:"password"`
}

// Account reads the credentials file.
func (g Gateway) Account() (Account, error) {
	var a Account
	raw, err := os.ReadFile(g.Credentials)
	if err != nil {
		return a, fmt.Errorf("credentials of the gateway: %w", err)
	}
	if err := yaml.UnmarshalWithOptions(raw, &a, yaml.Strict()); err != nil {
		return a, fmt.Errorf("credentials of the gateway: %s is not a YAML or JSON file with username and password", g.Credentials)
	}
	if a.Username == "" || a.Password == "" {
		return a, fmt.Errorf("credentials of the gateway: %s lacks username or password", g.Credentials)
	}
	return a, nil
}
