package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/cmd/lienthong/importing"
)

type importCmd struct {
	Paths     []string `arg:"" name:"files" help:"Files, folders or patterns: FHIR JSON or NDJSON, or claim files (XML), also .gz and .bz2. Names with 'hospital' go first, then 'practitioner', then the rest, then claim files in the order given."`
	Server    string   `env:"LIENTHONG_SERVER" placeholder:"URL" help:"FHIR base URL of the server to import into. Default: http://127.0.0.1:8080/fhir, unless --data is given."`
	TokenFile string   `name:"token-file" type:"path" env:"LIENTHONG_TOKEN_FILE" placeholder:"FILE" help:"File with the access token to send by; it is read for each request, so that a new one can be put there meanwhile. Without it nobody sends."`
	clientFlags
	Data        string   `type:"path" placeholder:"DIR" help:"Import directly into this store, which no server may have open."`
	BaseURL     string   `name:"base-url" env:"LIENTHONG_BASE_URL" placeholder:"URL" help:"With --data: FHIR base URL of the server, as it has it."`
	AlsoBaseURL []string `name:"also-base-url" env:"LIENTHONG_ALSO_BASE_URL" placeholder:"URL" help:"With --data: further base URLs of the server, as it has them."`
	SIDBase     string   `name:"sid-base" default:"https://lienthong.example" env:"LIENTHONG_SID_BASE" placeholder:"URL" help:"Base of the identifier systems, as the server has it: with --data, and for claim files. Default: ${default}."`
	Senders     int      `default:"4" help:"Requests at the same time."`
	State       string   `type:"path" placeholder:"FILE" help:"File that remembers what is done, so that the same command continues. Default: in the store's folder, or in the user's cache."`
	Restart     bool     `help:"Forget what the state file remembers and send everything again."`
	Quiet       bool     `short:"q" help:"No progress bar."`

	EncryptionKey string `name:"encryption-key" type:"path" env:"LIENTHONG_ENCRYPTION_KEY" placeholder:"FILE" help:"With --data: key file of an encrypted store."`
}

// Run imports and prints what came of it. Refused entries give exit code 3.
func (c *importCmd) Run(ctx context.Context, s streams) error {
	if (c.TokenFile != "" || c.ClientID != "") && c.Data != "" {
		return &exitError{exitUsage, errors.New("--token-file and --client-id are for a server: with --data nobody is asked who calls")}
	}
	if c.Server != "" && c.Data != "" {
		return &exitError{exitUsage, errors.New("--server and --data exclude each other: import over HTTP, or into a store that no server has open")}
	}
	if u, err := url.Parse(c.Server); c.Server != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		return &exitError{exitUsage, fmt.Errorf("--server %q is no http or https URL, such as http://127.0.0.1:8080/fhir", c.Server)}
	}
	target, done, err := c.target(ctx, s)
	if err != nil {
		return err
	}
	o := importing.Options{Paths: c.Paths, Target: target, Senders: c.Senders, State: c.State, Fresh: c.Restart, Words: words, Systems: mapping.Systems{Base: c.SIDBase}}
	if o.State == "" {
		if o.State, err = c.stateFile(target); err != nil {
			return errors.Join(err, done())
		}
	}
	bar := c.bar(s.err)
	o.Progress = bar.show
	report, err := importing.Run(ctx, o)
	bar.end()
	err = errors.Join(err, done())
	if ctx.Err() == nil && err != nil && report.Files == 0 { // it had not begun
		return err
	}
	if writeErr := report.Write(s.out); writeErr != nil {
		return writeErr
	}
	switch {
	case ctx.Err() != nil:
		return errors.New("stopped; the same command continues where it was")
	case err != nil:
		return fmt.Errorf("%w; the same command continues where it was", err)
	case report.Failed > 0:
		return &exitError{exitPartial, fmt.Errorf("%d entries, lines or files were refused or not readable; all else was taken", report.Failed)}
	}
	return nil
}

// target is a server, or this process over the store: then the requests go to the handler without a network between.
func (c *importCmd) target(ctx context.Context, s streams) (t importing.Target, done func() error, err error) {
	if c.Data == "" {
		base := strings.TrimSuffix(c.Server, "/")
		if base == "" {
			base = "http://127.0.0.1:8080/fhir"
		}
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = max(c.Senders, 1)
		client := &http.Client{Transport: transport}
		token, err := c.token(base, c.TokenFile, client)
		if err != nil {
			return t, nil, err
		}
		if token != nil {
			to, err := url.Parse(base)
			if err != nil {
				return t, nil, err
			}
			client = &http.Client{Transport: bearer{token, to, transport}}
		}
		return importing.Target{Base: base, Client: client}, func() error { return nil }, nil
	}
	if err := config.KeyApart(c.EncryptionKey, c.Data); err != nil {
		return t, nil, err
	}
	n, err := openNode(ctx, config.Server{Data: c.Data, EncryptionKey: c.EncryptionKey, BaseURL: c.BaseURL, AlsoBaseURL: c.AlsoBaseURL, SIDBase: c.SIDBase, MaxBody: 1 << 30, MaxEntries: 1 << 20}, "", logger(s.err, "text", "warn"))
	if err != nil {
		return t, nil, err
	}
	base := c.BaseURL
	if base == "" {
		base = "http://localhost/fhir"
	}
	end := n.trail.beside(ctx)
	return importing.Target{Base: base, Client: &http.Client{Transport: inProcess{n.handler}}}, func() error { return errors.Join(end(), n.close()) }, nil
}

// stateFile gives the place of the marks: with the store, so that both go together, or by server in the user's cache.
func (c *importCmd) stateFile(t importing.Target) (string, error) {
	if c.Data != "" {
		return filepath.Join(c.Data, "import.state"), nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place for the state file, name one with --state: %w", err)
	}
	sum := sha256.Sum256([]byte(t.Base))
	return filepath.Join(cache, "lienthong", "import-"+hex.EncodeToString(sum[:8])+".state"), nil
}

// bar is the progress bar, on terminals only.
type bar struct {
	mu    sync.Mutex // guards bar, which many senders move
	bar   *progressbar.ProgressBar
	out   io.Writer
	start time.Time
}

func (c *importCmd) bar(w io.Writer) *bar {
	if c.Quiet || !isTerminal(w) {
		return &bar{}
	}
	return &bar{out: w, start: time.Now()}
}

func (b *bar) show(p importing.Progress) {
	if b.out == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bar == nil {
		b.bar = progressbar.NewOptions64(p.All, progressbar.OptionSetWriter(b.out), progressbar.OptionShowBytes(true),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30))
	}
	rate := float64(p.Resources) / max(time.Since(b.start).Seconds(), 0.1)
	b.bar.Describe(fmt.Sprintf("%d resources, %.0f/s", p.Resources, rate))
	_ = b.bar.Set64(p.Bytes)
}

func (b *bar) end() {
	if b.bar != nil {
		_ = b.bar.Finish()
	}
}

// isTerminal says whether w is a screen that can rewrite its last line.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
